"""Which files a spec may name under `extends:` and `include:`.

A spec may come from somewhere else, and messages show lines of the files that it names. So it names YAML files
of its own project and nothing else, wherever links lead.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath, PureWindowsPath

_MARKS = (".agentspec", ".git", "pyproject.toml")
"""What lies in the outermost folder of a project."""
_SUFFIXES = (".yaml", ".yml")


class NotAllowed(ValueError):
    """The name is not one that a spec may use; the text says why, `outside` whether it leaves the project."""

    def __init__(self, reason: str, *, outside: bool = False) -> None:
        super().__init__(reason)
        self.outside = outside


def project_of(folder: Path) -> Path:
    """Return the folder that specs in `folder` may name files of.

    The nearest folder around it, or itself, that holds `.agentspec`, `.git` or `pyproject.toml`, and `folder`
    where there is none. The root of the file system is never a project, whatever lies in it, nor is a folder that
    everybody may write to, such as /tmp.
    """
    folder = folder.resolve()
    for candidate in (folder, *folder.parents):
        marked = candidate != candidate.parent and any((candidate / mark).exists() for mark in _MARKS)
        if marked and not candidate.stat().st_mode & stat.S_IWOTH:
            return candidate
    return folder


def locate(name: str, folder: Path, project: Path) -> Path:
    """Return the file behind a name, links followed. Raises `NotAllowed`.

    Args:
        name: as written.
        folder: what it is relative to.
        project: what it may not leave.
    """
    if not name or not name.isprintable() or "\\" in name or "://" in name:
        raise NotAllowed("it is no relative name of a file, with `/` between folders")
    if PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive or name.startswith("~"):
        raise NotAllowed("it is not relative to the file that it stands in", outside=True)
    try:
        path = (folder / name).resolve()
        if not path.is_relative_to(project):
            raise NotAllowed("it lies outside the project", outside=True)
        if path.suffix not in _SUFFIXES:
            raise NotAllowed(f"it is no YAML file ({' or '.join(f'`{suffix}`' for suffix in _SUFFIXES)})")
        if path.exists() and not path.is_file():
            raise NotAllowed("it is no file")
    except (OSError, RuntimeError) as error:  # links in a circle, a name that is too long
        raise NotAllowed("it cannot be opened") from error
    return path


def shown(name: str, beside: str) -> str:
    """Return how people know a file that is called `name` in the file that they know as `beside`."""
    return os.path.normpath(PurePosixPath(beside).parent / name)
