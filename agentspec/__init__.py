"""Declarative agents on small language models.

    agent = agentspec.load("agents/inbox")
    outcome = agentspec.run(agent, {"mailbox": "week.mbox"})       # or: await agentspec.arun(…)
    outcome.result

The floors, lowest first; each imports only from those before it:

    api        all that a plugin may import          models    structured answers, confidence
    spec       YAML text -> located, valid Spec      nodes     how lm and tool steps run
    plan       Spec -> graph -> frozen Plan          runtime   the asyncio shell
    kernel     a run as a pure state machine         testing   a backend without a model
    registry   plugins, found lazily                 cli       one file per command
    journal    every run's events, kept
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentspec.runtime.agent import Agent, aresume, arun, load, resume, run
    from agentspec.runtime.outcome import Outcome
    from agentspec.runtime.session import RunOptions

__all__ = ["Agent", "Outcome", "RunOptions", "aresume", "arun", "load", "resume", "run"]


def __getattr__(name: str) -> Any:
    """Import the runtime when it is first used; `agentspec --help` does without."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("agentspec.runtime.agent"), name)
