"""Hostile files: a spec or a `SpecInvalid`, in bounded time and memory. By hand with many more: `loader.py`."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ..corpus.expected import PLUGIN, good_specs
from .inputs import KINDS, inputs
from .loader import MEMORY_MB, run

COUNT = 2_000
SEED = 7


@pytest.fixture(autouse=True)
def desk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin that the specs use, on the path."""
    monkeypatch.syspath_prepend(str(PLUGIN))


def test_hostile_files_are_refused_or_checked_and_nothing_else(tmp_path: Path) -> None:
    report = run(COUNT, SEED, tmp_path)
    assert [f"{place}\n{crash.trace}\n{crash.content[:2_000]!r}" for place, crash in report.crashed.items()] == []
    assert report.slow == []
    assert report.memory_mb <= MEMORY_MB
    assert sum(report.outcomes.values()) == COUNT
    # Inputs that all fail at the door would test the door only.
    assert {"not loaded", "no spec", "wrong", "good"} <= report.outcomes.keys()


def test_the_same_seed_gives_the_same_files() -> None:
    specs = [path.read_bytes() for path in good_specs()[:5]]
    assert list(inputs(200, 3, specs)) == list(inputs(200, 3, specs))


@pytest.mark.parametrize("make", [make for _, make in KINDS], ids=lambda make: make.__name__)
def test_every_kind_of_file_comes_in_many_forms(make: object) -> None:
    specs = [path.read_bytes() for path in good_specs()[:5]]
    assert callable(make)
    assert len({make(random.Random(seed), specs) for seed in range(12)}) > 3
