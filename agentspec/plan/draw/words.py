"""Labels: what may be shown of them, how wide they are, and how they are cut."""

from __future__ import annotations

from unicodedata import category, east_asian_width

_SHOWN_AS = {"Cc": "�", "Cs": "�", "Cn": "�", "Co": "�", "Cf": "", "Zl": " ", "Zp": " "}


def clean(text: str) -> str:
    """Take out of a text what would break a line, steer a terminal, turn the writing around or spoil XML."""
    if text.isascii() and text.isprintable():
        return text
    spaced = " ".join(text.split())
    return "".join(_SHOWN_AS.get(category(char), char) for char in spaced)


def cells(text: str) -> int:
    """How many columns of a terminal, or widths of a monospaced letter, a clean text takes."""
    if text.isascii():
        return len(text)
    return sum(_cells_of(char) for char in text)


def fit(text: str, room: int) -> str:
    """Cut a clean text to at most `room` columns, with an ellipsis where something is missing."""
    if cells(text) <= room:
        return text
    kept, used = [], 1
    for char in text:
        used += _cells_of(char)
        if used > room:
            break
        kept.append(char)
    return "".join(kept).rstrip() + "…" if room > 0 else ""


def padded(text: str, room: int) -> str:
    """Cut or fill a clean text to exactly `room` columns."""
    shown = fit(text, room)
    return shown + " " * (room - cells(shown))


def _cells_of(char: str) -> int:
    if category(char) in ("Mn", "Me"):
        return 0
    return 2 if east_asian_width(char) in "WF" else 1
