"""What agentspec sees of the plugin before a model is made."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from pydantic import ValidationError

from agentspec.api import BackendFactory
from agentspec_pocket import options
from agentspec_pocket.loaded import default_threads, physical_cores
from agentspec_pocket.locate import SHIPPED


def test_importing_the_plugin_imports_nothing_heavy() -> None:
    script = (
        "import sys, agentspec_pocket.plugin as p; p.agentspec_register_backends();"
        "print(sorted({'xllamacpp', 'orjson', 'jinja2', 'agentspec_pocket.backend'}"
        " & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_entry_point_is_the_namespace() -> None:
    found = [point for point in entry_points(group="agentspec") if point.name == "pocket"]
    if not found:
        pytest.skip("the distribution is not installed")
    assert found[0].value == "agentspec_pocket.plugin"


def test_shipped_models_are_offered_by_name(factory: BackendFactory) -> None:
    assert factory.name == "pocket"
    assert set(factory.models) == {path.stem for path in SHIPPED.glob("*.gguf")}


@pytest.mark.parametrize("wrong", [{"thread": 1}, {"threads": 0}, {"temperature": -1}, {"context": 3}])
def test_options_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        options.PocketOptions.model_validate(wrong)


def test_small_files_get_one_thread_and_large_ones_no_more_than_there_are() -> None:
    assert default_threads(2_000_000) == 1
    assert 1 <= default_threads(2_000_000_000) == physical_cores() <= (os.cpu_count() or 1)


def test_every_option_is_described_and_in_the_readme() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    for name, field in options.PocketOptions.model_fields.items():
        assert field.description
        assert f"| `{name}` |" in readme
