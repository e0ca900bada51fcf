"""Read an mbox file or a maildir as raw messages, one at a time, whatever is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from agentspec.api import PathRefused, ToolError

MAX_MESSAGE_BYTES = 32 * 2**20
"""More than mail servers accept; what exceeds it is skipped, so that memory stays bounded."""

_CHUNK_BYTES = 64 * 2**10
_TIME = re.compile(rb"\b\d{1,2}:\d{2}\b")
_YEAR = re.compile(rb"\b(?:19|20)\d{2}\b")
_HEADER = re.compile(rb"[!-9;-~]+:")
_ESCAPED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Raw:
    """One message as it lies in the mailbox.

    Attributes:
        place: where it is, for a person: `message 3 (line 120)` or a file name.
        data: its bytes, without the envelope line; None when `problem` says why there are none.
        problem: what was wrong with its storage.
    """

    place: str
    data: bytes | None
    problem: str | None = None


def raw_messages(path: Path, readable: Callable[[Path], Path]) -> Iterator[Raw]:
    """Yield the messages of an mbox file or of a maildir folder, in stored order.

    `readable` resolves a path that may be read and raises `PathRefused` otherwise; it is asked for every file
    of a maildir, since those may be links. Raises `ToolError` when `path` is neither kind of mailbox.
    """
    try:
        if path.is_dir():
            yield from _maildir(path, readable)
        elif path.is_file():
            with path.open("rb") as file:
                yield from _mbox(file, path.name)
        else:
            raise ToolError(
                f"there is no mailbox `{path.name}`" if not path.exists() else f"`{path.name}` is no file or folder",
                hint=f"looked at {path}; give an mbox file or a maildir folder",
            )
    except OSError as error:
        raise ToolError(
            f"`{path.name}` cannot be read: {error.strerror or error}", hint="check the file's permissions"
        ) from error


def _maildir(folder: Path, readable: Callable[[Path], Path]) -> Iterator[Raw]:
    boxes = [folder / name for name in ("cur", "new") if (folder / name).is_dir()]
    if not boxes:
        raise ToolError(f"the folder `{folder.name}` is no maildir", hint="a maildir has the folders cur, new and tmp")
    for entry in sorted((entry for box in boxes for entry in box.iterdir()), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        try:
            file = readable(entry)
            if not file.is_file():
                yield Raw(entry.name, None, "is no regular file")
            elif file.stat().st_size > MAX_MESSAGE_BYTES:
                yield Raw(entry.name, None, f"is larger than {MAX_MESSAGE_BYTES // 2**20} MiB")
            else:
                yield Raw(entry.name, file.read_bytes())
        except PathRefused:
            yield Raw(entry.name, None, "is a link that leads out of the maildir")
        except OSError as error:
            yield Raw(entry.name, None, f"cannot be read: {error.strerror or error}")


def _mbox(file: BinaryIO, name: str) -> Iterator[Raw]:
    start = file.read(_CHUNK_BYTES)
    if not start.strip():
        return
    if b"From " not in start and b"\0" in start:
        raise ToolError(f"`{name}` is a binary file, not an mbox", hint="export the mailbox as mbox or maildir")
    file.seek(0)
    number = 0
    for line, data, size in _pieces(file):
        if data is None:
            yield Raw(
                f"message {number + 1} (line {line})",
                None,
                f"is larger than {MAX_MESSAGE_BYTES // 2**20} MiB",
            )
            number += 1
        elif line == 0:
            if data.strip():
                yield Raw("start of the file", None, f"{size} bytes before the first `From ` line are no message")
        else:
            number += 1
            yield Raw(f"message {number} (line {line})", _ESCAPED_FROM.sub(rb"\1", data))
    if not number:
        raise ToolError(
            f"`{name}` is no mbox: no line starts a message with `From `",
            hint="export the mailbox as mbox or maildir",
        )


def _pieces(file: BinaryIO) -> Iterator[tuple[int, bytes | None, int]]:
    """Split at envelope lines: line of the envelope (0 for what comes before the first), bytes, size.

    A body may hold an unescaped `From here on ...`, and envelopes come in many forms; so a line counts as one
    when it carries a time and a year, or when it follows a blank line and a header follows it.
    """
    parts: list[bytes] = []
    size = 0
    begun = 0
    number = 0
    blank = True
    line = file.readline(_CHUNK_BYTES)
    while line:
        following = file.readline(_CHUNK_BYTES)
        number += 1
        if line.startswith(b"From ") and (_dated(line) or (blank and _HEADER.match(following))):
            if begun or size:
                yield begun, _joined(parts, size), size
            parts, size, begun = [], 0, number
        else:
            size += len(line)
            if size <= MAX_MESSAGE_BYTES:
                parts.append(line)
            else:
                parts.clear()
        blank = not line.strip()
        line = following
    if begun or size:
        yield begun, _joined(parts, size), size


def _joined(parts: list[bytes], size: int) -> bytes | None:
    return b"".join(parts) if size <= MAX_MESSAGE_BYTES else None


def _dated(line: bytes) -> bool:
    return bool(_TIME.search(line) and _YEAR.search(line))
