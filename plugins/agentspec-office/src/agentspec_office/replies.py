"""Keep what the sender wrote, drop what was quoted and the signature."""

from __future__ import annotations

import re

from agentspec_office.text import tidy

_WROTE = re.compile(r"(?:wrote|writes|schrieb[^\n]{0,80}|a écrit\s?):\s*$")
_WROTE_START = re.compile(r"(?:On|Am|Le|At)\s.*\d", re.DOTALL)
_ORIGINAL = re.compile(r"-{2,}\s*(?:Original Message|Forwarded message|Ursprüngliche Nachricht)\s*-{2,}", re.IGNORECASE)
_SIGNATURE = re.compile(r"--\s?")

_ATTRIBUTION_LINES = 3
"""`On Mon, 9 Mar 2026 at 10:15, Anna Brandt <anna@example.org> wrote:` is broken over two lines, rarely three."""


def unwrapped(text: str, *, delete_space: bool) -> str:
    """Join the soft line breaks of `format=flowed` text (RFC 3676, section 4.1)."""
    paragraphs: list[str] = []
    flowing = False
    for raw in text.split("\n"):
        line = raw.removeprefix(" ")
        soft = line.endswith(" ") and line != "-- " and not line.startswith(">")
        kept = line[:-1] if soft and delete_space else line
        if flowing and not line.startswith(">") and line != "-- ":
            paragraphs[-1] += kept
        else:
            paragraphs.append(kept)
        flowing = soft
    return "\n".join(paragraphs)


def own_words(text: str) -> str:
    """Return `text` without quoted earlier mail (`>` lines and the line that introduces them) and signature."""
    kept: list[str] = []
    for line in text.split("\n"):
        if _SIGNATURE.fullmatch(line) or _ORIGINAL.match(line.strip()):
            break
        if line.startswith(">"):
            _drop_attribution(kept)
            continue
        kept.append(line)
    _drop_attribution(kept)
    return tidy("\n".join(kept))


def _drop_attribution(lines: list[str]) -> None:
    """Remove an `On ... wrote:` from the end of `lines`, together with the blank lines around it."""
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    if not end or not _WROTE.search(lines[end - 1]):
        return
    for count in range(1, min(_ATTRIBUTION_LINES, end) + 1):
        if _WROTE_START.match("\n".join(lines[end - count : end])):
            del lines[end - count :]
            return
