"""Where the server is. Reads host names as the `ollama` client does, without importing it."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

DEFAULT_PORT = 11434
_PORTS = {"http": 80, "https": 443}


def server_url(host: str | None) -> str:
    """Return `http://127.0.0.1:11434` and the like for what a person writes: `:8080`, `gpu-box`, a URL.

    Raises `ValueError` for a text that is no host.
    """
    text = (host or "").strip()
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "http", text
    parts = urlsplit(f"{scheme}://{rest}")
    port = parts.port if parts.port is not None else _PORTS.get(scheme) if separator else DEFAULT_PORT
    if scheme not in _PORTS or port is None:
        raise ValueError(f"`{scheme}://` is neither http nor https")
    name = parts.hostname or "127.0.0.1"
    if any(letter.isspace() for letter in name):
        raise ValueError(f"`{name}` is no host name")
    if ":" in name:
        name = f"[{name}]"
    path = parts.path.strip("/")
    return f"{scheme}://{name}:{port}" + (f"/{path}" if path else "")


def is_loopback(url: str) -> bool:
    """Tell whether `url` is this machine; `0.0.0.0` and `::` are, as addresses to connect to."""
    name = urlsplit(url).hostname or ""
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
