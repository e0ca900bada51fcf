"""One process per run: a lock on a file, which the system lets go of when the process ends, however it ends."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from agentspec.api.errors import JournalFailed, RunBusy

SUFFIX = ".lock"


@contextlib.contextmanager
def hold(folder: Path, run: str) -> Iterator[None]:
    """Hold the lock of a run. Raises `RunBusy` when a living process has it, `JournalFailed`."""
    path = folder / f"{run}{SUFFIX}"
    try:
        file = _lock(path)
    except OSError as error:
        raise JournalFailed(f"`{path}` cannot be written: {error.strerror}") from error
    if file is None:
        raise RunBusy(f"`{run}` goes on in another process{_owner(path)}", hint="wait for it, or end that process")
    try:
        os.ftruncate(file, 0)
        os.write(file, str(os.getpid()).encode())
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(file)


def is_held(folder: Path, run: str) -> bool:
    """Tell whether a living process has the lock of a run."""
    import fcntl

    try:
        file = os.open(folder / f"{run}{SUFFIX}", os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def _lock(path: Path) -> int | None:
    """The locked file; None when somebody else has it."""
    import fcntl

    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return None
        # Whoever had it may have removed it in between: a lock on a file that nobody finds keeps nobody out.
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_ino == os.fstat(file).st_ino:
                return file
        os.close(file)


def _owner(path: Path) -> str:
    try:
        pid = path.read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""
    return f" ({pid})" if pid.isdigit() else ""
