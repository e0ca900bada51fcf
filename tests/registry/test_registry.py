"""Plugins: found by namespace, imported when named, kept apart."""

from __future__ import annotations

import sys
import textwrap
from importlib.metadata import EntryPoint

import pytest

from agentspec.api.errors import PluginBroken, PluginMissing
from agentspec.registry import Registry


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Write a plugin module; give its entry point."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made = []

    def write(name: str, code: str) -> EntryPoint:
        module = f"plugin_{name}_{tmp_path.name.replace('-', '_')}"
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(code), encoding="utf-8")
        made.append(module)
        return EntryPoint(name=name, value=module, group="agentspec")

    yield write
    for module in made:
        sys.modules.pop(module, None)


GOOD = """\
from agentspec.api import Toolset, hookimpl

weather = Toolset("weather")

@weather.tool(effect="read")
def forecast(city: str) -> str:
    '''Tell what tomorrow brings.'''
    return f"Sunny in {city}."

@hookimpl
def agentspec_register_tools():
    return [weather]
"""


def test_a_minimal_plugin_of_twelve_lines_is_found_and_typed(plugin):
    assert len(GOOD.splitlines()) <= 12
    toolset = Registry([plugin("weather", GOOD)]).toolset("weather")
    tool = toolset.tools["forecast"]
    assert tool.parameters["properties"] == {"city": {"type": "string"}}
    assert tool.returns == {"type": "string"}
    assert tool.description == "Tell what tomorrow brings."


def test_only_the_plugin_that_is_named_is_imported(plugin):
    points = [plugin("weather", GOOD), plugin("slow", "import nothing_of_this_name")]
    registry = Registry(points)
    assert set(registry.namespaces()) == {"weather", "slow"}
    registry.toolset("weather")
    assert points[1].value not in sys.modules


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError"),
        ("raise SystemError('at import')", "at import"),
        ("def broken(:", "SyntaxError"),
        (
            "from agentspec.api import hookimpl\n@hookimpl\ndef agentspec_register_tool():\n    return []\n",
            "agentspec_register_tool",
        ),
        ("from agentspec.api import hookimpl\n@hookimpl\ndef agentspec_register_tools():\n    return 3\n", "register"),
    ],
)
def test_a_broken_plugin_is_one_error_that_says_why_and_leaves_the_others_alone(plugin, code, said):
    registry = Registry([plugin("bad", code), plugin("weather", GOOD)])
    with pytest.raises(PluginBroken, match=said):
        registry.toolset("bad")
    assert registry.toolset("weather").name == "weather"


def test_a_namespace_that_two_claim_belongs_to_neither(plugin):
    registry = Registry([plugin("weather", GOOD), EntryPoint("weather", "other_module", "agentspec")])
    with pytest.raises(PluginBroken, match="claimed by"):
        registry.toolset("weather")


def test_a_missing_plugin_says_how_to_install_it():
    with pytest.raises(PluginMissing) as caught:
        Registry([]).backend("ollama/qwen3:4b")
    assert caught.value.hint == 'pip install "agentspec-slm[ollama]"'


def test_a_misspelt_namespace_and_a_misspelt_toolset_are_suggested(plugin):
    registry = Registry([plugin("weather", GOOD)])
    with pytest.raises(PluginMissing) as caught:
        registry.toolset("wether")
    assert caught.value.hint == "did you mean `weather`?"
    with pytest.raises(PluginMissing) as caught:
        registry.toolset("weather/wether")
    assert caught.value.hint == "did you mean `weather`?"


def test_the_core_brings_the_fake_backend_as_a_plugin_like_any_other():
    assert Registry().backend("fake/echo").models == ("echo", "script")
