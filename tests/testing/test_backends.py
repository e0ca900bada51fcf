"""The rules for backends: a good one keeps them all, each bad one breaks just its own."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agentspec.api import BackendFactory
from agentspec.testing.backends import RULES, BackendConformance, check_backend
from agentspec.testing.fake import agentspec_register_backends

from .backends import BAD, Good, made

[FAKE] = agentspec_register_backends()
OPTIONS = {"key": "sk-4711-hush"}


def test_rules_are_numbered_without_gaps() -> None:
    assert [rule.number for rule in RULES] == [f"B{number:02}" for number in range(1, len(RULES) + 1)]
    assert len({rule.sentence for rule in RULES}) == len(RULES) >= 20


class TestGood(BackendConformance):
    factory = made(Good)
    model = "good"
    options = OPTIONS


class TestEcho(BackendConformance):
    factory = FAKE
    model = "echo"


class TestScript(BackendConformance):
    factory = FAKE
    model = "script"
    options = {"answers": ["one two three four"]}  # noqa: RUF012


@pytest.mark.parametrize("name", BAD)
def test_a_bad_backend_breaks_just_its_rule(name: str) -> None:
    number, factory = BAD[name]
    found = check_backend(factory, "good", OPTIONS, rules=[rule for rule in RULES if rule.number != "B03"])
    assert {violation.rule for violation in found} == {number}, "\n".join(map(str, found))


def test_every_rule_is_broken_by_a_bad_backend() -> None:
    seeded = {number for number, _ in BAD.values()}
    assert {rule.number for rule in RULES} - seeded == {"B03"}  # see the next test


def test_a_plugin_that_imports_its_sdk_at_once_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sdk = tmp_path / "heavy_sdk"
    sdk.mkdir()
    names = [f"part_{number}" for number in range(80)]
    for name in names:
        (sdk / f"{name}.py").write_text("")
    (sdk / "__init__.py").write_text("\n".join(f"import heavy_sdk.{name}" for name in names))
    (tmp_path / "late_plugin.py").write_text("def create(binding):\n    import heavy_sdk\n")
    (tmp_path / "early_plugin.py").write_text("import heavy_sdk\ndef create(binding): ...\n")
    (tmp_path / "torn_plugin.py").write_text("def create(binding): ...\nimport nothing_of_this_name\n")
    monkeypatch.syspath_prepend(tmp_path)
    [light] = [rule for rule in RULES if rule.number == "B03"]

    def problems(module: str) -> list[str]:
        def create(binding: Any) -> Any:
            raise AssertionError

        create.__module__ = module
        return [violation.problem for violation in check_backend(made(create), "good", rules=[light])]

    assert problems("late_plugin") == []
    [early] = problems("early_plugin")
    assert early.startswith("`import early_plugin` loads 81 modules of heavy_sdk in ")
    [torn] = problems("torn_plugin")
    assert "No module named 'nothing_of_this_name'" in torn


def test_a_violation_names_rule_sentence_and_what_was_seen() -> None:
    [violation] = check_backend(BAD["a foreign exception"][1], "good")[:1]
    said = "B31: exceptions of other libraries never leave a backend: a schema with a pattern: KeyError: 'pattern'"
    assert str(violation) == said


def test_a_backend_that_never_answers_does_not_hold_up_the_rules() -> None:
    class Mute(Good):
        async def generate(self, request: Any) -> Any:
            await asyncio.sleep(3600)

    rules = [rule for rule in RULES if rule.number in ("B09", "B15")]
    started = time.monotonic()
    found = check_backend(made(Mute), "good", patience_s=0.2, rules=rules)
    assert [violation.rule for violation in found] == ["B09", "B15"]
    assert "longer than 0.2 s" in found[0].problem
    assert time.monotonic() - started < 10


def test_the_package_does_not_import_pytest() -> None:
    script = "import sys, agentspec.testing.backends; print('pytest' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_class_can_set_its_options_in_a_fixture(pytester_file: Path) -> None:
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", str(pytester_file)]
    done = subprocess.run(run, capture_output=True, text=True, check=False, cwd=pytester_file.parent)
    assert f"2 failed, {len(RULES) - 2} passed" in done.stdout, done.stdout
    assert "B19: the same request with the same seed gives the same answer: 'one two' and 'three four'" in done.stdout


@pytest.fixture
def pytester_file(tmp_path: Path) -> Path:
    path = tmp_path / "test_mine.py"
    path.write_text(
        "import pytest\n"
        "from agentspec.testing.backends import BackendConformance\n"
        "from agentspec.testing.fake import agentspec_register_backends\n"
        "class TestMine(BackendConformance):\n"
        "    [factory] = agentspec_register_backends()\n"
        "    model = 'script'\n"
        "    @pytest.fixture(autouse=True)\n"
        "    def server(self):\n"
        "        self.options = {'answers': ['one two', 'three four', 'five six']}\n"
    )
    return path


def test_the_page_for_plugin_authors_lists_the_rules() -> None:
    page = Path(__file__).parents[2] / "docs" / "plugins" / "backends.md"
    rows = re.findall(r"^\| `(B\d\d)` \| (.+) \|$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(rule.number, rule.sentence) for rule in RULES]


def test_the_type_of_a_factory_is_public() -> None:
    assert isinstance(made(Good), BackendFactory)
