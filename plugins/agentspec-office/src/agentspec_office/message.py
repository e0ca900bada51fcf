"""One raw message as plain data, with a note of everything that had to be guessed."""

from __future__ import annotations

import base64
import binascii
import email
import hashlib
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from email.header import decode_header
from email.message import Message as Parsed
from email.utils import getaddresses, parseaddr, parsedate_to_datetime

from pydantic import BaseModel, Field

from agentspec_office.dates import find_dates
from agentspec_office.replies import own_words, unwrapped
from agentspec_office.text import decoded, from_html, printable

MAX_BODY_CHARACTERS = 100_000
_MAX_HTML_CHARACTERS = 2_000_000

_HEADER_LINE = re.compile(rb"(?m)^[!-9;-~]+:")


class Message(BaseModel):
    """One e-mail as an agent sees it."""

    id: str = Field(description="Message-ID without angle brackets.")
    sender: str = Field(description="Address of the sender.")
    sender_name: str = Field(description="Name of the sender, or empty.")
    to: str = Field(description="Addresses of the recipients, separated by commas.")
    subject: str
    sent: datetime = Field(description="When it was sent, with the sender's offset from UTC.")
    body: str = Field(description="What the sender wrote: plain text without quoted earlier mail and signature.")
    bulk: bool = Field(description="Whether the headers say that it went to a mailing list or to many people.")
    dates: list[date] = Field(description="Dates named in subject and body, in order of appearance.")


class Unreadable(ValueError):
    """These bytes hold no message."""


def parse(raw: bytes, received: datetime) -> tuple[Message, list[str]]:
    """Return the message in `raw` and what was wrong with it.

    `received` stands in for a missing or impossible date. Raises `Unreadable`.
    """
    head = raw.lstrip(b"\r\n").partition(b"\n\n")[0].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    if not _HEADER_LINE.search(head):
        raise Unreadable("has no header lines")
    try:
        parsed = email.message_from_bytes(raw.lstrip(b"\r\n"))
        return _message(parsed, raw, received)
    except Exception as error:  # the email package raises most built-in exceptions on hostile input
        raise Unreadable(f"cannot be parsed ({type(error).__name__})") from error


def _message(parsed: Parsed, raw: bytes, received: datetime) -> tuple[Message, list[str]]:
    problems: list[str] = []
    note = problems.append
    headers: dict[str, str] = {}
    for name, value in parsed.items():
        headers.setdefault(name.lower(), str(value))
    subject = _words(_header(parsed, "subject"), note)
    name, sender = parseaddr(_header(parsed, "from"))
    sent = _sent(headers.get("date"), received, note)
    body = own_words(_text(parsed, note))
    if len(body) > MAX_BODY_CHARACTERS:
        note(f"body cut at {MAX_BODY_CHARACTERS:,} of {len(body):,} characters")
        body = body[:MAX_BODY_CHARACTERS]
    recipients = [_one_line(address) for _, address in getaddresses([_header(parsed, "to")]) if address]
    message = Message(
        id=_identity(headers.get("message-id"), raw, note),
        sender=_one_line(sender),
        sender_name=_words(name, note),
        to=", ".join(recipients),
        subject=subject,
        sent=sent,
        body=body,
        bulk=_is_bulk(headers),
        dates=find_dates(f"{subject}\n\n{body}", sent.date()),
    )
    return message, list(dict.fromkeys(problems))


def _header(parsed: Parsed, name: str) -> str:
    """Return the header as text; raw 8-bit bytes in it are read like a body without a charset."""
    for key, value in parsed.raw_items():
        if key.lower() == name:
            text, _ = decoded(str(value).encode("utf-8", "surrogateescape"), None)
            return text.replace("\r", "").replace("\n", "")
    return ""


def _words(value: str, note: Callable[[str], None]) -> str:
    """Decode RFC 2047 encoded words."""
    try:
        chunks = decode_header(value)
    except (ValueError, binascii.Error):
        note("a header has damaged encoded words")
        return _one_line(value)
    text = ""
    for chunk, charset in chunks:
        if isinstance(chunk, str):
            text += chunk
        else:
            part, problem = decoded(chunk, charset)
            text += part
            if problem:
                note(problem)
    return _one_line(text)


def _one_line(text: str) -> str:
    return " ".join(printable(text).split())


def _identity(value: str | None, raw: bytes, note: Callable[[str], None]) -> str:
    identity = _one_line(value or "").strip("<> ")
    if not identity:
        identity = f"{hashlib.sha256(raw).hexdigest()[:20]}@no-message-id.invalid"
        note(f"no Message-ID, named {identity}")
    return identity


def _sent(value: str | None, received: datetime, note: Callable[[str], None]) -> datetime:
    if value is None:
        note(f"no date, taken as {received:%Y-%m-%d %H:%M}")
        return received
    try:
        sent = parsedate_to_datetime(value)
        sent = sent.replace(tzinfo=UTC) if sent.tzinfo is None else sent
        sent.astimezone(UTC)
        datetime.fromisoformat(sent.isoformat())
    except (ValueError, TypeError, IndexError, OverflowError):
        note(f"bad date `{_one_line(value)[:40]}`, taken as {received:%Y-%m-%d %H:%M}")
        return received
    return sent


def _is_bulk(headers: dict[str, str]) -> bool:
    if "list-unsubscribe" in headers or "list-id" in headers:
        return True
    return headers.get("precedence", "").strip().lower() in ("bulk", "list", "junk")


def _text(part: Parsed, note: Callable[[str], None]) -> str:
    """Return the text of a part: of alternatives the plain one, of other multiparts all, of attachments none."""
    kind = part.get_content_type()
    if part.get_content_disposition() == "attachment" or kind.startswith("message/"):
        return ""
    if part.is_multipart():
        children = [child for child in part.get_payload() if isinstance(child, Parsed)]
        if kind == "multipart/alternative":
            children.sort(key=lambda child: child.get_content_type() != "text/plain")
            return next((text for child in children if (text := _text(child, note)).strip()), "")
        return "\n\n".join(text for child in children if (text := _text(child, note)).strip())
    if kind not in ("text/plain", "text/html"):
        return ""
    text, problem = decoded(_payload(part, note), part.get_content_charset())
    if problem:
        note(problem)
    text = printable(text)
    if kind == "text/html":
        return from_html(text[:_MAX_HTML_CHARACTERS])
    if str(part.get_param("format", "")).lower() == "flowed":
        return unwrapped(text, delete_space=str(part.get_param("delsp", "")).lower() == "yes")
    return text


def _payload(part: Parsed, note: Callable[[str], None]) -> bytes:
    if str(part.get("content-transfer-encoding", "")).strip().lower() != "base64":
        data = part.get_payload(decode=True)
        return data if isinstance(data, bytes) else b""
    encoded = str(part.get_payload()).encode("ascii", "ignore")
    kept = re.sub(rb"[^A-Za-z0-9+/]", b"", encoded)
    foreign = len(re.sub(rb"[\s=]", b"", encoded)) != len(kept)
    whole = b"".join(encoded.split())
    if foreign or len(whole) % 4:
        note("base64 text is cut off or damaged")
    kept = kept[:-1] if len(kept) % 4 == 1 else kept
    return base64.b64decode(kept + b"=" * (-len(kept) % 4))
