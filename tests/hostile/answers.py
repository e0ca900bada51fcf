"""What a hostile model says: answers and tool calls with every mistake that models make, and some that attackers make.

Everything comes from a seeded generator, so that an answer can be made again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

MEGABYTES_10 = 10_000_000


@dataclass(frozen=True)
class Call:
    """A tool call as a provider sends it: `arguments` is text that should be JSON."""

    name: str
    arguments: str
    id: str = "c1"


@dataclass(frozen=True)
class Said:
    """One answer of a model. `kind` names its mistake."""

    kind: str
    text: str = ""
    calls: tuple[Call, ...] = ()
    finish: str = "stop"
    seconds: float = 0.0
    raises: str = ""


def value(rng: Random) -> dict[str, Any]:
    """A value that fits, now and then."""
    return {
        "category": rng.choice(["urgent", "meeting", "other"]),
        "priority": rng.randint(1, 5),
        "score": rng.choice([0, 1.5, -3, 1e300]),
        "due": rng.choice(["2026-03-09", None]),
        "tags": rng.choice([[], ["a"], ["ü", "東京"]]),
    }


WRONG: dict[str, list[Any]] = {
    "category": ["Urgent", "", None, 1, ["urgent"], "urgent ", "urgent\u0000", True, {}, "urgent\n"],
    "priority": [0, 6, -1, "3", 3.5, None, True, [3], 10**4000, 1e400, float("nan"), -(2**70)],
    "score": ["0.5", None, True, float("inf"), float("-inf"), float("nan"), [], {}, "NaN"],
    "due": [
        "2026-02-30",
        "tomorrow",
        "",
        20260309,
        "2026-3-9",
        "2026-03-09T00:00:00Z",
        "09.03.2026",
        "２０２６-03-09",
        False,
    ],
    "tags": [None, "a,b", [1], [None], {"0": "a"}, [["a"]], ["\ud800"], True],
}
"""Values that no field admits; `1e400` is written as such, and is infinite once it is read."""


def wrong_value(rng: Random) -> Any:
    """A value with one mistake or several."""
    made: Any = value(rng)
    for _ in range(rng.randint(1, 2)):
        field_ = rng.choice(list(WRONG))
        match rng.randint(0, 9):
            case 0:
                made.pop(field_, None)
            case 1:
                made["extra"] = rng.choice([1, None, {"a": 1}])
            case 2:
                made[field_.upper()] = made.pop(field_, None)
            case _:
                made[field_] = rng.choice(WRONG[field_])
    if rng.random() < 0.1:
        made = rng.choice([[made], {"answer": made}, {"value": made}, json.dumps(made, ensure_ascii=True), None, 7, []])
    return made


def written(data: Any) -> str:
    """JSON as models write it: infinite and missing numbers as words or as numbers out of range."""
    return json.dumps(data).replace("Infinity", "1e999")


_TEXTS: dict[str, Callable[[Random], str]] = {
    "valid": lambda rng: written(value(rng)),
    "fenced": lambda rng: f"```json\n{written(value(rng))}\n```",
    "prose around": lambda rng: f"Sure! Here it is:\n{written(value(rng))}\nHope that helps.",
    "prose around wrong": lambda rng: (
        f"Sure! {{x}} Here:\n{written(wrong_value(rng))}\nOr: {written(wrong_value(rng))}"
    ),
    "wrong types": lambda rng: written(wrong_value(rng)),
    "wrong types, fenced": lambda rng: f"Well.\n```\n{written(wrong_value(rng))}\n```\n",
    "truncated": lambda rng: written(value(rng))[: rng.randint(0, 60)],
    "trailing comma": lambda rng: written(value(rng)).replace("}", ",}"),
    "single quotes": lambda rng: str(value(rng)),
    "comments": lambda rng: "{ // the answer\n" + written(value(rng))[1:],
    "twice": lambda rng: written(value(rng)) * 2,
    "key twice": lambda rng: written(value(rng))[:-1] + ', "priority": 99}',
    "mark": lambda rng: "\ufeff" + written(value(rng)),
    "deep list": lambda rng: "[" * rng.choice([50, 300, 900, 5000, 100_000]),
    "deep closed": lambda rng: '{"category": ' + "[" * (n := rng.choice([100, 260, 900])) + "]" * n + "}",
    "deep objects": lambda rng: '{"a":' * (n := rng.choice([100, 500, 3000])) + "1" + "}" * n,
    "nothing": lambda rng: rng.choice(["", " ", "\n\n", "\x00", "null", "{}", "[]", '""']),
    "prose": lambda rng: rng.choice(["I cannot do that.", "<html>502</html>", "data: [DONE]", "<|im_end|>"]),
    "noise": lambda rng: "".join(chr(rng.choice([rng.randint(0, 0x7F), rng.randint(0x80, 0xD7FF)])) for _ in range(60)),
    "half a character": lambda rng: written(value(rng)).replace("urgent", "\ud83d"),
    "escaped half": lambda rng: written({**value(rng), "tags": ["\udfff\ud800"]}),
    "terminal": lambda rng: "\x1b[2J\x1b]0;owned\x07" + written(value(rng)),
    "long number": lambda rng: written(value(rng)).replace(
        '"priority": ', '"priority": ' + "9" * rng.choice([20, 400, 5000])
    ),
    "exponent": lambda rng: written({**value(rng), "score": 1}).replace('"score": 1', '"score": 1e400'),
    "long": lambda rng: written({**value(rng), "tags": ["x" * rng.choice([1000, 50_000])]}),
    "long wrong": lambda rng: written({**value(rng), "category": "x" * rng.choice([1000, 50_000])}),
    "many keys": lambda rng: written({**value(rng), **{f"k{n}": n for n in range(3000)}}),
    "many blanks": lambda rng: " " * 20_000 + written(value(rng)) + "\n" * 20_000,
    "many braces": lambda rng: rng.choice(["{", "[{", '{"', "```json\n", "`", '\\"']) * 2000,
    "whole": lambda rng: written({**value(rng), "priority": float(rng.randint(1, 5))}),
    "answer in an object": lambda rng: written({"answer": value(rng)}),
    "wrong answer in an object": lambda rng: written({"answer": wrong_value(rng)}),
    "tool in words": lambda rng: written({"tool": wrong_name(rng), "arguments": arguments(rng)}),
    "tool in words, right": lambda rng: written({"tool": "desk_look", "arguments": {"day": rng.randint(1, 9)}}),
    "tool and answer": lambda rng: written({"tool": "desk_book", "arguments": arguments(rng), "answer": value(rng)}),
    "10 MB": lambda rng: written({**value(rng), "tags": ["x" * MEGABYTES_10]}),
    "10 MB of braces": lambda rng: "{" * MEGABYTES_10,
}
RARE = ("10 MB", "10 MB of braces")


def wrong_name(rng: Random) -> str:
    """A tool that is not there, or not under this name."""
    return rng.choice(
        [
            "desk.look",
            "desk_look ",
            "DESK_LOOK",
            "look",
            "",
            "desk_erase",
            "__class__",
            "../desk",
            "desk_look\n",
            "x" * 5000,
        ]
    )


def arguments(rng: Random) -> Any:
    """Arguments, seldom right."""
    slot = {"day": 1, "hour": 9}
    return rng.choice(
        [
            {"day": rng.choice([1, 0, 32, "1", None, 1.5, True, [1], 1e400, 10**30, 2.0])},
            {"slot": slot, "title": "x"},
            {"slot": {**slot, "hour": rng.choice([24, "9", None, -1])}, "title": "x"},
            {"slot": {**slot, "minute": 5}, "title": "x"},
            {"slot": [1, 9], "title": "x"},
            {"slot": slot, "title": rng.choice(["", "x" * 21, None, 5, "\ud800", "a\x00b"])},
            {"slot": slot, "title": "x", "guests": rng.choice([["a"], "a", [1], None, {"a": 1}])},
            {"slot": slot, "title": "x", "force": True},
            {},
            [],
            None,
            "day: 1",
            json.dumps({"day": 1}),
            {"day": {"day": {"day": 1}}},
            {"args": {"day": 1}},
        ]
    )


def _call(rng: Random, number: int) -> Call:
    name = rng.choice(["desk_look", "desk_book", "desk_look", "desk_book", wrong_name(rng)])
    text = rng.choice(
        [
            written(arguments(rng)),
            written(arguments(rng)),
            written(arguments(rng)),
            '{"day": 1',
            "",
            "{day: 1}",
            '{"day": 1}{"day": 2}',
            '{"day":' * 300 + "1" + "}" * 300,
            written({"day": "x" * 120_000}),
            '{"day": 1, "day": "two"}',
        ]
    )
    return Call(name, text, rng.choice([f"c{number}", "c1", "", "x" * 500, "ü"]))


def calls(rng: Random) -> Said:
    """A turn with tool calls, with text beside them now and then."""
    count = rng.choice([1, 1, 1, 2, 3, 40])
    made = tuple(_call(rng, number) for number in range(count))
    finish = rng.choice(["tool_calls", "tool_calls", "stop", "length"])
    return Said("calls", rng.choice(["", "", "Let me see.", written(value(rng))]), made, finish)


FAULTS = ("rate limit", "rate limit, told when", "unavailable", "timeout", "refused", "overflow", "defect", "stall")


def said(rng: Random, *, tools: bool) -> Said:
    """The next answer: mostly text with a mistake, with tools also calls, seldom a failure."""
    chance = rng.random()
    if chance < 0.04:
        fault = rng.choice(FAULTS[:-1])
        return Said(fault, raises=fault)
    if chance < 0.0405:
        return Said("stall", seconds=3600)
    if tools and chance < 0.45:
        return calls(rng)
    kind = rng.choice(list(_TEXTS))
    if kind in RARE and rng.random() > 0.005:
        kind = "valid"
    return Said(kind, _TEXTS[kind](rng), finish=rng.choice(["stop"] * 9 + ["length"]))
