"""Turn bytes of doubtful encoding, and HTML, into readable text. Nothing here raises on bad input."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2060\ufeff]")
_BLANK_LINES = re.compile(r"\n{3,}")
_SPACES = re.compile(r"[ \t\xa0]+")

_BLOCKS = re.compile(
    "address|article|aside|blockquote|body|center|d[dlt]|div|fieldset|footer|form|h[1-6]|header|hr|li|main|nav|"
    "ol|p|pre|section|table|tr|ul"
)
_SPACED = re.compile("blockquote|dl|h[1-6]|ol|p|pre|table|ul")
_HIDDEN = re.compile("head|noscript|script|style|svg|template|title")
_VOID = re.compile("area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr")
_DECLARATION = re.compile(r"<!--.*?(?:-->|\Z)|<[!?][^>]*(?:>|\Z)", re.DOTALL)
_LONE_BRACKET = re.compile(r"<(?![^<>]*>)")
_INVISIBLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


def decoded(data: bytes, charset: str | None) -> tuple[str, str | None]:
    """Return the text of `data`, and a sentence about what was wrong with its character set, or None."""
    wanted = charset or "utf-8"
    problem: str | None
    try:
        return data.decode(wanted), None
    except LookupError:
        problem = f"unknown charset `{printable(wanted)[:40]}`"
    except ValueError:
        problem = None if charset is None else f"text is not in the charset `{printable(wanted)[:40]}` it claims"
    for guess in ("utf-8", "cp1252"):
        try:
            return data.decode(guess), problem
        except ValueError:
            continue
    return data.decode("latin-1"), problem


def printable(text: str) -> str:
    """Drop control characters, invisible ones and lone surrogates; keep tabs and line ends as line feeds."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", text).encode("utf-8", "replace").decode("utf-8")


def tidy(text: str) -> str:
    """Strip the ends of lines and of the text, and leave at most one blank line in a row."""
    return _BLANK_LINES.sub("\n\n", "\n".join(line.rstrip() for line in text.split("\n"))).strip("\n")


def from_html(html: str) -> str:
    """Return the visible text of an HTML mail: blocks on lines of their own, quoted mail marked by `> `."""
    reader = _Reader()
    # HTMLParser needs quadratic time for comments and tags that are never closed.
    reader.feed(_LONE_BRACKET.sub("&lt;", _DECLARATION.sub("", html)))
    reader.close()
    return tidy(reader.text())


class _Reader(HTMLParser):
    """Collects visible text. Open elements are kept on a stack, so that stray end tags do no harm."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[tuple[str, bool, bool]] = []
        self._lines: list[str] = []
        self._line = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"td", "th"}:
            self._line += " "
        if tag == "br" or _BLOCKS.fullmatch(tag):
            self._end_line(_SPACED.fullmatch(tag) is not None)
        if tag == "li":
            self._line = "- "
        if _VOID.fullmatch(tag):
            return
        values = {name: value or "" for name, value in attrs}
        hidden, quoted = self._state()
        hidden = hidden or bool(_HIDDEN.fullmatch(tag) or _INVISIBLE.search(values.get("style", "")))
        cited = tag == "blockquote" and values.get("type") == "cite"
        self._open.append((tag, hidden, quoted or cited or "gmail_quote" in values.get("class", "").split()))

    def handle_endtag(self, tag: str) -> None:
        if _BLOCKS.fullmatch(tag):
            self._end_line(_SPACED.fullmatch(tag) is not None)
        for index in range(len(self._open) - 1, max(-1, len(self._open) - 50), -1):
            if self._open[index][0] == tag:
                del self._open[index:]
                return

    def handle_data(self, data: str) -> None:
        hidden, _ = self._state()
        if hidden:
            return
        if any(tag == "pre" for tag, _, _ in self._open[-8:]):
            first, *rest = data.split("\n")
            self._line += first
            for line in rest:
                self._end_line(False)
                self._line = line
            return
        words = re.sub(r"[ \t\r\n\xa0]+", " ", data)
        self._line += words.lstrip() if self._line in ("", " ") or self._line.endswith(" ") else words

    def _state(self) -> tuple[bool, bool]:
        return self._open[-1][1:] if self._open else (False, False)

    def _end_line(self, spaced: bool) -> None:
        line = _SPACES.sub(" ", self._line).strip()
        self._line = ""
        if line and line != "-":
            self._lines.append(f"> {line}" if self._state()[1] else line)
        if spaced and self._lines and self._lines[-1]:
            self._lines.append("")

    def text(self) -> str:
        """Return what was read so far."""
        self._end_line(False)
        return "\n".join(self._lines)
