"""A model in memory: llama.cpp's server object, called without HTTP, and the threads that wait for it.

xllamacpp holds the interpreter's lock while a model is loaded (not while it answers), so the file is read
once beforehand: then the load itself finds its pages in memory and is short.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from agentspec.api import BackendError, BackendRefused, BackendUnavailable, ModelBroken

Result = TypeVar("Result")

_SMALL_FILE = 50_000_000


@dataclass(frozen=True, slots=True)
class Load:
    """How a model is loaded; two bindings that agree in all of it share one model.

    Attributes:
        changed_ns, size: of the file, so that a file written anew is a model of its own.
        context: tokens of one call, prompt and answer.
        plain: whether answers hold nothing but text, neither tool calls nor thoughts.
    """

    path: Path
    changed_ns: int
    size: int
    threads: int
    context: int
    parallel: int
    gpu_layers: int
    plain: bool


class Call:
    """One call on its way. llama.cpp's chunks of JSON arrive in a worker thread.

    Attributes:
        cancelled: set from any thread; the generation then ends with its next token.
    """

    def __init__(self, on_chunk: Callable[[bytes, int], bool]) -> None:
        self.chunks: list[bytes] = []
        self.cancelled = False
        self._on_chunk = on_chunk

    def take(self, chunk: bytes) -> bool:
        """Keep a chunk; returns whether to stop."""
        self.chunks.append(chunk)
        return self.cancelled or self._on_chunk(chunk, len(self.chunks))


class Loaded:
    """A model that is loaded when it is first asked. Safe to use from several threads and event loops."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._lock = Lock()
        self._server: Any = None
        self._closed = False
        self._calls: set[Call] = set()
        self._threads = ThreadPoolExecutor(load.parallel, thread_name_prefix="pocket")

    def submit(self, body: bytes, call: Call, finish: Callable[[Call], Result]) -> Future[Result]:
        """Ask in a thread, as many at a time as there are slots; `finish` makes the result there, too."""
        self._calls.add(call)
        try:
            future = self._threads.submit(self._ask, body, call, finish)
        except RuntimeError as error:
            raise BackendError("the model was closed") from error
        future.add_done_callback(lambda _: self._calls.discard(call))
        return future

    def _ask(self, body: bytes, call: Call, finish: Callable[[Call], Result]) -> Result:
        server = self._server or self._started()
        if not call.cancelled:
            try:
                server.handle_chat_completions(body, call.take)
            except RuntimeError as error:
                raise BackendRefused(f"llama.cpp does not take this request: {error}") from error
        if self._closed:
            raise BackendError("the model was closed while it answered")
        return finish(call)

    def _started(self) -> Any:
        with self._lock:
            if self._closed:
                raise BackendError("the model was closed")
            if self._server is None:
                self._server = start_server(self._load)
            return self._server

    def close(self) -> None:
        """End all calls and free the memory. Blocks until the last call has noticed."""
        self._closed = True
        for call in tuple(self._calls):
            call.cancelled = True
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._server = None


def default_threads(size: int) -> int:
    """One thread for a small file, which more would slow down, else one per physical core that we may use."""
    return 1 if size < _SMALL_FILE else physical_cores()


def physical_cores() -> int:
    """Count the cores this process may run on, hyper-threads of one core once."""
    try:
        mine = os.sched_getaffinity(0)
    except AttributeError:
        return os.cpu_count() or 1
    places = Path("/sys/devices/system/cpu")
    siblings = set()
    for number in mine:
        try:
            siblings.add((places / f"cpu{number}" / "topology" / "thread_siblings").read_text())
        except OSError:
            siblings.add(str(number))
    return max(1, len(siblings))


def start_server(load: Load) -> Any:
    """Load the model. Raises `BackendUnavailable` and `ModelBroken`."""
    try:
        import xllamacpp
    except (ImportError, OSError) as error:
        raise BackendUnavailable(
            f"`xllamacpp` cannot be used on this machine: {error}",
            hint="install it with `pip install xllamacpp`; there are wheels for Linux, macOS and Windows",
        ) from error
    params = xllamacpp.CommonParams()
    params.model.path = str(load.path)
    params.model_alias = {"pocket"}
    params.n_ctx = load.context * load.parallel
    params.n_parallel = load.parallel
    params.n_batch = params.n_ubatch = 512
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = load.threads
    params.n_gpu_layers = load.gpu_layers
    params.use_jinja = True
    params.force_pure_content_parser = load.plain
    params.warmup = False
    params.fit_params = False
    params.cache_ram_mib = 0
    params.verbosity = -1
    # The server object always listens, too, on a random port of the loopback. Nobody has the key.
    params.api_keys = [secrets.token_urlsafe(32)]
    params.n_threads_http = 1
    try:
        _read_through(load.path)
        return xllamacpp.Server(params)
    except (RuntimeError, ValueError, OSError, MemoryError) as error:
        raise ModelBroken(
            f"llama.cpp could not load `{load.path}`",
            hint="the file may be of a newer kind than this `xllamacpp`, or too large for the memory;"
            " try `pip install -U xllamacpp`, a smaller `context:` or a smaller file",
        ) from error


def _read_through(path: Path) -> None:
    buffer = bytearray(1 << 22)
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
