"""Copying practice: rows that hold numbers, and ask for them again.

Copying a date digit by digit needs attention that finds "what came after this, last time". On e-mails alone
it had not formed after 480 steps (a quarter of them have a date to copy); 160 steps later, with rows that ask
for nothing else, it had. They stand under the mark of system messages and do not touch the task itself.
"""

from __future__ import annotations

import random

from .tokenizer import ANSWER, SYSTEM
from .words import invented


def practice_row(rng: random.Random) -> tuple[str, str]:
    """A rendered prompt, and its answer: the first two numbers of a list among invented words."""
    numbers = [_number(rng) for _ in range(rng.choice([1, 2, 2, 3]))]
    before, after = (_filler(rng) for _ in range(2))
    return f"{SYSTEM}\n{before}\n{', '.join(numbers)}\n{after}\n{ANSWER}\n", ", ".join(numbers[:2])


def _number(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return f"202{rng.randrange(4, 10)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
    return f"{rng.randrange(10_000):04}-{rng.randrange(100):02}-{rng.randrange(100):02}"


def _filler(rng: random.Random) -> str:
    return " ".join(invented(rng, capital=False) for _ in range(rng.choice([0, 1, 2, 3, 6, 10])))
