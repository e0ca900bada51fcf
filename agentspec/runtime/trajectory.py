"""What a run did, as the letters LM, T and C: brought into order, and written for a person."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

_IN_FULL = 12
"""Letters of a trajectory that are shown one by one."""

_SEGMENT = re.compile(r"(.*?)(?:\[(\d+)\]|#(\d+))?")


def in_order(decisions: Iterable[tuple[str, str]], callers: Collection[str]) -> list[str]:
    """Bring letters, each with the path where it was decided, into the order of the control flow.

    Items of a map stand one after the other; so do the blocks that each of the `callers` called.
    """
    root: dict[str, _Place] = {}
    for path, letter in decisions:
        level, around = root, ""
        for segment in path.split("/"):
            place = level.setdefault(segment, _Place(segment, called=around in callers))
            level, around = place.inside, f"{around}/{segment}" if around else segment
        place.letters.append(letter)
    return list(_flatten(root))


def shown(letters: list[str]) -> str:
    """Write a trajectory for a person: in full where it fits into a line, else shortened."""
    return " ".join(letters) if len(letters) <= _IN_FULL else shorten(letters)


def shorten(letters: list[str]) -> str:
    """Write a trajectory with repeated groups counted: `T (LM C T)×3 LM`."""
    parts: list[str] = []
    start = 0
    while start < len(letters):
        size, times = _repetition(letters, start)
        group = " ".join(letters[start : start + size])
        if times > 1:
            parts.append(f"({group})×{times}" if size > 1 else f"{group}×{times}")
        else:
            parts.append(group)
        start += size * times
    return " ".join(parts)


def _repetition(letters: list[str], start: int) -> tuple[int, int]:
    """The group of at most 8 letters at `start` whose repetition covers most, as size and count."""
    best = (1, 1)
    for size in range(1, 9):
        times = 1
        group = letters[start : start + size]
        while letters[start + times * size : start + (times + 1) * size] == group:
            times += 1
        if times > 1 and times * size > best[0] * best[1]:
            best = (size, times)
    return best


class _Place:
    """Letters of one segment of paths, and what lies below it.

    Items of a map and rounds share a `name`. So do all blocks that one step calls, which are numbered together.
    """

    __slots__ = ("index", "inside", "letters", "name")

    def __init__(self, segment: str, *, called: bool) -> None:
        match = _SEGMENT.fullmatch(segment)
        assert match is not None
        self.name = "" if called else match.group(1)
        self.index = int(match.group(2) or match.group(3) or 0)
        self.letters: list[str] = []
        self.inside: dict[str, _Place] = {}


def _flatten(level: dict[str, _Place]) -> Iterator[str]:
    # Places of one name are put side by side in their order; everything else keeps the order of time.
    first: dict[str, int] = {}
    for position, place in enumerate(level.values()):
        first.setdefault(place.name, position)
    for place in sorted(level.values(), key=lambda place: (first[place.name], place.index)):
        yield from place.letters
        yield from _flatten(place.inside)
