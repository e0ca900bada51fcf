"""The models of a run: made when first asked, closed at its end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from agentspec.api.backend import Backend, ModelBinding, Options
from agentspec.api.errors import InvalidValue, OfflineRefused
from agentspec.api.messages import Json
from agentspec.plan.catalogue import Catalogue
from agentspec.plan.model import Binding, Lookup
from agentspec.spec.expressions import check, compile_expression

_O = TypeVar("_O", bound=Options)


class Environment(dict[str, str]):
    """What `${{ env.X }}` reads; a variable that is not set is named with the way to set it."""

    def __missing__(self, name: str) -> str:
        raise InvalidValue(f"the environment variable `{name}` is not set", hint=f"export {name}=…")


class ModelPool:
    """Opens each bound model once."""

    def __init__(
        self, bindings: Mapping[str, Binding], catalogue: Catalogue, lookup: Lookup, folder: Path, offline: bool
    ) -> None:
        self._bindings = bindings
        self._catalogue = catalogue
        self._lookup = lookup
        self._folder = folder
        self._offline = offline
        self._open: dict[str, Backend] = {}

    def get(self, name: str) -> Backend:
        """The backend behind a name of `models:`. Raises `BackendError`, `InvalidValue`, `PluginMissing`."""
        if name not in self._open:
            binding = self._bindings[name]
            backend_name, _, model = binding.use.partition("/")
            factory = self._catalogue.backend(backend_name)
            options = resolve_options(binding, factory.options, self._lookup)
            backend = factory.create(ModelBinding(model, options, self._folder, self._offline))
            if self._offline and backend.capabilities.remote:
                raise OfflineRefused(
                    f"`{binding.use}` talks to another machine, and the run is offline",
                    hint=f"bind `{name}` to a local model: --bind {name}=pocket/…",
                )
            self._open[name] = backend
        return self._open[name]

    def uses(self, name: str) -> str:
        """What a name is bound to, as `<backend>/<model>`."""
        return self._bindings[name].use

    async def close(self) -> None:
        """Close every backend that was opened."""
        for backend in self._open.values():
            await backend.close()
        self._open.clear()


def resolve_options(binding: Binding, options: type[_O], lookup: Lookup) -> _O:
    """Give a binding's options their values and types. Raises `InvalidValue`, never showing a value."""
    try:
        return options.model_validate({key: _resolve(raw, lookup) for key, raw in binding.options.items()})
    except ValidationError as error:
        listed = "; ".join(
            f"`{'.'.join(map(str, detail['loc']))}`: {detail['msg']}"
            for detail in error.errors(include_url=False, include_input=False)
        )
        raise InvalidValue(f"options of `{binding.name}` ({binding.use}): {listed}") from error


def _resolve(raw: Json, lookup: Lookup) -> Any:
    if isinstance(raw, str):
        expression, _ = check(raw)
        return raw if expression is None else compile_expression(expression)(lookup)
    if isinstance(raw, Mapping):
        return {key: _resolve(item, lookup) for key, item in raw.items()}
    if isinstance(raw, list):
        return [_resolve(item, lookup) for item in raw]
    return raw
