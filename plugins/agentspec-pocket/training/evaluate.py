"""Figures per split, from the served GGUF: `python -m training.evaluate triage.gguf --splits vocab ood_dev`.

Everything is measured on what a user gets: chat template, quantised weights, grammar, greedy decoding.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import mean, median

from . import serve
from .generate import hand_written, messages
from .message import Message

# Seeds that neither training nor the checks during training use.
_TEST_SEED = 1007
_SURE = 0.8
_OPEN, _CLOSE = "<!-- figures -->", "<!-- end of figures -->"
SPLITS = ("iid", "vocab", "ood_dev", "ood_test")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A message and the answer that came."""

    message: Message
    reply: serve.Reply

    @property
    def category(self) -> bool:
        """Is the category right?"""
        return bool(self.reply.value["category"] == self.message.category)

    @property
    def answer(self) -> bool:
        """Is `reply_needed` right?"""
        return bool(self.reply.value["reply_needed"] == self.message.reply_needed)

    @property
    def due(self) -> bool:
        """Is the date right?"""
        return bool(self.reply.value["due"] == self.message.due)

    @property
    def exact(self) -> bool:
        """Are all three fields right?"""
        return self.category and self.answer and self.due


def examples(split: str, count: int) -> list[Message]:
    """Messages of a split; `count` limits the generated ones."""
    match split:
        case "iid":
            return list(islice(messages("iid", _TEST_SEED), count))
        case "vocab":
            return list(islice(messages("vocab", _TEST_SEED), count))
        case "ood_dev":
            return hand_written("dev")
        case "ood_test":
            return hand_written("test")
        case _:
            raise ValueError(f"no such split: {split}")


def auroc(outcomes: list[Outcome]) -> float:
    """Chance that a right answer has more confidence than a wrong one; nan if all are right, or wrong."""
    right = [o.reply.confidence for o in outcomes if o.exact]
    wrong = [o.reply.confidence for o in outcomes if not o.exact]
    if not right or not wrong:
        return float("nan")
    wins = sum((r > w) + 0.5 * (r == w) for r in right for w in wrong)
    return wins / (len(right) * len(wrong))


def figures(outcomes: list[Outcome]) -> dict[str, float]:
    """All numbers of one split, shares in 0..1."""
    sure = [o for o in outcomes if o.reply.confidence >= _SURE]
    right = [o.reply.confidence for o in outcomes if o.exact]
    wrong = [o.reply.confidence for o in outcomes if not o.exact]
    invented = [o for o in outcomes if o.reply.value["due"] not in (None, *o.message.found)]
    return {
        "messages": len(outcomes),
        "exact": mean(o.exact for o in outcomes),
        "category": mean(o.category for o in outcomes),
        "reply_needed": mean(o.answer for o in outcomes),
        "due": mean(o.due for o in outcomes),
        "due not in Dates": len(invented) / len(outcomes),
        "confidence if right": mean(right) if right else float("nan"),
        "confidence if wrong": mean(wrong) if wrong else float("nan"),
        "AUROC": auroc(outcomes),
        "share >= 0.8": len(sure) / len(outcomes),
        "exact where >= 0.8": mean(o.exact for o in sure) if sure else float("nan"),
    }


def speed(outcomes: list[Outcome]) -> dict[str, float]:
    """Milliseconds per call and tokens per second, one thread."""
    seconds = [o.reply.seconds for o in outcomes]
    total = sum(o.reply.tokens_in + o.reply.tokens_out for o in outcomes)
    return {
        "ms per call, median": 1000 * median(seconds),
        "tokens in, mean": mean(o.reply.tokens_in for o in outcomes),
        "tokens out, mean": mean(o.reply.tokens_out for o in outcomes),
        "tokens per second": total / sum(seconds),
    }


def table(results: dict[str, dict[str, float]]) -> str:
    """A Markdown table, one column per split."""
    rows = ["| figure | " + " | ".join(results) + " |", "|---|" + "---|" * len(results)]
    for name in next(iter(results.values())):
        cells = [f"{row[name]:.0f}" if name == "messages" else f"{row[name]:.3f}" for row in results.values()]
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def write_card(card: Path, text: str) -> None:
    """Replace what stands between the two marks of the model card."""
    before, rest = card.read_text(encoding="utf-8").split(_OPEN, 1)
    after = rest.split(_CLOSE, 1)[1]
    card.write_text(f"{before}{_OPEN}\n\n{text}\n\n{_CLOSE}{after}", encoding="utf-8")


def confusion(outcomes: list[Outcome]) -> str:
    """Counts of (true, answered) categories that differ."""
    wrong = Counter((o.message.category, o.reply.value["category"]) for o in outcomes if not o.category)
    return ", ".join(f"{true}→{said} {count}" for (true, said), count in wrong.most_common())


def main() -> None:
    """Measure, print, and write the JSON beside it if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--splits", nargs="+", choices=SPLITS, default=["iid", "vocab", "ood_dev"])
    parser.add_argument("--count", type=int, default=500, help="messages of the generated splits")
    parser.add_argument("--grounded", action="store_true", help="let `due` be only a date of `Dates`")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--card", type=Path, help="put the tables into this model card")
    parser.add_argument("--errors", action="store_true", help="print wrong answers of generated splits")
    options = parser.parse_args()
    server = serve.start(options.model)
    results: dict[str, dict[str, float]] = {}
    times: dict[str, dict[str, float]] = {}
    for split in options.splits:
        outcomes = [
            Outcome(m, serve.ask(server, m.prompt, serve.grounded(m.found) if options.grounded else serve.SCHEMA))
            for m in examples(split, options.count)
        ]
        results[split], times[split] = figures(outcomes), speed(outcomes)
        print(f"{split}: {confusion(outcomes)}")
        # Errors on hand-written messages stay unseen, so that nobody mends phrases for one of them.
        if options.errors and not split.startswith("ood"):
            for outcome in outcomes:
                if not outcome.exact:
                    print(
                        outcome.message.prompt,
                        outcome.message.answer,
                        outcome.reply.value,
                        "-" * 40,
                        sep="\n",
                    )
    print(table(results), table(times), sep="\n\n")
    if options.card is not None:
        write_card(options.card, f"{table(results)}\n\n{table(times)}")
    if options.json is not None:
        options.json.write_text(json.dumps({"quality": results, "speed": times}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
