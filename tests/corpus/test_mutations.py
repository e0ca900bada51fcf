"""One mistake in a good spec is seen, and on its line. By hand with many more: `benchmarks/mutations.py`."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from agentspec.registry import Registry
from agentspec.spec.text.loader import load, read

from .expected import PLUGIN, good_specs
from .mutate import Verdict, judge, mutate, mutations
from .places import places

COUNT = 1_000
SEED = 20
SHARE = 0.95


@pytest.fixture(autouse=True)
def desk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin that the specs use, on the path."""
    monkeypatch.syspath_prepend(str(PLUGIN))


def test_a_single_mistake_is_reported_on_its_line() -> None:
    registry = Registry()
    verdicts = [judge(one, registry) for one in mutations(good_specs(), COUNT, SEED)]
    missed = [one for one in verdicts if not one.seen]
    share = 1 - len(missed) / COUNT
    assert share >= SHARE, f"{share:.1%} of {COUNT}:\n" + "\n".join(str(one.mutation) for one in missed)


def test_every_good_spec_has_places_to_change() -> None:
    assert all(sum(1 for _ in places(load(read(path)))) >= 5 for path in good_specs())


def test_a_mutation_changes_one_line_or_the_value_that_begins_there() -> None:
    rng = random.Random(1)
    kinds: Counter[str] = Counter()
    for path in good_specs():
        document = load(read(path))
        for place in places(document):
            mutation = mutate(path, document, place, rng)
            if mutation is None:
                continue
            kinds[place.kind] += 1
            before, after = document.source.text.splitlines(), mutation.text.splitlines()
            assert before[: mutation.line - 1] == after[: mutation.line - 1]
            assert before[mutation.line - 1] != after[mutation.line - 1]
    assert {"key", "value", "name", "field", "input", "model", "tool", "parameter", "type", "filter", "word"} <= set(
        kinds
    )


def test_a_mistake_that_is_not_reported_does_not_count_as_seen() -> None:
    path = next(path for path in good_specs() if path.stem == "minimal")
    mutation = mutate(path, load(read(path)), next(places(load(read(path)))), random.Random(1))
    assert mutation is not None
    assert judge(mutation, Registry()).seen
    assert not Verdict(mutation, frozenset({mutation.line + 1})).seen
    assert Path(mutation.path) == path
