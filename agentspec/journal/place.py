"""Where a project keeps its journal: `.agentspec/runs.db`, for the owner's eyes only."""

from __future__ import annotations

import os
from pathlib import Path

from agentspec.api.errors import JournalFailed
from agentspec.spec.compose.places import project_of

FOLDER = ".agentspec"
FILE = "runs.db"
_IGNORED = "*\n!schema.json\n"
"""Runs hold whatever their agents were given; only the schema is for everybody."""


def journal_file(folder: Path) -> Path:
    """The journal of the project that a folder belongs to."""
    return project_of(folder) / FOLDER / FILE


def make_private(folder: Path) -> None:
    """Make a folder that only its owner reads and version control passes over. Raises `OSError`.

    Inside `.agentspec`, that folder is the one to be made so.
    """
    outermost = next((one for one in (folder, *folder.parents) if one.name == FOLDER), folder)
    outermost.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    ignore = outermost / ".gitignore"
    if not ignore.exists():
        ignore.write_text(_IGNORED, encoding="utf-8")


def is_foreign(folder: Path) -> bool:
    """Tell whether a folder belongs to another user, who may have put anything there."""
    return hasattr(os, "getuid") and folder.exists() and folder.stat().st_uid not in (os.getuid(), 0)


def make_room(file: Path) -> None:
    """Make the folder and an empty file for a journal, where they are missing. Raises `JournalFailed`."""
    folder = file.parent
    try:
        make_private(folder)
        if is_foreign(folder):
            raise JournalFailed(f"`{folder}` belongs to somebody else", hint="run the agent in a project of your own")
        if not file.exists():
            os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as error:
        hint = "make the folder writable, or run with --no-journal"
        raise JournalFailed(f"`{file}` cannot be written: {error.strerror}", hint=hint) from error
