"""Passages of a text as GBNF rules: a quote begins and ends where a word or a sign does, and goes on as the text does.

The rules are the states of a suffix automaton over words (Blumer et al. 1985): at most two for each word of the
text, whatever is quoted. Words that may follow one another are put together letter by letter, so that llama.cpp has
few ways to look at for each token.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile

from agentspec_pocket import gbnf

LONGEST = 4000
"""Characters of all texts together. Of longer ones the core checks what is quoted."""

_PIECE = re.compile(r"(\s*)(\w+(?:['\u2019.,:/-]\w+)*|[^\w\s])")
_HALF = re.compile(r"[\ud800-\udfff]")

_NO_BEGINNING = frozenset(",.;:!?)]}")

Piece = tuple[str, str]
"""The blank before a word, and the word."""
Moves = list[dict[Piece | int, int]]
"""Per state, what may follow and the state behind it. A number stands for the end of a text."""


def passages(texts: Sequence[str], name: str) -> dict[str, str] | None:
    """Return the rules of all passages, `name` first; None where there is no grammar for them."""
    if sum(map(len, texts)) > LONGEST or any(_HALF.search(text) for text in texts):
        return None
    moves = _automaton(texts)
    starts = [(word, to) for (_, word), to in _words(moves, 0) if word not in _NO_BEGINNING]
    if not starts:
        return None
    rules = {name: _one_of([(_escaped(word), _tail(name, to, moves)) for word, to in starts])}
    waiting = [to for _, to in starts]
    while waiting:
        state = waiting.pop()
        rule, following = f"{name}-{state}", list(_words(moves, state))
        if following and rule not in rules:
            shown = [(_escaped(blank + word), _tail(name, to, moves)) for (blank, word), to in following]
            rules[rule] = f"({_one_of(shown)})?"
            waiting += [to for _, to in following]
    return rules


def _automaton(texts: Sequence[str]) -> Moves:
    """The suffix automaton of the texts, one after the other with a mark between them."""
    moves: Moves = [{}]
    links, lengths, last = [-1], [0], 0
    for piece in _pieces(texts):
        state, earlier = len(moves), last
        moves.append({})
        links.append(0)
        lengths.append(lengths[last] + 1)
        while earlier >= 0 and piece not in moves[earlier]:
            moves[earlier][piece] = state
            earlier = links[earlier]
        if earlier >= 0:
            known = moves[earlier][piece]
            if lengths[known] == lengths[earlier] + 1:
                links[state] = known
            else:
                copy = len(moves)
                moves.append(dict(moves[known]))
                links.append(links[known])
                lengths.append(lengths[earlier] + 1)
                links[known] = links[state] = copy
                while earlier >= 0 and moves[earlier].get(piece) == known:
                    moves[earlier][piece] = copy
                    earlier = links[earlier]
        last = state
    return moves


def _pieces(texts: Sequence[str]) -> Iterator[Piece | int]:
    for number, text in enumerate(texts):
        for blanks, word in _PIECE.findall(text):
            yield (" " if blanks else "", word)
        yield number


def _words(moves: Moves, state: int) -> Iterator[tuple[Piece, int]]:
    return ((piece, to) for piece, to in moves[state].items() if isinstance(piece, tuple))


def _tail(name: str, state: int, moves: Moves) -> str:
    """The rule of what may follow; empty where nothing can."""
    return f"{name}-{state}" if any(_words(moves, state)) else ""


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _one_of(options: Iterable[tuple[str, str]]) -> str:
    """An expression for these texts, each with the rule that goes on behind it; common beginnings stand once."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for text, tail in options:
        groups.setdefault(text[:1], []).append((text, tail))
    ends = dict.fromkeys(tail for _, tail in groups.pop("", ()))
    found = [tail for tail in ends if tail]
    for group in groups.values():
        texts = [text for text, _ in group]
        pairs = zip(min(texts), max(texts), strict=False)
        shared = "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        rest = _one_of((text[len(shared) :], tail) for text, tail in group)
        found.append(f"{gbnf.literal(shared)} {rest}".strip())
    if not found:
        return ""
    both = found[0] if len(found) == 1 else f"({' | '.join(found)})"
    return f"({both})?" if "" in ends else both
