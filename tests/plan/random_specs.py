"""Random valid specs over the fake backends, whose answers need repairs and whose tools fail now and then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

MODELS = {
    "echo": "fake/echo",
    "wrong": {"use": "fake/script", "answers": ["no", {"word": "a"}, "never", "still no", {"word": "b"}]},
    "unsure": {"use": "fake/echo", "confidence": 0.3},
    "steps": {"cascade": ["unsure", "wrong", "echo"], "accept": "confidence >= 0.8"},
    "ways": {"route": [{"when": "prompt | length > 20", "use": "steps"}, {"use": "echo"}]},
    "both": {"shadow": "echo", "with": "unsure"},
    "spare": {"fallback": ["wrong", "echo"]},
    "caller": {
        "use": "fake/script",
        "answers": [
            {"tool": "work_flaky", "arguments": {"text": "x"}},
            {"tool": "nothing", "arguments": {}},
            "broken",
            {"tool": "work_say", "arguments": {"text": "y"}},
            {"answer": "done"},
        ],
    },
    "planner": {
        "use": "fake/script",
        "answers": [
            {"steps": [{"id": "a", "tool": "work.flaky", "arguments": {"text": "x"}}]},
            "no plan",
            {
                "steps": [
                    {"id": "a", "tool": "work.say", "arguments": {"text": "x"}},
                    {"id": "b", "tool": "work.flaky", "arguments": {"text": {"from_step": "a"}}},
                ]
            },
        ],
    },
}
TYPED = {"word": "a | b"}


@st.composite
def nodes(draw: st.DrawFn, depth: int, earlier: Sequence[str]) -> dict[str, Any]:
    """One node, which may read the nodes before it."""
    leaves = ["lm", "lm", "typed", "sampled", "tool", "agency", "plan"]
    kind = draw(st.sampled_from([*leaves, "map", "loop", "switch", "machine"] if depth else leaves))
    made: dict[str, Any] = {}
    read = (
        f"${{{{ {draw(st.sampled_from(list(earlier)))} | default('') }}}}" if earlier and draw(st.booleans()) else "Hi."
    )
    model = st.sampled_from(["echo", "wrong", "unsure", "steps", "ways", "both", "spare"])
    if kind == "lm":
        made = {"lm": draw(model), "prompt": read}
    elif kind == "typed":
        made = {"lm": draw(model), "prompt": read, "output": TYPED, "repair": draw(st.integers(0, 2)), "max_tokens": 50}
    elif kind == "sampled":
        made = {"lm": draw(model), "prompt": read, "output": TYPED, "sample": draw(st.sampled_from(SAMPLES))}
    elif kind == "tool":
        made = {"tool": draw(st.sampled_from(["work.say", "work.flaky"])), "with": {"text": "x"}}
    elif kind == "agency":
        made = {
            "lm": "caller",
            "prompt": read,
            "tools": ["work.say", "work.flaky"],
            "max_turns": draw(st.integers(2, 6)),
        }
    elif kind == "plan":
        made = {"controller": "plan", "lm": "planner", "goal": read, "tools": ["work.say", "work.flaky"]}
        made |= {"max_steps": draw(st.integers(1, 3)), "replan": draw(st.integers(0, 2))}
    elif kind == "map":
        length = draw(st.integers(0, 4))
        made = {
            "controller": "map",
            "over": str(list(range(length))),
            "as": f"item{depth}",
            "nodes": draw(blocks(depth)),
        }
        made |= {"result": 1, "concurrency": draw(st.integers(1, 3)), "keep_going": draw(st.booleans())}
    elif kind == "loop":
        end = draw(st.sampled_from([{}, {"until": "loop.index == 1"}, {"while": "loop.index < 2"}]))
        made = {"controller": "loop", "max": draw(st.integers(1, 4)), "nodes": draw(blocks(depth)), "result": 1, **end}
    elif kind == "switch":
        cases = {word: {"nodes": draw(blocks(depth)), "result": 1} for word in "xy"}
        made = {"controller": "switch", "on": draw(st.sampled_from(["'x'", "'z'"])), "cases": cases}
    else:
        made = draw(machines(depth))
    if draw(st.booleans()):
        made["retry"] = {"times": draw(st.integers(1, 2)), "wait": "0s", "on": ["unavailable", "invalid"]}
    made["on_error"] = draw(st.sampled_from(["fail", "skip", "skip", {"value": None}]))
    if made["on_error"] == {"value": None}:
        made["on_error"] = "skip"
    if draw(st.integers(0, 4)) == 0:
        made["when"] = draw(st.sampled_from(["1 > 2", "2 > 1"]))
    return made


SAMPLES = [
    {"n": 3, "pick": "majority"},
    {"n": 2, "pick": "best", "judge": "echo"},
    {"n": 4, "pick": "first_valid", "check": "output.word == 'b'"},
]


@st.composite
def machines(draw: st.DrawFn, depth: int) -> dict[str, Any]:
    """A machine whose states lead on, or around in a circle."""
    inner = draw(blocks(depth))
    names = list(inner)
    ways: dict[str, Any] = dict(zip(names, [*names[1:], "end"], strict=True))
    if draw(st.booleans()):
        ways[names[-1]] = [{"when": "loop.index < 3", "to": names[0]}, {"to": "end"}]
    steps = draw(st.integers(1, 8))
    return {"controller": "machine", "start": names[0], "max_steps": steps, "nodes": inner, "next": ways, "result": 1}


@st.composite
def blocks(draw: st.DrawFn, depth: int) -> dict[str, Any]:
    """A few nodes."""
    made: dict[str, Any] = {}
    for number in range(draw(st.integers(1, 3))):
        made[f"n{depth}{number}"] = draw(nodes(depth - 1, list(made)))
    return made


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """A whole spec."""
    return {
        "agentspec": 1,
        "name": "random",
        "models": MODELS,
        "tools": {"work": "work"},
        "nodes": draw(blocks(2)),
        "result": 1,
    }
