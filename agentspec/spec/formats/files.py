"""Names of files as other tools want them."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote_from_bytes


def is_file(name: str) -> bool:
    """Whether the name of a source is that of a file, and not of an option of the command line."""
    return not name.startswith(("--", "<"))


def relative(name: str, folder: Path) -> str | None:
    """Return the name as seen from a folder, with forward slashes; None when the file lies outside of it."""
    path = Path(os.path.normpath(folder / name))
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else None


def uri(name: str, folder: Path) -> str:
    """Return a relative reference for a file below the folder, else a `file:` URI; both percent-encoded."""
    below = relative(name, folder)
    if below is not None:
        return quote_from_bytes(os.fsencode(below))
    return Path(os.path.normpath(folder / name)).as_uri()
