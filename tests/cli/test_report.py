"""The table after a run is readable on terminals of any usual width."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from agentspec.cli.render.report import show_report
from agentspec.runtime.outcome import Outcome
from agentspec.runtime.record import NodeUse
from agentspec.runtime.usage import ModelUse


def outcome(cost: float) -> Outcome:
    tokens = {"tokens_in": 11_460, "tokens_out": 1_251, "tokens_cached": 735}
    model = ModelUse(calls=72, usd=cost, **tokens)  # type: ignore[arg-type]
    sort = NodeUse("each/sort", "LM", "LM", {"pocket/triage": model}, steps=72, seconds=18.45, confidence=61.2, sure=72)
    draft = NodeUse("each/act:meeting/draft", "T", "T2", steps=9, seconds=0.08)
    return Outcome("run", "inbox", "ok", None, None, (), (sort, draft), ("T1", *["LM", "C"] * 30), (), 2.6)


def shown(width: int, cost: float = 0.0) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    show_report(outcome(cost), console)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [80, 90, 100])
def test_no_name_is_folded_and_no_column_cut_off(width: int) -> None:
    lines = shown(width)
    assert max(map(len, lines)) <= width
    assert any(line.split()[:2] == ["each/act:meeting/draft", "T2"] for line in lines)
    [sort] = [line for line in lines if "each/sort" in line]
    assert sort.split()[-1] == "0.85"


def test_costs_are_left_out_for_room_only_when_there_are_none() -> None:
    assert "cost" in "\n".join(shown(100))
    assert "cost" not in "\n".join(shown(80))
    assert "$0.02" in "\n".join(shown(80, cost=0.02))
