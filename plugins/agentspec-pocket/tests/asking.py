"""Short ways to ask a backend something."""

from __future__ import annotations

import asyncio
from typing import Any

from agentspec.api import Message, Reply, Request
from agentspec.api.backend import Backend


def request(text: str = "Say something.", **settings: Any) -> Request:
    return Request((Message("user", text),), **settings)


def ask(backend: Backend, text: str = "Say something.", **settings: Any) -> Reply:
    return asyncio.run(backend.generate(request(text, **settings)))
