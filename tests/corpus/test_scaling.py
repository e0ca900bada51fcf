"""A node costs the same in a small spec and in a large one. By hand with 10,000: `benchmarks/check_scaling.py`."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from agentspec.spec.text import loader, nodes

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "check_scaling.py"
SIZES = (400, 3_000)
RATIO = 1.5


@pytest.fixture(scope="module")
def scaling() -> ModuleType:
    """The benchmark."""
    made = importlib.util.spec_from_file_location("check_scaling", SCRIPT)
    assert made is not None
    assert made.loader is not None
    module = importlib.util.module_from_spec(made)
    made.loader.exec_module(module)
    return module


@pytest.mark.parametrize("shape", ["flat", "chain", "nested", "wide map"])
def test_a_node_costs_the_same_in_a_large_spec(shape: str, scaling: ModuleType) -> None:
    # Within the caps, so that it is what a user can have; the collector rests, since its work depends on the process.
    assert len(scaling.SHAPES[shape](SIZES[1])) < loader.MAX_BYTES
    assert scaling.fitting(scaling.SHAPES[shape], (loader.MAX_BYTES, nodes.MAX_NODES)) >= SIZES[1]
    small, large = scaling.best(scaling.SHAPES[shape], SIZES, 3, collect=False)
    assert large / small <= RATIO
