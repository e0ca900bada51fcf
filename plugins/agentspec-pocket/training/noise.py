"""Roughness of real mail: lower case, slips of the fingers, missing words, words nobody knows.

Works on text that still holds the marks of `dates`, which it leaves whole.
"""

from __future__ import annotations

import random
import re

from . import words

_WORD = re.compile(r"[A-Za-z']+")
_SENTENCE_START = re.compile(r"(^|[.!?]\s+|\n\s*)([a-z])")
# Words that carry grammar are kept by `strange`; a strange noun or verb is what new phrasing looks like.
_GRAMMAR_WORDS = """
    i you we he she it they me us my your our the a an to of in on at by for with from and or but not no is
    are was be been have has had do does did can could would will shall should may might must if when what
    which who how why where before until after than this that these those there as so please thank thanks
"""
_KEPT = frozenset(_GRAMMAR_WORDS.split())


def capitalise(text: str) -> str:
    """Upper case at the start of each sentence."""
    return _SENTENCE_START.sub(lambda match: match[1] + match[2].upper(), text)


def roughen(text: str, rng: random.Random) -> str:
    """Some careless habit, in about a third of the messages."""
    habit = rng.random()
    if habit < 0.10:
        text = text.lower()
    if habit < 0.05:
        text = re.sub(r"[.,'](?=\s|$)", "", text)
    elif habit > 0.97:
        text = text.replace(". ", "!! ")
    if rng.random() < 0.12:
        text = _each_word(text, rng, 0.04, _slip)
    return text


def strange(text: str, rng: random.Random, share: float) -> str:
    """Replace `share` of the content words with invented ones, and drop as many."""
    text = _each_word(text, rng, share, lambda word, r: word if word.lower() in _KEPT else _invent(word, r))
    return _each_word(text, rng, share / 2, lambda word, _rng: word if word in {"not", "no"} else "")


def _invent(word: str, rng: random.Random) -> str:
    new = words.invented(rng, capital=word[0].isupper())
    return new + rng.choice(["", "", "s", "ed", "ing", "ly"])


def _slip(word: str, rng: random.Random) -> str:
    if len(word) < 4:
        return word
    at = rng.randrange(1, len(word) - 1)
    match rng.randrange(3):
        case 0:
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        case 1:
            return word[:at] + word[at + 1 :]
        case _:
            return word[:at] + word[at] + word[at:]


def _each_word(text: str, rng: random.Random, share: float, change: words.Change) -> str:
    return _WORD.sub(lambda match: change(match[0], rng) if rng.random() < share else match[0], text)
