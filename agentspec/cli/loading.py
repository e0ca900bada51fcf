"""What most commands begin with: a spec file, its profile and its bindings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from agentspec.plan import Checked, check
from agentspec.registry import Registry
from agentspec.spec.diagnostics import SpecInvalid, suggest
from agentspec.spec.frames import harmless
from agentspec.spec.model import Spec
from agentspec.spec.parse import parse_file

_F = TypeVar("_F", bound=Callable[..., Any])


def binding_options(command: _F) -> _F:
    """Add `--profile` and `--bind`."""
    command = click.option("--bind", multiple=True, metavar="NAME=MODEL", help="Bind a model, `*` for all.")(command)
    return click.option("--profile", metavar="NAME", help="Use the bindings of a profile of the spec.")(command)


def spec_path(word: str) -> Path:
    """The file that a person means: a folder stands for the `agent.yaml` in it."""
    path = Path(word)
    return path / "agent.yaml" if path.is_dir() else path


def load(word: str, profile: str | None = None, bind: tuple[str, ...] = ()) -> tuple[Checked, Registry]:
    """Parse and check a spec. Raises `SpecInvalid` for problems of text and shape, usage errors for options."""
    registry = Registry()
    return examine(parse_file(spec_path(word)), registry, profile, bind), registry


def examine(spec: Spec, registry: Registry, profile: str | None = None, bind: tuple[str, ...] = ()) -> Checked:
    """Check a parsed spec. Raises usage errors for options."""
    return check(spec, registry, profile=profile_of(spec, profile), bind=bindings_of(spec, bind))


def load_plan(word: str, profile: str | None = None, bind: tuple[str, ...] = ()) -> tuple[Checked, Registry]:
    """Like `load`, for commands that need a plan. Raises `SpecInvalid` when there is none."""
    checked, registry = load(word, profile, bind)
    if checked.plan is None:
        raise SpecInvalid(list(checked.diagnostics))
    return checked, registry


def pairs(words: tuple[str, ...], option: str) -> dict[str, str]:
    """Split `NAME=VALUE` words."""
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{option} takes NAME=VALUE, not '{word}'.")
        found[name] = value
    return found


def profile_of(spec: Spec, profile: str | None) -> str | None:
    """Hold a profile of the command line against a spec. Raises usage errors."""
    if profile is not None and profile not in spec.fields.profiles:
        raise click.UsageError(_unknown("profile", profile, list(spec.fields.profiles)))
    return profile


def bindings_of(spec: Spec, words: tuple[str, ...]) -> dict[str, str]:
    """Read the bindings of the command line, and hold them against a spec. Raises usage errors."""
    bind = pairs(words, "--bind")
    for name in bind:
        if name != "*" and name not in spec.fields.models:
            raise click.UsageError(_unknown("model", name, list(spec.fields.models)))
    return bind


def _unknown(what: str, word: str, known: list[str]) -> str:
    close = suggest(word, known)
    tail = f"did you mean '{close}'?" if close else f"it has {', '.join(known) or 'none'}."
    return harmless(f"The spec has no {what} '{word}': {tail}")
