"""Spec -> Plan: one walk that checks everything and compiles what is right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from agentspec.plan.agents import Agents
from agentspec.plan.bindings import Bindings
from agentspec.plan.blocks import Blocks
from agentspec.plan.cases import check_cases
from agentspec.plan.catalogue import Catalogue
from agentspec.plan.model import Plan
from agentspec.plan.nodes import Leaves
from agentspec.plan.proof.prove import prove
from agentspec.plan.reads import Reader
from agentspec.plan.texts import Texts
from agentspec.spec.collector import collector_resting
from agentspec.spec.diagnostics import Diagnostic, Severity, SpecInvalid
from agentspec.spec.model import Spec

_B = TypeVar("_B")


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of checking: all diagnostics in the order of the file, and the plan unless one is an error."""

    plan: Plan | None
    diagnostics: tuple[Diagnostic, ...]


def check(
    spec: Spec, catalogue: Catalogue, *, profile: str | None = None, bind: Mapping[str, str] | None = None
) -> Checked:
    """Check a spec and compile it.

    `profile` names one of `profiles:` and `bind` maps model names (or `*`) to `<backend>/<model>`; both have
    been held against the spec by the caller.
    """
    with collector_resting():
        return _check(spec, Agents(spec, catalogue, _check, profile, bind or {}))


def _check(spec: Spec, agents: Agents) -> Checked:
    texts = Texts(spec.document)
    bindings = Bindings(spec, agents, texts)
    bindings.bind_tools()
    bindings.bind_models()
    reader = Reader(spec, texts)
    leaves = Leaves(texts, bindings, reader, agents)
    block = Blocks(texts, reader, leaves).block(spec.block, bindings.scope_of_nodes)
    check_cases(spec, bindings, block.value, texts)
    if _failed(texts):
        return Checked(None, _in_order(texts))
    called = agents.called.values()
    plan = Plan(
        name=spec.fields.name,
        description=spec.fields.description,
        folder=spec.folder,
        source=spec.document.source,
        inputs=bindings.inputs,
        models=_keyed(bindings, bindings.models, [one.models for one in called]),
        tools=_keyed(bindings, bindings.tools, [one.tools for one in called]),
        limits=spec.fields.limits,
        block=block,
        allow_unreviewed=frozenset([words] if isinstance(words := spec.fields.allow_unreviewed, str) else words),
    )
    prove(plan, spec, bindings)
    return Checked(None if _failed(texts) else plan, _in_order(texts))


def _failed(texts: Texts) -> bool:
    return any(one.severity is Severity.ERROR for one in texts.problems)


def _in_order(texts: Texts) -> tuple[Diagnostic, ...]:
    """All problems, first those of the file itself."""
    source = texts.document.source
    return tuple(sorted(texts.problems, key=lambda one: (one.source is not source, one.source.name, one.sort_key)))


def _keyed(bindings: Bindings, own: Mapping[str, _B], others: Iterable[Mapping[str, _B]]) -> dict[str, _B]:
    """The bindings of an agent and of those that it calls."""
    found = {bindings.key(name): binding for name, binding in own.items()}
    for more in others:
        found |= more
    return found


def compile_spec(
    spec: Spec, catalogue: Catalogue, *, profile: str | None = None, bind: Mapping[str, str] | None = None
) -> Plan:
    """Like `check`, for callers that want the plan or nothing. Raises `SpecInvalid`."""
    checked = check(spec, catalogue, profile=profile, bind=bind)
    if checked.plan is None:
        raise SpecInvalid(list(checked.diagnostics))
    return checked.plan
