"""Append unsent messages to an mbox file. Nothing here can send."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default as default_policy
from email.utils import format_datetime, getaddresses
from pathlib import Path
from typing import BinaryIO

from agentspec.api import ToolError
from agentspec_office.text import printable

_POLICY = default_policy.clone(linesep="\n")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]")
_MESSAGE_ID = re.compile(r"[!-;=?-~]+@[!-;=?-~]+")
_FROM_LINE = re.compile(rb"(?m)^(>*From )")


def composed(to: str, subject: str, body: str, in_reply_to: str | None, *, key: str) -> EmailMessage:
    """Return a draft. The same content and `key` give the same Message-ID.

    Raises `ToolError` for line ends or control characters in a header, and for addresses that are none.
    """
    for name, value in (("to", to), ("subject", subject), ("in_reply_to", in_reply_to or "")):
        if _CONTROL.search(value):
            raise ToolError(
                f"`{name}` holds a line end or a control character, which could add headers of its own",
                hint=f"give `{name}` as one line",
            )
    digest = hashlib.sha256("\0".join((key, to, subject, body, in_reply_to or "")).encode("utf-8", "replace"))
    draft = EmailMessage(policy=_POLICY)
    draft["To"] = _recipients(to)
    draft["Subject"] = printable(subject)
    draft["Date"] = format_datetime(datetime.now(UTC))
    draft["Message-ID"] = f"<draft.{digest.hexdigest()[:32]}@agentspec.invalid>"
    if in_reply_to is not None:
        reference = in_reply_to.strip().removeprefix("<").removesuffix(">")
        if not _MESSAGE_ID.fullmatch(reference):
            raise ToolError(f"`{in_reply_to[:80]}` is no Message-ID", hint="pass the `id` of the message answered")
        draft["In-Reply-To"] = draft["References"] = f"<{reference}>"
    draft["X-Unsent"] = "1"
    draft["X-Status"] = "T"
    draft["X-Mozilla-Draft-Info"] = "internal/draft"
    draft.set_content(printable(body))
    return draft


def _recipients(to: str) -> tuple[Address, ...]:
    addresses = []
    for name, address in getaddresses([to]) or [("", "")]:
        try:
            if not address.isascii() or not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
                raise ValueError(address)
            addresses.append(Address(display_name=name, addr_spec=address))
        except (ValueError, IndexError, HeaderParseError) as error:
            raise ToolError(
                f"`{to[:80]}` is no list of e-mail addresses",
                hint="write `anna@example.org` or `Anna <anna@…>`",
            ) from error
    return tuple(addresses)


def append(path: Path, draft: EmailMessage) -> None:
    """Add the draft to the mbox at `path`, unless it is there already.

    The file is locked meanwhile, against other threads as well as other processes: `flock` belongs to the
    opening of the file, other than `lockf`, which the standard library's `mailbox` uses.
    Raises `ToolError` when the file cannot be written or holds something else than mail.
    """
    content = _FROM_LINE.sub(rb">\1", draft.as_bytes())
    envelope = f"From - {datetime.now(UTC):%a %b %d %H:%M:%S %Y}\n".encode("ascii")
    try:
        with path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            if file.read(5) not in {b"", b"From "}:
                raise ToolError(f"`{path.name}` exists and is no mbox", hint="choose another name for the drafts")
            if not _holds(file, str(draft["Message-ID"])):
                file.write(_gap(file) + envelope + content.rstrip(b"\n") + b"\n\n")
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        raise ToolError(
            f"the draft cannot be written to `{path.name}`: {error.strerror or error}",
            hint="check the output folder's permissions and space",
        ) from error


def _holds(file: BinaryIO, identity: str) -> bool:
    wanted = f"message-id: {identity}".encode("ascii").lower()
    file.seek(0)
    return any(line.rstrip().lower() == wanted for line in file)


def _gap(file: BinaryIO) -> bytes:
    """Return what must stand before the next message: an mbox written by others may lack its last line end."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 2))
    end = file.read()
    return b"" if end in {b"", b"\n\n"} else b"\n" if end.endswith(b"\n") else b"\n\n"
