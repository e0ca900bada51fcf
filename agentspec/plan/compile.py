"""Spec -> Plan: one walk that checks everything and compiles what is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agentspec.plan.bindings import Bindings
from agentspec.plan.blocks import Blocks
from agentspec.plan.catalogue import Catalogue
from agentspec.plan.model import Plan
from agentspec.plan.nodes import Leaves
from agentspec.plan.reads import Reader
from agentspec.plan.texts import Texts
from agentspec.spec.diagnostics import Diagnostic, Severity, SpecInvalid
from agentspec.spec.model import Spec


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
    texts = Texts(spec.document)
    bindings = Bindings(spec, catalogue, texts)
    bindings.bind_tools()
    bindings.bind_models(profile, bind or {})
    reader = Reader(spec, texts)
    block = Blocks(texts, reader, Leaves(texts, bindings, reader)).block(spec.block, bindings.scope_of_nodes)
    diagnostics = tuple(sorted(texts.problems, key=lambda one: one.sort_key))
    if any(one.severity is Severity.ERROR for one in diagnostics):
        return Checked(None, diagnostics)
    plan = Plan(
        name=spec.fields.name,
        description=spec.fields.description,
        folder=spec.folder,
        source=spec.document.source,
        inputs=bindings.inputs,
        models=bindings.models,
        tools=bindings.tools,
        limits=spec.fields.limits,
        block=block,
    )
    return Checked(plan, diagnostics)


def compile_spec(
    spec: Spec, catalogue: Catalogue, *, profile: str | None = None, bind: Mapping[str, str] | None = None
) -> Plan:
    """Like `check`, for callers that want the plan or nothing. Raises `SpecInvalid`."""
    checked = check(spec, catalogue, profile=profile, bind=bind)
    if checked.plan is None:
        raise SpecInvalid(list(checked.diagnostics))
    return checked.plan
