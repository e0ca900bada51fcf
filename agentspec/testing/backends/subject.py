"""The backend under test: how it is made, and how it is asked."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from agentspec.api.backend import Backend, BackendFactory, ModelBinding
from agentspec.api.errors import BackendError
from agentspec.api.messages import Json, Message, Reply, Request

TIGHT = "Answer in a few words: what is the capital of France?"
LONG = "Count from one to forty-nine and write every number as a word: " + " ".join(
    f"{tens} {ones}".strip()
    for tens in ("", "twenty", "thirty", "forty")
    for ones in ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
)
"""A prompt that takes a while, for models that answer at length and for those that repeat what they hear."""


class CallBroke(Exception):
    """An ordinary call ended in an error, so that a rule cannot be looked at."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is tested.

    Attributes:
        options: as they would stand in a spec.
        patience_s: how long one call may take.
        deterministic: whether the same seed must give the same answer; None for "unless it is remote".
    """

    factory: BackendFactory
    model: str
    options: Mapping[str, Json]
    folder: Path
    patience_s: float
    deterministic: bool | None = None

    def create(self, *, offline: bool = False) -> Backend:
        """Make a backend as a run does. Raises `BackendError`."""
        chosen = self.factory.options.model_validate(dict(self.options))
        return self.factory.create(ModelBinding(self.model, chosen, self.folder, offline))

    def another(self, model: str) -> Subject:
        """The same with a model of another name."""
        return replace(self, model=model)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Backend]:
        """A backend, closed at the end."""
        backend = self.create()
        try:
            yield backend
        finally:
            await asyncio.wait_for(backend.close(), self.patience_s)

    async def ask(self, backend: Backend, request: Request) -> Reply:
        """Ask in an ordinary way. Raises `CallBroke` for an error, foreign exceptions as they come."""
        try:
            return await asyncio.wait_for(backend.generate(request), self.patience_s)
        except TimeoutError:
            raise CallBroke(f"a call took longer than {self.patience_s:g} s") from None
        except BackendError as error:
            raise CallBroke(f"a call failed: {type(error).__name__}: {error.message}") from error

    async def listen(self, backend: Backend, request: Request) -> list[Any]:
        """All that a stream gives. Raises `CallBroke` for an error, foreign exceptions as they come."""

        async def listen() -> list[Any]:
            return [piece async for piece in backend.stream(request)]

        try:
            return await asyncio.wait_for(listen(), self.patience_s)
        except TimeoutError:
            raise CallBroke(f"a stream took longer than {self.patience_s:g} s") from None
        except BackendError as error:
            raise CallBroke(f"a stream failed: {type(error).__name__}: {error.message}") from error

    def repeats(self, backend: Backend) -> bool:
        """Whether the same seed has to give the same answer."""
        return not backend.capabilities.remote if self.deterministic is None else self.deterministic

    def secrets(self) -> list[str]:
        """Values of options that are secret."""
        chosen = self.factory.options.model_validate(dict(self.options))
        values = (getattr(chosen, name) for name in type(chosen).model_fields)
        return [value.get_secret_value() for value in values if isinstance(value, SecretStr) and value]


def say(text: str, **settings: Any) -> Request:
    """A request with one turn; answers are short and the same again where the model can do that.

    Schemas and tools are copies, so that a backend that writes on them does no harm to other rules.
    """
    settings = {"temperature": 0.0, "seed": 7, "max_tokens": 200} | copy.deepcopy(settings)
    return Request((Message("user", text),), **settings)
