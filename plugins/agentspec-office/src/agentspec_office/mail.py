"""The plugin `mail`: read a mailbox, draft answers. It opens local files only and sends nothing."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field

from agentspec.api import ToolContext, ToolError, Toolset, hookimpl
from agentspec_office import drafts
from agentspec_office.mailbox import raw_messages
from agentspec_office.message import Message, Unreadable, parse

mail = Toolset("mail", "Reads mailboxes (mbox, maildir) and writes drafts; never sends.")

MailboxPath = Annotated[Path, Field(description="An mbox file or a maildir folder.")]
Limit = Annotated[int | None, Field(ge=1, description="Read at most so many messages, from the start.")]
Recipients = Annotated[str, Field(description="Addresses, separated by commas.")]
Reference = Annotated[str | None, Field(description="The `id` of the message that is answered.")]
DraftsPath = Annotated[Path, Field(description="An mbox file in the run's output folder.")]


class Messages(BaseModel):
    """What a mailbox holds."""

    messages: list[Message]
    problems: list[str] = Field(description="One line for each message that is missing, damaged or doubled.")


class Draft(BaseModel):
    """Where a draft went."""

    path: Path
    id: str = Field(description="Message-ID without angle brackets.")


@mail.tool(effect="read")
def read(path: MailboxPath, context: ToolContext, limit: Limit = None) -> Messages:
    """Read the messages of a mailbox, in stored order.

    Damage never stops the reading: what parses is returned, and `problems` has a line for the rest. Raises
    `ToolError` when the file is missing, unreadable or no mailbox.
    """
    file = context.readable(path)
    found: dict[str, Message] = {}
    problems: list[str] = []
    for raw in raw_messages(file, context.readable):
        if limit is not None and len(found) >= limit:
            break
        if raw.data is None:
            problems.append(f"{raw.place}: {raw.problem}")
            continue
        try:
            message, notes = parse(raw.data, _changed(file))
        except Unreadable as error:
            problems.append(f"{raw.place}: {error}")
            continue
        if message.id in found:
            notes = ["the same Message-ID came before, left out"]
        else:
            found[message.id] = message
        if notes:
            problems.append(f"{raw.place}, {message.id}: {'; '.join(notes)}")
    return Messages(messages=list(found.values()), problems=problems)


@mail.tool(effect="write", idempotent=True)
def draft(
    to: Recipients,
    subject: str,
    body: str,
    context: ToolContext,
    in_reply_to: Reference = None,
    mailbox: DraftsPath = Path("drafts.mbox"),
) -> Draft:
    """Write an unsent message to a mailbox of drafts, for a person to check and send.

    Repeating a step writes nothing twice. Raises `ToolError` when a header is not one clean line.
    """
    message = drafts.composed(to, subject, body, in_reply_to, key=context.key or secrets.token_hex(16))
    if mailbox.name in {"", ".."} or (path := context.writable(mailbox)).is_dir():
        raise ToolError(f"`{mailbox}` is a folder", hint="give the name of an mbox file")
    drafts.append(path, message)
    return Draft(path=path, id=str(message["Message-ID"]).strip("<>"))


@hookimpl
def agentspec_register_tools() -> Sequence[Toolset]:
    """Offer the toolset `mail`."""
    return [mail]


def _changed(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC).replace(microsecond=0)
