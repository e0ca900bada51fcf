"""A context to call tools in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from office_tools import SAMPLES

from agentspec.api import ToolContext


@pytest.fixture
def context(tmp_path: Path) -> Callable[..., ToolContext]:
    """Make a context whose folder and outputs are temporary; the samples are among the inputs."""

    def make(options: Any = None, key: str = "") -> ToolContext:
        return ToolContext(options, tmp_path, tmp_path / "out", inputs=(SAMPLES,), key=key)

    return make
