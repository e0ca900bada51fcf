"""Imports litellm once per process: late, quietly, without the network, and off the event loop.

The import costs about three seconds of CPU and by default fetches a price list and reads `.env`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from types import ModuleType
from typing import Any

from agentspec.api import BackendUnavailable

_SETTINGS = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    # In its development mode litellm loads the `.env` of the current folder into the environment.
    "LITELLM_MODE": "PRODUCTION",
}
_lock = threading.Lock()
_loaded: ModuleType | None = None
_users = 0


async def load() -> Any:
    """Return the module `litellm`. Concurrent first calls wait for one import. Raises `BackendUnavailable`."""
    return _loaded if _loaded is not None else await asyncio.to_thread(_import)


def _import() -> ModuleType:
    global _loaded
    with _lock:
        if _loaded is None:
            for name, value in _SETTINGS.items():
                os.environ.setdefault(name, value)
            logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)
            try:
                import litellm
            except ImportError as error:
                hint = "reinstall it: `pip install --force-reinstall litellm`"
                raise BackendUnavailable(f"litellm cannot be imported: {error}", hint=hint) from error
            litellm.suppress_debug_info = True
            litellm.telemetry = False
            litellm.turn_off_message_logging = True
            litellm.disable_streaming_logging = True
            # Later releases import `mcp`, which litellm does not install, for every call with tools.
            _loaded = litellm
        return _loaded


def enter() -> None:
    """Count a backend that has made calls."""
    global _users
    _users += 1


async def leave() -> None:
    """Close litellm's connections when the last backend that made calls is closed: they are shared."""
    global _users
    _users -= 1
    if _users == 0 and _loaded is not None:
        litellm: Any = _loaded
        await litellm.close_litellm_async_clients()
        litellm.in_memory_llm_clients_cache.flush_cache()
