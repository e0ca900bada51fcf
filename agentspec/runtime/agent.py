"""Agents from Python: load, check, run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agentspec.api.messages import Json
from agentspec.plan import Checked, Plan, check
from agentspec.plan.catalogue import Catalogue
from agentspec.registry import Registry
from agentspec.runtime import session
from agentspec.runtime.session import Outcome, RunOptions
from agentspec.spec.diagnostics import Diagnostic, SpecInvalid
from agentspec.spec.parse import parse_file


@dataclass(frozen=True, slots=True)
class Agent:
    """A spec file that has the right shape, with what checking it gave."""

    checked: Checked
    catalogue: Catalogue

    def check(self) -> tuple[Diagnostic, ...]:
        """Everything that is wrong or doubtful, in the order of the file."""
        return self.checked.diagnostics

    @property
    def plan(self) -> Plan:
        """What would run. Raises `SpecInvalid` when a diagnostic is an error."""
        if self.checked.plan is None:
            raise SpecInvalid(self.checked.diagnostics)
        return self.checked.plan


def load(path: str | Path, *, profile: str | None = None, bind: Mapping[str, str] | None = None) -> Agent:
    """Read and check a spec file, or the `agent.yaml` of a folder.

    `profile` names one of the spec's `profiles:`; `bind` maps names of models, or `*`, to `<backend>/<model>`.
    Raises `SpecInvalid` for problems of text and shape, KeyError for a profile or model that is not there.
    """
    file = Path(path)
    spec = parse_file(file / "agent.yaml" if file.is_dir() else file)
    if profile is not None and profile not in spec.fields.profiles:
        raise KeyError(f"the spec has no profile `{profile}`")
    unknown = set(bind or ()) - {"*"} - spec.fields.models.keys()
    if unknown:
        raise KeyError(f"the spec has no model `{min(unknown)}`")
    registry = Registry()
    return Agent(check(spec, registry, profile=profile, bind=bind), registry)


async def arun(agent: Agent, inputs: Mapping[str, Json] | None = None, options: RunOptions | None = None) -> Outcome:
    """Run an agent. Raises `SpecInvalid`, and `InvalidValue` when the inputs do not fit."""
    return await session.arun(agent.plan, agent.catalogue, inputs or {}, options)


def run(agent: Agent, inputs: Mapping[str, Json] | None = None, options: RunOptions | None = None) -> Outcome:
    """`arun` without an event loop; inside a running one, in a thread of its own."""
    return session.run(agent.plan, agent.catalogue, inputs or {}, options)
