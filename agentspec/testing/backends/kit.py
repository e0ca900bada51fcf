"""Runs the rules against a backend, from a function or from pytest."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from agentspec.api.backend import BackendFactory
from agentspec.api.errors import AgentspecError
from agentspec.api.messages import Json
from agentspec.testing.backends import abilities, calls, factories, replies, texts
from agentspec.testing.backends.rule import Rule, Violation
from agentspec.testing.backends.subject import CallBroke, Subject

FOREIGN = calls.foreign
"""Whichever rule meets an exception of another library, it is this rule that is broken."""

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (
            one
            for module in (factories, abilities, replies, texts, calls)
            for one in vars(module).values()
            if isinstance(one, Rule)
        ),
        key=lambda one: one.number,
    )
)
"""All rules, by number."""


def check_backend(
    factory: BackendFactory,
    model: str,
    options: Mapping[str, Json] | None = None,
    *,
    folder: Path | None = None,
    deterministic: bool | None = None,
    patience_s: float = 30.0,
    rules: Iterable[Rule] = RULES,
) -> list[Violation]:
    """Say which rules a backend breaks; an empty list when it keeps them all.

    Not to be called from a running event loop: each rule gets a loop of its own, as each run does.

    Args:
        factory: what the hook `agentspec_register_backends` returns.
        model: the part of `use:` behind the backend's name.
        options: what would stand beside `use:`.
        folder: the folder of the spec; by default an empty one.
        deterministic: whether the same seed gives the same answer; by default so unless the model is remote.
        patience_s: seconds that one call may take.
        rules: the rules to look at.
    """
    with tempfile.TemporaryDirectory() as empty:
        subject = Subject(factory, model, dict(options or {}), folder or Path(empty), patience_s, deterministic)
        found = [violation for one in rules for violation in asyncio.run(_look(one, subject))]
    return list(dict.fromkeys(found))


async def _look(one: Rule, subject: Subject) -> list[Violation]:
    found: list[Violation] = []
    try:
        async for problem in one.check(subject):
            found.append(one.violation(problem))  # noqa: PERF401 (what was found before an exception counts)
    except CallBroke as error:
        found.append(one.violation(str(error)))
    except AgentspecError as error:
        found.append(one.violation(f"{type(error).__name__}: {error.message}"))
    except Exception as error:
        found.append(FOREIGN.violation(f"{type(error).__name__} left the backend: {str(error)[:200]}"))
    return found


class BackendConformance:
    """Inherit from it in a test module, and pytest runs every rule as a test of its own.

    class TestEcho(BackendConformance):
        factory = my_plugin.factory
        model = "echo"

    Options that are known only when a test runs (the port of a server) are set by an autouse fixture of the
    class: `self.options = {"host": server.url}`.
    """

    factory: BackendFactory
    model: str
    options: Mapping[str, Json] = {}
    folder: Path | None = None
    deterministic: bool | None = None
    patience_s: float = 30.0

    @staticmethod
    def pytest_generate_tests(metafunc: Any) -> None:
        """Make each rule a parameter."""
        if "rule" in metafunc.fixturenames:
            metafunc.parametrize("rule", RULES, ids=lambda rule: rule.number)

    def test_rule(self, rule: Rule) -> None:
        """The backend keeps the rule."""
        found = check_backend(
            self.factory,
            self.model,
            self.options,
            folder=self.folder,
            deterministic=self.deterministic,
            patience_s=self.patience_s,
            rules=[rule],
        )
        assert not found, "\n".join(map(str, found))
