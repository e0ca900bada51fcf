"""Compiles models that are made of others: cascade, fallback, route, split, shadow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, cast

from pydantic import ValidationError

from agentspec.api.messages import Schema
from agentspec.plan.graph import find_circle
from agentspec.plan.infer import ANY, BOOLEAN, NUMBER, STRING
from agentspec.plan.model import Compiled, Composite
from agentspec.plan.scope import Scope
from agentspec.plan.texts import Text
from agentspec.spec.shapes import (
    COMPOSITES,
    CascadeShape,
    FallbackShape,
    RouteShape,
    SplitShape,
)
from agentspec.spec.source import Where

if TYPE_CHECKING:
    from agentspec.plan.bindings import Bindings

Kind = Literal["cascade", "fallback", "route", "split", "shadow"]

_ACCEPT: dict[str, Schema] = {
    "output": ANY,
    "confidence": NUMBER,
    "valid": BOOLEAN,
    "usd": {"anyOf": [NUMBER, {"type": "null"}]},
}
"""What `accept` sees of an answer; a confidence that is not known is 0."""


def composite_of(raw: Any) -> Kind | None:
    """The key that makes a mapping under `models:` a composite."""
    return next((cast("Kind", key) for key in COMPOSITES if key in raw), None) if isinstance(raw, Mapping) else None


class Composites:
    """Binds composites and, through `Bindings`, the models that are written inside them."""

    def __init__(self, bindings: Bindings) -> None:
        self.bindings = bindings
        self.texts = bindings.texts
        self._places: dict[str, Where] = {}
        self._members: dict[str, list[str]] = {}

    def bind(self, name: str, kind: Kind, raw: Mapping[str, Any], where: Where) -> None:
        """Compile one composite. What is wrong with it is reported."""
        shape = COMPOSITES[kind]
        try:
            fields = shape.model_validate(raw)
        except ValidationError as error:
            self.texts.report_shape(shape, error, where)
            return
        self._places[name] = where
        self._members[name] = []
        place = (*where, kind)
        accept: Compiled | None = None
        conditions: list[Compiled | None] = []
        shares: tuple[float, ...] = ()
        if isinstance(fields, CascadeShape | FallbackShape):
            written = fields.cascade if isinstance(fields, CascadeShape) else fields.fallback
            keys = [self._member(name, member, (*place, number)) for number, member in enumerate(written)]
            if isinstance(fields, CascadeShape):
                accept = self._condition(fields.accept, (*where, "accept"), Scope(variables=_ACCEPT))
        elif isinstance(fields, RouteShape):
            keys = [self._member(name, way.use, (*place, number, "use")) for number, way in enumerate(fields.route)]
            conditions = self._ways(fields, place)
        elif isinstance(fields, SplitShape):
            keys = [self._member(name, member, (*place, member)) for member in fields.split]
            total = sum(fields.split.values())
            shares = tuple(share / total for share in fields.split.values())
        else:
            keys = [self._member(name, fields.shadow, place), self._member(name, fields.with_, (*where, "with"))]
        document = self.texts.document
        self.bindings.models[name] = Composite(
            name=name,
            kind=kind,
            members=tuple(keys),
            origin=document.source_at(where),
            span=document.span(where),
            accept=accept,
            conditions=tuple(conditions),
            shares=shares,
        )

    def check_circles(self) -> None:
        """Report models that are made of each other."""
        circle = find_circle(
            {name: [one for one in made if one in self._members] for name, made in self._members.items()}
        )
        if circle:
            # found along "is needed by", told along "is made of"
            names = [f"`{name}`" for name in reversed(circle)]
            text = f"{' -> '.join([*names, names[0]])} are made of each other"
            self.texts.report("AS430", text, self._places[circle[-1]], key=True)

    def _member(self, name: str, raw: str | Mapping[str, Any], where: Where) -> str:
        """The key of a member; one that is written in place is bound under a name of its own."""
        known = self.bindings.spec.fields.models
        if isinstance(raw, str) and "/" not in raw:
            self._members[name].append(raw)
            if raw not in known:
                text = f"there is no model `{raw}` under `models:`"
                self.texts.report_unknown("AS304", text, raw, known, where, key=where[-1] == raw)
            return self.bindings.key(raw)
        inner = f"{name}.{len(self._members[name]) + 1}"
        self._members[name].append(inner)
        self.bindings.bind_model(inner, raw, where)
        return self.bindings.key(inner)

    def _ways(self, fields: RouteShape, place: Where) -> list[Compiled | None]:
        seen = Scope(self.bindings.scope_of_nodes, variables={"prompt": STRING})
        for number, way in enumerate(fields.route):
            if way.when is None and number < len(fields.route) - 1:
                text = "the ways behind this one are never taken: it has no `when`"
                self.texts.report("AS203", text, (*place, number))
        if fields.route[-1].when is not None:
            text = "when no condition holds, there is no model to ask"
            self.texts.report("AS203", text, place, "end the list with an entry without `when`", key=True)
        return [
            None if way.when is None else self._condition(way.when, (*place, number, "when"), seen)
            for number, way in enumerate(fields.route)
        ]

    def _condition(self, raw: object, where: Where, scope: Scope) -> Compiled:
        written = raw if isinstance(raw, str) else str(raw).lower()
        return self.texts.compiled(Text(written, where, bare=True), scope)[0]
