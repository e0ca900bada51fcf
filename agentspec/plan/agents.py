"""Other agents that a spec calls: each file is read and compiled once, and none may call itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from agentspec.plan.catalogue import Catalogue
from agentspec.plan.model import Plan
from agentspec.plan.texts import Texts
from agentspec.spec.diagnostics import Diagnostic, SpecInvalid
from agentspec.spec.model import Spec
from agentspec.spec.parse import parse_file
from agentspec.spec.source import Where

if TYPE_CHECKING:
    from agentspec.plan.compile import Checked

CheckSpec = Callable[[Spec, "Agents"], "Checked"]


class Agents:
    """The agents of one run, by file.

    Args:
        top: the spec that is run; the files of all others lie in its folder, or below.
        check_spec: checks and compiles one spec.
        profile: chosen for every agent that has a profile of that name.
        bind: bindings of the command line; in other agents than the top one only `*` applies.
    """

    def __init__(
        self, top: Spec, catalogue: Catalogue, check_spec: CheckSpec, profile: str | None, bind: Mapping[str, str]
    ) -> None:
        self.catalogue = catalogue
        self.profile = profile
        self.bind = bind
        self.called: dict[Path, Plan] = {}
        self._check_spec = check_spec
        self._root = top.folder.resolve()
        self._trail = [_path(top)]
        self._checked: dict[Path, Checked | None] = {}

    @property
    def prefix(self) -> str:
        """What the keys of models and tools begin with in the agent that is being compiled."""
        return "" if len(self._trail) == 1 else f"{self._name(self._trail[-1])}#"

    def profile_of(self, spec: Spec) -> str | None:
        """The profile to choose in a spec."""
        return self.profile if self.profile in spec.fields.profiles else None

    def bind_of(self, name: str) -> str | None:
        """What the command line binds a model to."""
        return self.bind.get(name, self.bind.get("*")) if len(self._trail) == 1 else self.bind.get("*")

    def plan(self, word: str, folder: Path, texts: Texts, where: Where) -> Plan | None:
        """The agent in a file; None when it cannot be used, which is then reported at `where`."""
        path = (folder / word).resolve()
        path = path / "agent.yaml" if path.is_dir() else path
        if Path(word).is_absolute() or not path.is_relative_to(self._root):
            texts.report("AS311", f"`{word}` lies outside the folder of the spec", where)
            return None
        if path in self._trail:
            circle = [self._name(one) for one in [*self._trail[self._trail.index(path) :], path]]
            text = f"this agent would call itself: {' -> '.join(circle)}"
            texts.report("AS405", text, where, "use a `loop` or a `machine` for what is to be done again")
            return None
        if path not in self._checked:
            self._checked[path] = self._check(path, word, texts, where)
        checked = self._checked[path]
        if checked is None or checked.plan is None:
            return None
        self.called[path] = checked.plan
        return checked.plan

    def _check(self, path: Path, word: str, texts: Texts, where: Where) -> Checked | None:
        try:
            spec = parse_file(path)
        except SpecInvalid as error:
            if any(one.code == "AS110" for one in error.diagnostics):
                reason = error.diagnostics[0].message.removeprefix("the file cannot be read: ")
                texts.report("AS311", f"`{word}` cannot be read: {reason}", where)
            else:
                self._adopt(error.diagnostics, texts)
            return None
        self._trail.append(path)
        try:
            checked = self._check_spec(spec, self)
        finally:
            self._trail.pop()
        self._adopt(checked.diagnostics, texts)
        return checked

    def _adopt(self, diagnostics: tuple[Diagnostic, ...] | list[Diagnostic], texts: Texts) -> None:
        texts.problems += [one for one in diagnostics if one not in texts.problems]

    def _name(self, path: Path) -> str:
        return Path(os.path.relpath(path, self._root)).as_posix()


def _path(spec: Spec) -> Path:
    return (spec.folder / Path(spec.document.source.name).name).resolve()
