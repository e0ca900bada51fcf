"""Phrase files: a context-free grammar in plain text.

A file holds rules and intents:

    == rule              every following line is one alternative of `{rule}`
    @@ name category=urgent reply=ask sender=human
    S: a subject         K: a key sentence, which carries the label
    Q: a key sentence that itself asks for an answer
    P: context, said before the key sentence      T: a reason, said after it

Inside a line `{name}` refers to a rule or a slot, `[a|b|c]` is a choice, `[|a]` an option. `#` starts a
comment.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Category = Literal["urgent", "meeting", "newsletter", "other"]
CATEGORIES: tuple[Category, ...] = ("urgent", "meeting", "newsletter", "other")

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_REFERENCE = re.compile(r"\{([A-Za-z_]\w*)\}")
_MAX_DEPTH = 12


@dataclass(slots=True)
class Intent:
    """One thing that a sender may want. `reply` is `ask` (an answer is asked for), `no` or `var` (either)."""

    name: str
    category: Category
    reply: str
    sender: str
    weight: float = 1.0
    lines: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Phrases:
    """All rules and intents of a folder of phrase files."""

    rules: dict[str, list[str]] = field(default_factory=dict)
    intents: list[Intent] = field(default_factory=list)

    def expand(self, text: str, rng: random.Random, slot: Callable[[str], str], depth: int = 0) -> str:
        """Make one sentence of `text`; `slot` gives the words for names that are no rule."""
        if depth > _MAX_DEPTH:
            raise ValueError(f"phrase refers to itself: {text!r}")
        while (match := _CHOICE.search(text)) is not None:
            text = text[: match.start()] + rng.choice(match[1].split("|")) + text[match.end() :]

        def fill(match: re.Match[str]) -> str:
            rule = self.rules.get(match[1])
            if rule is None:
                return slot(match[1])
            return self.expand(rng.choice(rule), rng, slot, depth + 1)

        return _REFERENCE.sub(fill, text)


def read_phrases(folder: Path) -> Phrases:
    """Read every `*.txt` of the folder but the word banks, in the order of names."""
    phrases = Phrases()
    for path in sorted(folder.glob("*.txt")):
        if path.name != "words.txt":
            _read_file(path, phrases)
    return phrases


def _read_file(path: Path, phrases: Phrases) -> None:
    rule: list[str] | None = None
    intent: Intent | None = None
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("== "):
            rule, intent = phrases.rules.setdefault(line[3:].strip(), []), None
        elif line.startswith("@@ "):
            rule, intent = None, _read_header(line[3:])
            phrases.intents.append(intent)
        elif rule is not None:
            rule.append(line)
        elif intent is not None and line[:2] in {"S:", "K:", "Q:", "P:", "T:"}:
            intent.lines.setdefault(line[0], []).append(line[2:].strip())
        else:
            raise ValueError(f"{path.name}:{number}: neither rule nor intent: {line!r}")


def _read_header(text: str) -> Intent:
    name, *pairs = text.split()
    values = dict(pair.split("=", 1) for pair in pairs)
    category = next(known for known in CATEGORIES if known == values["category"])
    return Intent(name, category, values["reply"], values["sender"], float(values.get("weight", "1")))
