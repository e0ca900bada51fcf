"""Filters that work on texts and numbers."""

from __future__ import annotations

import re
import textwrap
from typing import Any

from agentspec.api.errors import EvaluationFailed
from agentspec.spec.expressions.values import MAX_TEXT, MISSING, Frame, is_number, kind, number, text, too_long

_WORD = re.compile(r"([-\s({\[<]+)")


def whole_number(value: Any, name: str) -> int:
    """Return a whole number of moderate size, an argument of the filter `name`."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_TEXT:
        return value
    raise EvaluationFailed(f"`{name}` needs a whole number of moderate size")


def default(frame: Frame, value: Any, default_value: Any = "", boolean: Any = False) -> Any:
    """`default_value` in place of nothing or null; with `boolean` also of other empty values."""
    empty = value is None or value is MISSING or (boolean and not value)
    return default_value if empty else value


def length(frame: Frame, value: Any) -> int:
    """How many characters, items or fields there are."""
    if isinstance(value, (str, list, dict)):
        return len(value)
    raise EvaluationFailed(f"`length` needs a list, a text or an object, not {kind(value)}")


def replace(frame: Frame, value: Any, old: Any, new: Any, count: Any = None) -> str:
    """The text with `new` for `old`, everywhere or for the first `count` places."""
    whole, before, after = text(value), text(old), text(new)
    most = -1 if count is None else whole_number(count, "replace")
    found = whole.count(before) if most < 0 else min(most, whole.count(before))
    if len(whole) + found * (len(after) - len(before)) > MAX_TEXT:
        raise too_long()
    return whole.replace(before, after, most)


def truncate(
    frame: Frame, value: Any, length: Any = 255, killwords: Any = False, end: Any = "...", leeway: Any = 5
) -> str:
    """The text cut to `length` characters at a word, unless it is at most `leeway` longer."""
    whole, size, tail = text(value), whole_number(length, "truncate"), text(end)
    if len(whole) <= size + whole_number(leeway, "truncate"):
        return whole
    cut = whole[: max(0, size - len(tail))]
    return (cut if killwords else cut.rsplit(" ", 1)[0]) + tail


def title(frame: Frame, value: Any) -> str:
    """The text with every word capitalised."""
    return "".join(word[0].upper() + word[1:].lower() for word in _WORD.split(text(value)) if word)


def indent(frame: Frame, value: Any, width: Any = 4, first: Any = False, blank: Any = False) -> str:
    """The text with its lines moved right."""
    whole = text(value)
    margin = width if isinstance(width, str) else " " * whole_number(width, "indent")
    lines = whole.split("\n")
    if len(whole) + len(lines) * len(margin) > MAX_TEXT:
        raise too_long()
    made = [margin + line if line.strip() or blank else line for line in lines[1:]]
    return "\n".join([(margin if first else "") + lines[0], *made])


def wordwrap(frame: Frame, value: Any, width: Any = 79, break_long_words: Any = True) -> str:
    """The text with lines of at most `width` characters."""
    size = whole_number(width, "wordwrap")
    if size < 1:
        raise EvaluationFailed("`wordwrap` needs a width of at least 1")
    whole = text(value)
    frame.charge(len(whole))
    lines = whole.splitlines()
    wrapped = (
        textwrap.wrap(
            line,
            size,
            expand_tabs=False,
            replace_whitespace=False,
            break_long_words=bool(break_long_words),
        )
        for line in lines
    )
    return "\n".join("\n".join(part_lines) for part_lines in wrapped)


def split(frame: Frame, value: Any, sep: Any = None, maxsplit: Any = -1) -> list[str]:
    """The pieces between separators; blanks when `sep` is null."""
    if sep == "":
        raise EvaluationFailed("`split` needs a separator that is not empty")
    return text(value).split(None if sep is None else text(sep), whole_number(maxsplit, "split"))


def absolute(frame: Frame, value: Any) -> Any:
    """The number without its sign."""
    if is_number(value):
        return number(abs(value))
    raise EvaluationFailed(f"`abs` needs a number, not {kind(value)}")


def to_integer(frame: Frame, value: Any, default: Any = 0) -> Any:
    """The whole number that a value holds; `default` when it holds none."""
    try:
        return number(int(value if is_number(value) or isinstance(value, bool) else str(value)[:40].strip()))
    except (ValueError, OverflowError):
        made = to_number(frame, value, None)
        return default if made is None else number(int(made))


def to_number(frame: Frame, value: Any, default: Any = 0.0) -> Any:
    """The number that a value holds; `default` when it holds none."""
    try:
        return number(float(value if is_number(value) or isinstance(value, bool) else str(value)[:400]))
    except (ValueError, OverflowError, EvaluationFailed):
        return default


def round_off(frame: Frame, value: Any, precision: Any = 0, method: Any = "common") -> Any:
    """The number rounded to `precision` places, as Jinja does."""
    places = whole_number(precision, "round")
    if not is_number(value) or abs(places) > 300 or method not in ("common", "ceil", "floor"):
        raise EvaluationFailed("`round` needs a number, and `common`, `ceil` or `floor`")
    if method == "common":
        return number(round(value, places))
    scale = 10.0**places
    scaled = number(value * scale)
    return number((-(-scaled // 1) if method == "ceil" else scaled // 1) / scale)
