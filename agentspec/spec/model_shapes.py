"""The shapes of what stands under `models:`: one model, or one that is made of others."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from agentspec.spec.shapes import Bare, Number, Shape

Member = str | dict[str, Any]
"""A model inside another: its name, `<backend>/<model>`, or a mapping as under `models:`."""


class PriceShape(Shape):
    """What a model costs in USD: per million tokens in and out, per second of a call, or both."""

    in_: Number | None = Field(default=None, alias="in")
    out: Number | None = None
    per_second: Number | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> PriceShape:
        if (self.in_ is None) != (self.out is None) or (self.in_ is None and self.per_second is None):
            raise PydanticCustomError("price", "a price has `in` and `out`, or `per_second`, or all three")
        return self


class ModelShape(Shape):
    """What every model takes, whatever its backend; the backend's own options stand beside it."""

    use: str
    concurrency: Annotated[int, Field(ge=1)] | None = None
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    tokens_per_minute: Annotated[int, Field(ge=1)] | None = None
    price: PriceShape | None = None


class CascadeShape(Shape):
    """Ask one model after the other; the first answer for which `accept` holds wins."""

    cascade: Annotated[list[Member], Field(min_length=2)]
    accept: Bare


class FallbackShape(Shape):
    """Ask the next model when one fails."""

    fallback: Annotated[list[Member], Field(min_length=2)]


class Way(Shape):
    """One entry of `route:`; without `when` it is taken whenever it is reached."""

    when: Bare | None = None
    use: Member


class RouteShape(Shape):
    """Choose the model by what is asked."""

    route: Annotated[list[Way], Field(min_length=1)]


class SplitShape(Shape):
    """Choose the model by chance, once for each run; the numbers are shares."""

    split: Annotated[dict[str, Annotated[Number, Field(gt=0)]], Field(min_length=2)]


class ShadowShape(Shape):
    """`shadow` answers; `with` is asked, too, and its answer is only recorded."""

    shadow: Member
    with_: Member = Field(alias="with")


Composite = CascadeShape | FallbackShape | RouteShape | SplitShape | ShadowShape
COMPOSITES: dict[str, type[Composite]] = {
    "cascade": CascadeShape,
    "fallback": FallbackShape,
    "route": RouteShape,
    "split": SplitShape,
    "shadow": ShadowShape,
}
"""Models that are made of others, by the key that tells them."""
