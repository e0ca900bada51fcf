"""Seeded streams of messages: `python -m training.generate --split vocab --count 5`."""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from .grammar import CATEGORIES, Intent, Phrases, read_phrases
from .message import Message, Writer, from_row
from .words import read_banks

HERE = Path(__file__).resolve().parent
Split = Literal["train", "iid", "vocab"]
# Shares of the categories in training; the two that are told apart by meaning alone get more.
_SHARES = {"urgent": 0.24, "meeting": 0.25, "newsletter": 0.20, "other": 0.31}


def messages(split: Split, seed: int) -> Iterator[Message]:
    """An endless, reproducible stream. `iid` and `vocab` have no invented words inside sentences."""
    rng = random.Random(f"{split}-{seed}")
    phrases = read_phrases(HERE / "phrases")
    banks = read_banks(HERE / "phrases" / "words.txt", held_out=split == "vocab")
    writer = Writer(phrases, banks, rng, strange=split == "train")
    groups = [[intent for intent in phrases.intents if intent.category == name] for name in CATEGORIES]
    shares = [_SHARES[name] for name in CATEGORIES]
    while True:
        group: list[Intent] = rng.choices(groups, shares)[0]
        yield writer.write(rng.choices(group, [intent.weight for intent in group])[0])


def hand_written(half: Literal["dev", "test"]) -> list[Message]:
    """The set `ood`: written before the phrases, by hand, never trained on."""
    with (HERE / "ood" / f"{half}.jsonl").open(encoding="utf-8") as lines:
        return [from_row(json.loads(line)) for line in lines]


def intent_names(phrases: Phrases) -> list[str]:
    """All intents, in the order of the files."""
    return [intent.name for intent in phrases.intents]


def main() -> None:
    """Print messages with their answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", choices=["train", "iid", "vocab"], default="train")
    parser.add_argument("--count", type=int, default=5)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    stream = messages(options.split, options.seed)
    for _ in range(options.count):
        message = next(stream)
        print(message.prompt, message.answer, f"({message.intent})", "-" * 40, sep="\n")


if __name__ == "__main__":
    main()
