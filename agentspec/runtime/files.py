"""The files that a run has written."""

from __future__ import annotations

import threading
from pathlib import Path


class WrittenFiles:
    """Collects the files that tools write, from whatever thread they do it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._paths: dict[Path, None] = {}

    def add(self, path: Path) -> None:
        """Add one file."""
        with self._lock:
            self._paths[path] = None

    def add_all(self, folder: Path) -> None:
        """Add what an earlier part of the run wrote."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.add(path)

    def listed(self) -> tuple[Path, ...]:
        """The files that are still there, in the order in which they were written."""
        with self._lock:
            return tuple(path for path in self._paths if path.exists())
