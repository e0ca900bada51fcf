"""Watches a process while a backend works: addresses it talks to, what it prints, what it leaves open."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import ipaddress
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

_SETTLE_S = 2.0
_STEP_S = 0.05
_OPEN_FILES = Path("/proc/self/fd")


@contextlib.contextmanager
def addresses() -> Iterator[list[str]]:
    """Collect the hosts that Python code in this process looks up or connects to."""
    seen: list[str] = []

    def watched(real: Any, place: int) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            address = args[place] if len(args) > place else next(iter(named.values()), None)
            host = address[0] if isinstance(address, tuple) else address
            seen.append(host.decode() if isinstance(host, bytes) else str(host))
            return real(*args, **named)

        return call

    with contextlib.ExitStack() as patches:
        for owner, name, place in (
            (socket.socket, "connect", 1),
            (socket.socket, "connect_ex", 1),
            (socket, "getaddrinfo", 0),
            (socket, "gethostbyname", 0),
        ):
            patches.enter_context(mock.patch.object(owner, name, watched(getattr(owner, name), place)))
        yield seen


def elsewhere(hosts: list[str]) -> list[str]:
    """Those of the hosts that are not this machine."""
    return sorted({host for host in hosts if not _is_here(host)})


def _is_here(host: str) -> bool:
    if host in ("localhost", "None", "") or host.startswith(("/", "\0")):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Printed:
    """What was written to the process's output, by Python or by a library in C."""

    text = ""


@contextlib.contextmanager
def printed() -> Iterator[Printed]:
    """Catch what is written to stdout and stderr."""
    result, streams = Printed(), io.StringIO()
    with tempfile.TemporaryFile() as file:
        kept = [(number, os.dup(number)) for number in (1, 2)]
        _flush()
        try:
            for number, _ in kept:
                os.dup2(file.fileno(), number)
            with contextlib.redirect_stdout(streams), contextlib.redirect_stderr(streams):
                yield result
        finally:
            _flush()
            for number, copy in kept:
                os.dup2(copy, number)
                os.close(copy)
            file.seek(0)
            result.text = streams.getvalue() + file.read().decode(errors="replace")


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()  # type: ignore[union-attr]


@dataclass(frozen=True, slots=True)
class Open:
    """What a process holds: tasks of this event loop, threads, files and sockets (0 where that cannot be told)."""

    tasks: int
    threads: int
    files: int

    def beyond(self, other: Open, most: int) -> list[str]:
        """Say of what there is more than in `other`, by more than `most`."""
        pairs = (
            ("tasks", self.tasks, other.tasks),
            ("threads", self.threads, other.threads),
            ("open files and sockets", self.files, other.files),
        )
        return [f"{now} {what}, there were {before}" for what, now, before in pairs if now > before + most]


def _held() -> Open:
    threads = [thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")]
    files = len(list(_OPEN_FILES.iterdir())) if _OPEN_FILES.is_dir() else 0
    return Open(len(asyncio.all_tasks()), len(threads), files)


async def held(like: Open | None = None, most: int = 0) -> Open:
    """Count what is held, once that does not change any more; with `like`, give it time to fall to that."""
    gc.collect()
    now = _held()
    for _ in range(round(_SETTLE_S / _STEP_S)):
        await asyncio.sleep(_STEP_S)
        before, now = now, _held()
        if now == before if like is None else not now.beyond(like, most):
            break
    return now
