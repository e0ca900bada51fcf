"""Imports litellm once per process: late, quietly, without the network, and off the event loop.

The import costs about three seconds of CPU and by default fetches a price list and reads `.env`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import warnings
from types import ModuleType
from typing import Any

from agentspec.api import BackendUnavailable

_SETTINGS = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    # In its development mode litellm loads the `.env` of the current folder into the environment.
    "LITELLM_MODE": "PRODUCTION",
}
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
_lock = threading.Lock()
_loaded: ModuleType | None = None
_users = 0


async def load() -> Any:
    """Return the module `litellm`; concurrent first calls share one import. Raises `BackendUnavailable`."""
    return _loaded if _loaded is not None else await asyncio.to_thread(_import)


def _import() -> ModuleType:
    global _loaded
    with _lock:
        if _loaded is None:
            for name, value in _SETTINGS.items():
                os.environ.setdefault(name, value)
            logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)
            # litellm builds pydantic models of OpenAI's types as late as in the middle of a call.
            warnings.filterwarnings("ignore", message=".*using the `ReadOnly` qualifier", category=UserWarning)
            # It makes the coroutine of a call in a thread; a call that is cancelled meanwhile never starts it.
            unstarted = r"coroutine '\w+\.(acompletion|async_\w+)' was never awaited"
            warnings.filterwarnings("ignore", message=unstarted, category=RuntimeWarning)
            try:
                import litellm
            except Exception as error:
                # Besides `ImportError` whatever a mismatch of its hundred dependencies raises.
                hint = "reinstall it: `pip install --force-reinstall litellm`"
                raise BackendUnavailable(f"litellm cannot be imported: {error}", hint=hint) from error
            litellm.suppress_debug_info = True
            litellm.telemetry = False
            # Its aiohttp transport left sessions and cancelled streams open in 1.80; httpx does not.
            litellm.disable_aiohttp_transport = True
            litellm.turn_off_message_logging = True
            litellm.disable_streaming_logging = True
            _loaded = litellm
        return _loaded


def for_tools(litellm: Any) -> dict[str, Any]:
    """Return what a call with tools needs besides: newer releases else import `mcp`, which may be missing."""
    core = litellm.litellm_core_utils.core_helpers
    return {"_skip_mcp_handler": True} if hasattr(core, "filter_internal_params") else {}


def keep_loopback_direct() -> None:
    """Except this machine from the proxies of the environment, or prompts for it would leave it."""
    if not any(os.environ.get(name) for name in _PROXIES):
        return
    for name in ("NO_PROXY", "no_proxy"):
        excepted = [entry.strip() for entry in os.environ.get(name, "").split(",") if entry.strip()]
        missing = [entry for entry in ("127.0.0.1", "localhost", "::1") if entry not in excepted]
        if missing and "*" not in excepted:
            os.environ[name] = ",".join(excepted + missing)


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
