"""Compiles models that are made of others: cascade, fallback, route, split, shadow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, cast

from pydantic import ValidationError

from agentspec.api.messages import Schema
from agentspec.plan.graph import find_circle
from agentspec.plan.infer import ANY, BOOLEAN, NUMBER, STRING
from agentspec.plan.model import Composite
from agentspec.plan.scope import Scope
from agentspec.plan.texts import Text
from agentspec.plan.work import Compiled
from agentspec.spec.diagnostics import suggest
from agentspec.spec.model_shapes import COMPOSITES, CascadeShape, FallbackShape, Member, RouteShape, SplitShape
from agentspec.spec.model_shapes import Composite as CompositeShape
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
    """Compiles composites and, through `Bindings`, the models that are written inside them.

    Those stand in the plan under names of their own, `sorter.2`, which no spec can write.
    """

    def __init__(self, bindings: Bindings) -> None:
        self.bindings = bindings
        self.texts = bindings.texts
        self._places: dict[str, Where] = {}
        self._members: dict[str, list[str]] = {}
        self._accepts: dict[str, Text] = {}

    def compile(self, name: str, kind: Kind, raw: Mapping[str, Any], where: Where, chosen: bool) -> Composite | None:
        """Compile one composite, with all that is written inside it. None when its shape is wrong.

        One that is not `chosen` is only looked at.
        """
        shape = COMPOSITES[kind]
        try:
            fields = shape.model_validate(raw)
        except ValidationError as error:
            self.texts.report_shape(shape, error, where)
            return None
        written = _members(fields)
        names = [self._member(name, number, *one, where, chosen) for number, one in enumerate(written, 1)]
        accept: Compiled | None = None
        conditions: tuple[Compiled | None, ...] = ()
        shares: tuple[float, ...] = ()
        if isinstance(fields, CascadeShape):
            text = _bare(fields.accept, (*where, "accept"))
            accept = self.texts.compiled(text, Scope(variables=_ACCEPT))[0]
            if chosen:
                self._accepts[name] = text
        elif isinstance(fields, RouteShape):
            conditions = self._ways(fields, (*where, kind))
        elif isinstance(fields, SplitShape):
            shares = tuple(share / sum(fields.split.values()) for share in fields.split.values())
        if chosen:
            self._places[name] = where
            self._members[name] = names
        return Composite(
            name=name,
            kind=kind,
            members=tuple(self.bindings.key(one) for one in names),
            origin=self.texts.document.source_at(where),
            span=self.texts.document.span(where),
            accept=accept,
            conditions=conditions,
            shares=shares,
            written=raw,
        )

    def check_circles(self) -> None:
        """Report models that are made of each other, each circle once."""
        edges = {name: [one for one in made if one in self._members] for name, made in self._members.items()}
        while circle := find_circle(edges):
            # found along "is needed by", told along "is made of", beginning with the first in the file
            names = [one for one in reversed(circle) if "." not in one]
            first = min(names, key=list(self._members).index)
            at = names.index(first)
            shown = [f"`{one}`" for one in (*names[at:], *names[:at], first)]
            text = f"`{first}` is made of itself" if len(names) == 1 else f"{' -> '.join(shown)} are made of each other"
            self.texts.report("AS430", text, self._places[first], key=True)
            edges = {name: [] if name in circle else made for name, made in edges.items()}

    def check_answers(self, model: str, output: Schema) -> None:
        """Hold what a model that is made of others asks about answers against the type of a node's answers."""
        waiting, seen = [model], set[str]()
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting += self._members.get(name, ())
                if name in self._accepts:
                    self.texts.compiled(self._accepts[name], Scope(variables={**_ACCEPT, "output": output}))

    def report_shapeless(self, raw: Mapping[str, Any], where: Where) -> None:
        """Report a mapping that is neither a model nor made of others."""
        kinds = ("use", *COMPOSITES)
        for key in raw:
            if suggest(str(key), kinds):
                self.texts.report_unknown("AS201", f"unknown key `{key}`", str(key), kinds, (*where, key), key=True)
                return
        text = f"a model has `use`, or one of {', '.join(f'`{kind}`' for kind in COMPOSITES)}"
        self.texts.report("AS202", text, where)

    def _member(self, name: str, number: int, raw: Member, place: Where, where: Where, chosen: bool) -> str:
        """The name of a member; one that is written in place is bound under a name of its own."""
        known, place = self.bindings.spec.fields.models, (*where, *place)
        key = place[-2:] == ("split", raw)
        if isinstance(raw, str) and "/" not in raw:
            if raw not in known:
                text = f"there is no model `{raw}` under `models:`"
                self.texts.report_unknown("AS304", text, raw, set(known) - {name.partition(".")[0]}, place, key=key)
            return raw
        inner = f"{name}.{number}"
        self.bindings.bind_model(inner, raw, place, key=key, chosen=chosen)
        return inner

    def _ways(self, fields: RouteShape, place: Where) -> tuple[Compiled | None, ...]:
        seen = Scope(self.bindings.scope_of_nodes, variables={"prompt": STRING})
        conditions: list[Compiled | None] = []
        for number, way in enumerate(fields.route):
            last = number == len(fields.route) - 1
            if way.when is not None:
                text = _bare(way.when, (*place, number, "when"))
                conditions.append(self.texts.compiled(text, seen)[0])
                if last:
                    message = "when no condition holds, there is no model to ask"
                    hint = "end the list with an entry without `when`"
                    self.texts.report("AS203", message, place, hint, key=True)
                continue
            conditions.append(None)
            if not last:
                message = "the ways behind this one are never taken: it has no `when`"
                self.texts.report("AS203", message, (*place, number))
        return tuple(conditions)


def _members(fields: CompositeShape) -> list[tuple[Member, Where]]:
    """What a composite is made of, each with its place inside it."""
    if isinstance(fields, CascadeShape):
        return [(member, ("cascade", number)) for number, member in enumerate(fields.cascade)]
    if isinstance(fields, FallbackShape):
        return [(member, ("fallback", number)) for number, member in enumerate(fields.fallback)]
    if isinstance(fields, RouteShape):
        return [(way.use, ("route", number, "use")) for number, way in enumerate(fields.route)]
    if isinstance(fields, SplitShape):
        return [(member, ("split", member)) for member in fields.split]
    return [(fields.shadow, ("shadow",)), (fields.with_, ("with",))]


def _bare(raw: object, where: Where) -> Text:
    return Text(raw if isinstance(raw, str) else str(raw).lower(), where, bare=True)
