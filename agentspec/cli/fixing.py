"""`check --fix`: the safe corrections of a spec file, written to it."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from agentspec.cli.loading import examine, spec_path
from agentspec.registry import Registry
from agentspec.spec.diagnostics import Diagnostic, SpecInvalid
from agentspec.spec.fixes import Outcome, fix
from agentspec.spec.frames import harmless
from agentspec.spec.parse import parse_text
from agentspec.spec.source import Source
from agentspec.spec.text.loader import read

_MARK = b"\xef\xbb\xbf"
"""Some editors begin UTF-8 files with it; the loader drops it."""


class NotWritten(Exception):
    """A file that must not be changed, or cannot be; the text says why."""


def fix_spec(word: str, profile: str | None, bind: tuple[str, ...]) -> Sequence[Diagnostic]:
    """Correct a spec file, say what was changed, and return the problems that are left.

    Raises `SpecInvalid` when the file cannot be read, usage errors for options.
    """
    path = spec_path(word)
    registry = Registry()

    def check(source: Source) -> Outcome:
        try:
            spec = parse_text(source.text, source.name, path.resolve().parent)
        except SpecInvalid as error:
            return Outcome(error.diagnostics, complete=False)
        return Outcome(examine(spec, registry, profile, bind).diagnostics, complete=True)

    before = read(path)
    fixed = fix(before, check)
    if fixed.replacements:
        try:
            rewrite(path, before.text, fixed.source.text)
        except NotWritten as error:
            click.echo(harmless(f"{before.name} is not changed: {error}"), err=True)
            return check(before).problems
    for one in sorted(fixed.replacements, key=lambda one: (one.span.line, one.span.column)):
        place = f"{before.name}:{one.span.line}:{one.span.column}"
        click.echo(harmless(f"fixed {place}  '{one.old}' -> '{one.new}'"), err=True)
    return fixed.outcome.problems


def rewrite(path: Path, before: str, after: str) -> None:
    """Replace the text of a file, all of it or nothing. Raises `NotWritten`.

    The file keeps its mode. A symbolic link is refused: what it leads to may lie anywhere, and be shared.
    """
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            raise NotWritten("it is a symbolic link")
        if not stat.S_ISREG(status.st_mode):
            raise NotWritten("it is not a plain file")
        if not os.access(path, os.W_OK):
            raise NotWritten("it is read-only")
        content = path.read_bytes()
        mark = _MARK if content.startswith(_MARK) else b""
        if content != mark + before.encode():
            raise NotWritten("something else has just changed it")
        _replace(path, mark + after.encode(), stat.S_IMODE(status.st_mode))
    except OSError as error:
        raise NotWritten(error.strerror or "it cannot be written") from error


def _replace(path: Path, content: bytes, mode: int) -> None:
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    new = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(number)
        new.chmod(mode)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
