"""The models of a run: made when first asked, closed at its end."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import ValidationError

from agentspec.api.backend import Backend, ModelBinding, Options
from agentspec.api.errors import InvalidValue, OfflineRefused
from agentspec.api.messages import Json, Usage
from agentspec.models.guard import Guard
from agentspec.models.secrets import require
from agentspec.plan.catalogue import Catalogue
from agentspec.plan.model import Binding, Composite
from agentspec.plan.proof.prices import Price, price_book
from agentspec.plan.work import Lookup
from agentspec.spec.expressions import check, compile_expression

_O = TypeVar("_O", bound=Options)

_MOST_TOKENS = 1 << 40
"""No call has as many."""

_PATIENCE_S = 10.0
"""How long the end of a run waits for models that were asked in the background."""


class ModelPool:
    """Opens each bound model once."""

    def __init__(
        self, bindings: Mapping[str, Binding | Composite], catalogue: Catalogue, lookup: Lookup, offline: bool
    ) -> None:
        self._bindings = bindings
        self._catalogue = catalogue
        self._lookup = lookup
        self._offline = offline
        self._open: dict[str, Backend] = {}
        self._options: dict[str, Options] = {}
        self._guards: dict[str, Guard] = {}
        self._background: set[asyncio.Task[None]] = set()

    def get(self, name: str) -> Backend:
        """The backend behind a key of the plan's models. Raises `BackendError`, `InvalidValue`, `PluginMissing`."""
        if name not in self._open:
            binding = self._bindings[name]
            assert isinstance(binding, Binding), f"{name} is made of others"
            backend_name, _, model = binding.use.partition("/")
            factory = self._catalogue.backend(backend_name)
            options = resolve_options(binding, factory.options, self._lookup)
            self._options[name] = options
            backend = factory.create(ModelBinding(model, options, binding.folder, self._offline))
            if self._offline and backend.capabilities.remote:
                raise OfflineRefused(
                    f"`{binding.use}` talks to another machine, and the run is offline",
                    hint="bind a local model in its place: --bind NAME=pocket/…",
                )
            self._open[name] = backend
        return self._open[name]

    def guard(self, name: str) -> Guard:
        """What holds the calls of a model to its terms; all calls of a key share it."""
        if name not in self._guards:
            binding = self._bindings[name]
            assert isinstance(binding, Binding), f"{name} is made of others"
            self._guards[name] = Guard(binding.use, binding.terms)
        return self._guards[name]

    def most_tokens(self, name: str) -> int | None:
        """The longest answer that the options of a model allow, None when they do not say."""
        options = self._options.get(name)
        most = getattr(options, "max_tokens", None)
        return most if isinstance(most, int) else None

    def with_cost(self, name: str, usage: Usage, seconds: float) -> Usage:
        """A usage with what it costs: a price of the spec wins, then the backend's own word, then the price book.

        What no call can have used becomes unknown: limits are held against it.
        """
        tokens_in, tokens_out, cached = map(_count, (usage.tokens_in, usage.tokens_out, usage.tokens_cached))
        usage = Usage(tokens_in, tokens_out, cached, _usd(usage))
        price, told = self.price(name), usage.usd
        if price is None or (told is not None and not price.written):
            return usage
        return replace(usage, usd=price.usd(usage.tokens_in, usage.tokens_out, seconds))

    def price(self, name: str) -> Price | None:
        """The price of a model, None when it is not known."""
        binding = self._bindings[name]
        assert isinstance(binding, Binding), f"{name} is made of others"
        price = price_book().of(binding)
        # A server on this machine may hand a call on to somebody else's, who has a price.
        return None if price is not None and price.local and self.get(name).capabilities.remote else price

    def entry(self, name: str) -> Binding | Composite:
        """What is bound to a key."""
        return self._bindings[name]

    def uses(self, name: str) -> str:
        """What a name is bound to, as `<backend>/<model>`."""
        return self._bindings[name].use

    def in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that no step waits for; `close` does, for a while."""
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def drop_background(self) -> None:
        """Stop what goes on in the background."""
        for task in self._background:
            task.cancel()

    async def close(self) -> None:
        """Close every backend that was opened, once what goes on in the background is done or too slow."""
        try:
            if self._background:
                await asyncio.wait(self._background, timeout=_PATIENCE_S)
        finally:
            self.drop_background()
            await asyncio.gather(*self._background, return_exceptions=True)
            for backend in self._open.values():
                await backend.close()
            self._open.clear()


def _count(told: object) -> int | None:
    return told if isinstance(told, int) and not isinstance(told, bool) and 0 <= told < _MOST_TOKENS else None


def _usd(usage: Usage) -> float | None:
    return usage.usd if isinstance(usage.usd, int | float) and 0 <= usage.usd < math.inf else None


def resolve_options(binding: Binding, options: type[_O], lookup: Lookup) -> _O:
    """Give a binding's options their values and types. Raises `InvalidValue`, never showing a value."""
    try:
        return options.model_validate(resolve(binding.options, lookup))
    except ValidationError as error:
        listed = "; ".join(
            f"`{'.'.join(map(str, detail['loc']))}`: {detail['msg']}"
            for detail in error.errors(include_url=False, include_input=False)
        )
        raise InvalidValue(f"options of `{binding.name}` ({binding.use}): {listed}") from error


def resolve(raw: Json, lookup: Lookup) -> Any:
    """Options with the values of their expressions. Raises `EvaluationFailed`, `VariableMissing`."""
    if isinstance(raw, str):
        expression, _ = check(raw)
        if expression is None:
            return raw
        require(expression, lookup)
        return compile_expression(expression)(lookup)
    if isinstance(raw, Mapping):
        return {key: resolve(item, lookup) for key, item in raw.items()}
    if isinstance(raw, list):
        return [resolve(item, lookup) for item in raw]
    return raw
