"""One loaded model for all bindings that name the same file and the same way to load it.

A factory's `create` is handed one binding and knows nothing of the run, so what bindings share must live
beside it: one pool per registration of the plugin, held by the factory, never at module level.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentspec_pocket.loaded import Loaded


class Pool:
    """Models in use, each with the number of those that use it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._models: dict[Hashable, tuple[Loaded, int]] = {}

    def acquire(self, key: Hashable, make: Callable[[], Loaded]) -> Loaded:
        """Return the model of `key`, made if nobody has it yet."""
        with self._lock:
            model, users = self._models.get(key) or (make(), 0)
            self._models[key] = (model, users + 1)
            return model

    def release(self, key: Hashable) -> Loaded | None:
        """Give a model back; returns it when that was its last user, who then closes it."""
        with self._lock:
            model, users = self._models.pop(key)
            if users == 1:
                return model
            self._models[key] = (model, users - 1)
            return None
