"""The slots of a phrase: names, firms, projects, things, numbers, and invented words.

Every bank has a part for training and a part that only the split `vocab` uses.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import dates

Change = Callable[[str, random.Random], str]
_ONSETS = "b br c ch d dr f fl g gr h j k kl l m n p pl qu r s sh sk st t tr v w z th".split()  # noqa: SIM905
_VOWELS = "a e i o u ai ea ou oo y".split()  # noqa: SIM905 - split by eye as well
_CODAS = ["", "", "", "n", "r", "l", "s", "t", "m", "ck", "nd", "x", "th", "ll"]
# A quarter of the words of training come from no bank: the model has to read around unknown words.
_INVENTED_SHARE = 0.25
_INVENTABLE = frozenset(
    {"first", "last", "company", "project", "product", "place", "thing", "topic", "system", "domain"}
)


def invented(rng: random.Random, capital: bool = True) -> str:
    """A word that nobody knows, of two or three syllables."""
    parts = [rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(rng.choice([1, 2, 2, 3]))]
    word = "".join(parts)
    return word.capitalize() if capital else word


@dataclass(frozen=True, slots=True)
class Banks:
    """Words per slot, of one part (training or held out)."""

    words: dict[str, list[str]]
    held_out: bool

    def slot(self, name: str, rng: random.Random) -> str:
        """Words for the slot `name`; raises KeyError for a name that no bank has."""
        if name in dates.SLOTS:
            return dates.mark(name)
        if name in _NUMBERS:
            return _number(name, rng)
        bank = self.words[name]
        if name in _INVENTABLE and not self.held_out and rng.random() < _INVENTED_SHARE:
            return invented(rng, capital=name not in {"thing", "topic", "domain"})
        return rng.choice(bank)


def read_banks(path: Path, held_out: bool) -> Banks:
    """Read `words.txt`: `== slot`, a line of words for training, after `held:` those of `vocab`.

    A bank without a held-out line (plain English such as months of a lease) serves both.
    """
    words: dict[str, list[str]] = {}
    name = ""
    for raw in path.read_text(encoding="utf-8").splitlines():
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("== "):
            name = line[3:]
            words[name] = []
            continue
        only_held = line.startswith("held:")
        entries = [word.strip() for word in line.removeprefix("held:").split(",") if word.strip()]
        if only_held and held_out:
            words[name] = entries
        elif not only_held:
            words[name] += entries
    return Banks(words, held_out)


_NUMBERS = frozenset({"n", "time", "amount", "id", "minutes", "percent", "year", "phone", "big", "version"})


def _number(name: str, rng: random.Random) -> str:
    match name:
        case "n":
            return rng.choice([str(rng.randrange(2, 20)), "two", "three", "four", "five", "six", "ten"])
        case "time":
            hour, minute = rng.randrange(7, 20), rng.choice(["00", "00", "15", "30", "45"])
            noon = f"{hour % 12 or 12}{'am' if hour < 12 else 'pm'}"
            return rng.choice([f"{hour}:{minute}", f"{hour}.{minute}", noon, f"{hour % 12 or 12} o'clock", "noon"])
        case "amount":
            value = rng.choice([rng.randrange(5, 100), rng.randrange(100, 9000)])
            cents = rng.choice(["", f".{rng.randrange(100):02}"])
            return rng.choice([f"{value}{cents} euros", f"${value}{cents}", f"EUR {value}{cents}", f"£{value}{cents}"])
        case "id":
            digits = str(rng.randrange(100, 10 ** rng.randrange(3, 8)))
            return rng.choice([digits, f"#{digits}", f"{rng.choice('ABCKRTX')}-{digits}", f"no. {digits}"])
        case "minutes":
            return rng.choice(["10", "15", "20", "30", "45", "60", "90", "ten", "twenty", "thirty", "five"])
        case "percent":
            return rng.choice([f"{rng.randrange(5, 90)}%", f"{rng.randrange(5, 90)} percent"])
        case "year":
            return str(rng.randrange(2015, 2030))
        case "phone":
            return f"+{rng.randrange(10, 99)} {rng.randrange(100, 999)} {rng.randrange(10000, 9999999)}"
        case "version":
            return f"{rng.randrange(1, 12)}.{rng.randrange(0, 20)}"
        case _:
            return f"{rng.randrange(1, 90)},{rng.randrange(0, 999):03}"
