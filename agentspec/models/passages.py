"""Finding a quote in a text, whatever the blanks and line ends between its words."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter

_WORD = re.compile(r"\S+")
_LONGEST_SHOWN = 200


class Passages:
    """A text that may be quoted."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._words = [match.span() for match in _WORD.finditer(text)]
        self._starts: list[int] = []
        place = 0
        for start, end in self._words:
            self._starts.append(place)
            place += end - start + 1
        self._collapsed = " ".join(text[start:end] for start, end in self._words)

    def find(self, quote: str) -> str | None:
        """Return the passage as it stands in the text; None when it does not, or when nothing is quoted."""
        wanted = " ".join(_WORD.findall(quote))
        place = self._collapsed.find(wanted) if wanted else -1
        if place < 0:
            return None
        return self._text[self._original(place) : self._original(place + len(wanted) - 1) + 1]

    def _original(self, place: int) -> int:
        number = bisect_right(self._starts, place) - 1
        return self._words[number][0] + place - self._starts[number]

    def nearest(self, quote: str) -> tuple[int, str]:
        """Return the passage of as many words that shares the most words with a quote, and how many it shares."""
        wanted = Counter(word.lower() for word in _WORD.findall(quote))
        length = min(wanted.total(), len(self._words))
        words = [self._text[start:end].lower() for start, end in self._words]
        inside: Counter[str] = Counter()
        shared, best, first = 0, 0, 0
        for number, word in enumerate(words):
            inside[word] += 1
            shared += inside[word] <= wanted[word]
            if number >= length:
                gone = words[number - length]
                shared -= inside[gone] <= wanted[gone]
                inside[gone] -= 1
            if shared > best:
                best, first = shared, max(number - length + 1, 0)
        if not best:
            return 0, ""
        last = self._words[min(first + length, len(self._words)) - 1]
        shown = " ".join(self._text[self._words[first][0] : last[1]].split())
        return best, shown if len(shown) <= _LONGEST_SHOWN else shown[: _LONGEST_SHOWN - 1] + "…"
