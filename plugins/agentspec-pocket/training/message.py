"""One e-mail with its answer, and the prompt that holds it."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

from . import dates, noise
from .grammar import Category, Intent, Phrases
from .words import Banks

BODY_LIMIT = 900  # characters; the agent cuts there as well
# Shares of content words that training makes unknown. The high ones keep their label although little of the
# text is left to tell it: that is where the model learns to be unsure of texts it does not understand.
_STRANGENESS = [0.0] * 9 + [0.06] * 5 + [0.15, 0.15, 0.25, 0.25, 0.4, 0.7]


@dataclass(frozen=True, slots=True)
class Message:
    """A mail, and what the model should answer. `intent` serves training only."""

    sender: str
    bulk: bool
    found: list[str]
    subject: str
    body: str
    category: Category
    reply_needed: bool
    due: str | None
    intent: str = ""

    @property
    def prompt(self) -> str:
        """The user message, word for word as the agent file has it."""
        found = ", ".join(self.found) or "none"
        return (
            f"Sort this e-mail.\nFrom: {self.sender}\nBulk: {'yes' if self.bulk else 'no'}\nDates: {found}\n"
            f"Subject: {self.subject}\n\n{self.body[:BODY_LIMIT]}"
        )

    @property
    def answer(self) -> str:
        """Compact JSON in the order of the keys of the schema."""
        value = {"category": self.category, "reply_needed": self.reply_needed, "due": self.due}
        return json.dumps(value, separators=(",", ":"))

    def row(self) -> dict[str, Any]:
        """The message as a line of a data file."""
        return {
            "from": self.sender, "bulk": self.bulk, "dates": self.found, "subject": self.subject,
            "body": self.body, "category": self.category, "reply_needed": self.reply_needed, "due": self.due,
        }  # fmt: skip


def from_row(row: dict[str, Any]) -> Message:
    """Read what `Message.row` wrote."""
    return Message(
        row["from"], row["bulk"], row["dates"], row["subject"], row["body"],
        row["category"], row["reply_needed"], row["due"],
    )  # fmt: skip


@dataclass(slots=True)
class Writer:
    """Puts messages together; `strange` makes some of the words unknown, see `_STRANGENESS`."""

    phrases: Phrases
    banks: Banks
    rng: random.Random
    strange: bool = False

    def say(self, text: str) -> str:
        """One phrase, expanded."""
        return self.phrases.expand(text, self.rng, lambda name: self.banks.slot(name, self.rng)).strip()

    def chance(self, share: float) -> bool:
        """True in `share` of the calls."""
        return self.rng.random() < share

    def write(self, intent: Intent) -> Message:
        """A mail with this intent."""
        match intent.sender:
            case "bulk":
                subject, body, reply = self._bulk(intent)
            case "auto":
                subject, body, reply = self._auto(intent)
            case _:
                subject, body, reply = self._human(intent)
        if self.strange and (share := self.rng.choice(_STRANGENESS)) > 0:
            body = noise.strange(body, self.rng, share)
        subject, body = noise.capitalise(subject) if self.chance(0.7) else subject, noise.capitalise(body)
        if intent.sender != "bulk" or self.chance(0.1):
            subject, body = noise.roughen(subject, self.rng), noise.roughen(body, self.rng)
        dated = dates.render([subject, body], self.rng)
        bulk_share = {"bulk": 0.86, "auto": 0.5}.get(intent.sender, 0.015)
        return Message(
            self._sender(intent), self.chance(bulk_share), dated.found,
            dated.texts[0], dated.texts[1][:BODY_LIMIT],
            intent.category, reply, dated.due, intent.name,
        )  # fmt: skip

    def _sender(self, intent: Intent) -> str:
        style = {"bulk": "{from_bulk}", "auto": "{from_auto}"}.get(intent.sender, "{from_human}")
        if (intent.sender == "auto" and self.chance(0.15)) or (intent.sender == "human" and self.chance(0.12)):
            style = "{from_office}"
        name = self.say(style)
        if "<" in name:
            return name
        parts = [part for part in name.lower().replace(".", " ").split() if part.isalnum()] or ["info"]
        first, last = parts[0], parts[-1]
        local = self.rng.choice(
            [f"{first}.{last}", f"{first[0]}{last}", first, f"{first[0]}.{last}", f"{first}_{last}"]
        )
        return f"{name} <{local}@{self.say('{mail_domain}')}>"

    def _pick(self, intent: Intent, kind: str) -> str:
        lines = intent.lines.get(kind)
        return self.say(self.rng.choice(lines)) if lines else ""

    def _subject(self, intent: Intent) -> str:
        if self.chance(0.22) or "S" not in intent.lines:
            subject = self.say("{subject_plain_bulk}" if intent.sender == "bulk" else "{subject_plain}")
        else:
            subject = self._pick(intent, "S")
        if intent.sender == "human" and self.chance(0.12):
            subject = self.rng.choice(["Re: ", "RE: ", "Fwd: ", "AW: ", "re "]) + subject
        return subject

    def _human(self, intent: Intent) -> tuple[str, str, bool]:
        asks = intent.reply == "ask" or (intent.reply == "var" and self.chance(0.5))
        questions, keys = intent.lines.get("Q", []), intent.lines.get("K", [])
        if asks and questions and (not keys or self.chance(len(questions) / (len(questions) + len(keys)))):
            core = [self._pick(intent, "Q")]
            if self.chance(0.15):
                core.append(self.say("{ask}"))
        else:
            core = [self._pick(intent, "K")]
            if asks:
                core.insert(len(core) if self.chance(0.85) else 0, self.say("{ask}"))
            elif self.chance(0.15):
                core.append(self.say("{no_reply_line}"))
        if self.chance(0.45):
            core.insert(0, self._pick(intent, "P"))
        if self.chance(0.4):
            core.insert(self.rng.randrange(1, len(core) + 1), self._pick(intent, "T"))
        if self.chance(0.3):
            core.insert(0, self.say("{opener}"))
        for _ in range(self.rng.choice([0, 0, 0, 1, 1, 2])):
            core.insert(self.rng.randrange(len(core) + 1), self.say("{aside}"))
        text = [" ".join(sentence for sentence in core if sentence)]
        if self.chance(0.6):
            text.insert(0, self.say("{greeting}"))
        if self.chance(0.25):
            text.append(self.say("{wish}"))
        if self.chance(0.65):
            text.append(self.say("{signature}"))
        if self.chance(0.06):
            text.append("P.S. " + self.say("{aside}"))
        if self.chance(0.06):
            text.append(self.say("{quoted}"))
        return self._subject(intent), self.rng.choice(["\n", "\n", "\n\n", " "]).join(text), asks

    def _auto(self, intent: Intent) -> tuple[str, str, bool]:
        text = [self._pick(intent, "K")]
        if self.chance(0.4):
            text.insert(0, self._pick(intent, "P"))
        if self.chance(0.5):
            text.append(self._pick(intent, "T"))
        if self.chance(0.25):
            text.append(self.say("{auto_detail}"))
        if self.chance(0.4):
            text.insert(0, self.say("{auto_greeting}"))
        if self.chance(0.45):
            text.append(self.say("{auto_footer}"))
        joint = self.rng.choice(["\n", " ", "\n\n"])
        return self._subject(intent), joint.join(part for part in text if part), False

    def _bulk(self, intent: Intent) -> tuple[str, str, bool]:
        count = self.rng.choice([1, 2, 2, 3])
        text = [self._pick(intent, self.rng.choice("KKKQ") if "Q" in intent.lines else "K") for _ in range(count)]
        if self.chance(0.3):
            text.append(self.say("{promo_block}"))
        if self.chance(0.5):
            text.append(self._pick(intent, "T"))
        if self.chance(0.45):
            text.insert(0, self.say("{bulk_greeting}"))
        if self.chance(0.5):
            text.append(self.say("{bulk_footer}"))
        joint = self.rng.choice(["\n", " ", "\n\n"])
        return self._subject(intent), joint.join(part for part in text if part), False
