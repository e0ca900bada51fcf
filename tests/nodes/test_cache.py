"""`cache: true`: what is asked once is not asked again, as long as nothing that matters has changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from agentspec.api import Toolset
from agentspec.api.events import CallAnswered, StepSucceeded
from agentspec.nodes.cache import _MOST_FILES
from agentspec.runtime import Outcome
from agentspec.spec.diagnostics import SpecInvalid

from .voices import Choir, compiled, sung, sure

SPEC = """
inputs: {{who: {{type: string, default: Anna}}}}
models: {{a: {{use: say/a, tone: {tone}}}, b: say/b, m: {m}}}
nodes:
  ask: {{lm: {lm}, prompt: "{prompt}", cache: true{more}}}
"""
PLAIN = {"tone": "calm", "m": "say/b", "lm": "a", "prompt": "Hello ${{ inputs.who }}", "more": ""}


class Counter:
    """Answers that differ at every call, so that an answer that comes twice was not asked for twice."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = 0
        self.release = "1"

    def choir(self) -> Choir:
        async def speak(request: Any) -> Any:
            self.calls += 1
            return sure(str(self.calls), 0.5, usd=1.0)

        choir = Choir(a=speak, b=speak)
        choir.release = self.release
        return choir

    def run(self, inputs: dict[str, Any] | None = None, env: dict[str, str] | None = None, **changed: str) -> Outcome:
        text = SPEC.format(**{**PLAIN, **changed})
        return sung(text, self.choir(), inputs, self.folder, cache=self.folder / ".agentspec" / "cache", env=env or {})[
            0
        ]


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    return Counter(tmp_path)


def files(folder: Path) -> list[Path]:
    return sorted((folder / ".agentspec" / "cache").glob("*/*.json"))


def test_an_identical_call_of_another_run_is_not_made(counter: Counter) -> None:
    assert counter.run().result == "1"
    choir = counter.choir()
    text = SPEC.format(**PLAIN)
    outcome, heard = sung(text, choir, None, counter.folder, cache=counter.folder / ".agentspec" / "cache")
    assert (outcome.result, counter.calls, heard.of(CallAnswered)) == ("1", 1, [])
    meta = heard.of(StepSucceeded)[0].meta
    assert (meta.format, meta.model, meta.confidence, meta.usd, meta.calls) == (
        "cached",
        "say/a",
        pytest.approx(0.5),
        0,
        0,
    )
    assert outcome.nodes[0].formats == {"cached": 1}
    assert outcome.nodes[0].confidence == pytest.approx(0.5)


def test_without_a_folder_nothing_is_kept(counter: Counter) -> None:
    for result in ("1", "2"):
        assert sung(SPEC.format(**PLAIN), counter.choir(), None, counter.folder)[0].result == result
    assert not (counter.folder / ".agentspec").exists()


@pytest.mark.parametrize(
    "changed",
    [
        {"prompt": "Bye"},
        {"inputs": {"who": "Bert"}},
        {"tone": "loud"},
        {"lm": "b"},
        {"more": ", temperature: 1"},
        {"more": ", max_tokens: 5"},
        {"more": ", seed: 5"},
        {"more": ", stop: x"},
        {"more": ", system: Be short."},
        {"more": ", output: string"},
        {"more": ", examples: [{input: a, output: b}]"},
        {"more": ", sample: {n: 2, pick: majority}"},
    ],
)
def test_whatever_changes_the_question_makes_a_new_call(counter: Counter, changed: dict[str, Any]) -> None:
    counter.run()
    once = counter.calls
    counter.run(**changed)
    assert counter.calls > once
    twice = counter.calls
    counter.run()
    assert counter.calls == twice


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{cascade: [a, b], accept: confidence > 0.1}", "{cascade: [a, b], accept: confidence > 0.2}"),
        ("{fallback: [a, b]}", "{fallback: [b, a]}"),
        ("{fallback: [a, say/b]}", "{fallback: [a, {use: say/b, tone: odd}]}"),
        ("{split: {a: 1, b: 1}}", "{split: {a: 1, b: 2}}"),
        ("{shadow: a, with: b}", "{fallback: [a, b]}"),
    ],
)
def test_a_composite_counts_with_all_that_is_written_in_it(counter: Counter, one: str, other: str) -> None:
    counter.run(lm="m", m=one)
    before = counter.calls
    counter.run(lm="m", m=one)
    assert counter.calls == before
    counter.run(lm="m", m=other)
    assert counter.calls > before
    counter.run(lm="m", m=one, tone="loud")
    assert counter.calls > before + 1


def test_a_route_counts_with_the_inputs_that_it_may_choose_by(counter: Counter) -> None:
    route = "{route: [{when: inputs.who == 'Anna', use: a}, {use: b}]}"
    for who, calls in [("Anna", 1), ("Bert", 2), ("Anna", 2)]:
        counter.run(lm="m", m=route, prompt="Hello", inputs={"who": who})
        assert counter.calls == calls


def test_another_version_of_the_plugin_is_asked_anew(counter: Counter) -> None:
    counter.run()
    counter.release = "2"
    assert counter.run().result == "2"


def test_a_file_that_an_option_names_counts(counter: Counter) -> None:
    file = counter.folder / "words.txt"
    tone = "calm, file: words.txt"
    for text, result in [("one", "1"), ("one", "1"), ("three", "2"), ("three", "2")]:
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
        assert counter.run(tone=tone).result == result
    os.utime(file, ns=(1, 1))
    assert counter.run(tone=tone).result == "3"


def test_variables_count_and_secrets_do_not_and_are_nowhere_on_disk(counter: Counter) -> None:
    tone, key = "'${{ env.TONE }}'", "'${{ secrets.TONE }}'"
    assert counter.run(tone=tone, env={"TONE": "calm-123"}).result == "1"
    assert counter.run(tone=tone, env={"TONE": "loud-123"}).result == "2"
    assert counter.run(tone=key, env={"TONE": "s3cret-one"}).result == "3"
    assert counter.run(tone=key, env={"TONE": "s3cret-two"}).result == "3"
    for value in ("s3cret-one", "s3cret-two"):  # secret by its name
        assert counter.run(tone="'${{ env.TONE_KEY }}'", env={"TONE_KEY": value}).result == "4"
    written = [path for path in counter.folder.rglob("*") if path.is_file()]
    assert len(written) == 5
    assert not any("s3cret" in f"{path} {path.read_text(encoding='utf-8')}" for path in written)


def test_the_folder_is_left_alone_by_version_control(counter: Counter) -> None:
    counter.run()
    assert (counter.folder / ".agentspec" / ".gitignore").read_text(encoding="utf-8").startswith("*\n")
    assert (counter.folder / ".agentspec").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        "null",
        '{"value": "x"}',
        '{"value": 3, "confidence": 0.5, "model": "say/a"}',
        '{"value": "x", "confidence": "high", "model": "say/a"}',
        '{"value": "x", "confidence": null, "model": 4}',
        "[" * 100_000,
    ],
)
def test_what_is_damaged_or_does_not_fit_counts_as_not_there(counter: Counter, damage: str) -> None:
    counter.run()
    (file,) = files(counter.folder)
    file.write_text(damage, encoding="utf-8")
    assert counter.run().result == "2"
    assert json.loads(file.read_text(encoding="utf-8"))["value"] == "2"
    file.write_bytes(b"\xff\xfe")
    assert counter.run().result == "3"


def test_a_folder_that_cannot_be_written_to_is_no_failure(counter: Counter) -> None:
    (counter.folder / ".agentspec").write_text("in the way", encoding="utf-8")
    for result in ("1", "2"):
        assert counter.run().result == result


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give a folder away")
def test_results_in_the_folder_of_somebody_else_are_neither_taken_nor_added(counter: Counter) -> None:
    counter.run()
    os.chown(counter.folder / ".agentspec", 4321, -1)
    assert counter.run().result == "2"
    assert len(files(counter.folder)) == 1
    assert counter.run(prompt="Bye").result == "3"
    assert len(files(counter.folder)) == 1


def test_a_failure_is_not_kept(counter: Counter) -> None:
    for _ in range(2):
        assert counter.run(more=", output: {n: boolean}, repair: 0").status == "failed"
    assert counter.calls == 2
    assert files(counter.folder) == []


def test_an_answer_that_no_longer_passes_the_check_is_asked_for_anew(counter: Counter) -> None:
    def run(check: str) -> Any:
        return counter.run(more=f", sample: {{n: 3, pick: first_valid, check: {check}}}").result

    assert run("output == '2'") == "2"
    assert run("output != '1'") == "2"
    assert counter.calls == 2
    assert run("output == '4'") == "4"


def test_writers_at_the_same_time_leave_one_whole_result(counter: Counter) -> None:
    outcomes: list[Outcome] = []
    threads = [threading.Thread(target=lambda: outcomes.append(counter.run())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [outcome.status for outcome in outcomes] == ["ok"] * 8
    (file,) = files(counter.folder)
    assert json.loads(file.read_text(encoding="utf-8"))["value"] in {outcome.result for outcome in outcomes}
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    before = counter.calls
    counter.run()
    assert counter.calls == before


def test_items_of_a_map_and_visits_of_an_agent_share_results(counter: Counter) -> None:
    (counter.folder / "sub.yaml").write_text(
        "agentspec: 1\nname: sub\ninputs: {word: string}\nmodels: {a: say/a}\n"
        "nodes: {n: {lm: a, prompt: '${{ inputs.word }}', cache: true}}\n",
        encoding="utf-8",
    )
    text = """
    inputs: {words: [string]}
    nodes:
      each:
        controller: map
        over: inputs.words
        concurrency: 1
        nodes: {call: {controller: agent, spec: ./sub.yaml, with: {word: "${{ item }}"}}}
    """
    cache = counter.folder / "kept"
    words = {"words": ["a", "b", "a", "a"]}
    assert sung(text, counter.choir(), words, counter.folder, cache=cache)[0].result == ["1", "2", "1", "1"]
    assert sung(text, counter.choir(), words, counter.folder, cache=cache)[0].result == ["1", "2", "1", "1"]


def library(folder: Path) -> tuple[Choir, list[str]]:
    """Tools that read files; what they were asked."""
    shelf, asked = Toolset("shelf"), list[str]()

    @shelf.tool(effect="read")
    def read(path: Path | None = None, words: list[Path] = [], title: str = "") -> str:  # noqa: B006
        """Read a file."""
        asked.append(f"{path} {words} {title}")
        return str(len(asked))

    @shelf.tool(effect="write")
    def write(text: str) -> str:
        """Write something."""
        return text

    choir = Choir()
    choir.toolsets = {"shelf": shelf}
    return choir, asked


def test_a_tool_is_called_again_when_what_it_reads_has_changed(tmp_path: Path) -> None:
    choir, asked = library(tmp_path)
    text = "inputs: {p: path, title: string}\ntools: {s: shelf}\nnodes:\n  r: {tool: s.read, cache: true, with: {%s}}\n"
    (tmp_path / "book").write_text("one", encoding="utf-8")
    (tmp_path / "box").mkdir()

    def run(given: str = 'path: "${{ inputs.p }}"', path: str = "book", title: str = "") -> str:
        inputs = {"p": str(tmp_path / path), "title": title}
        return str(sung(text % given, choir, inputs, tmp_path, cache=tmp_path / "kept")[0].result)

    assert [run(), run(), len(asked)] == ["1", "1", 1]
    (tmp_path / "book").write_text("two words", encoding="utf-8")
    assert [run(), run()] == ["2", "2"]
    listed = 'words: ["${{ inputs.p }}"]'
    assert [run(listed), run(listed)] == ["3", "3"]
    (tmp_path / "book").write_text("three", encoding="utf-8")
    assert run(listed) == "4"
    assert [run(path="box"), run(path="box")] == ["5", "5"]
    (tmp_path / "box" / "inside").write_text("new", encoding="utf-8")
    assert run(path="box") == "6"
    assert [run('title: "${{ inputs.title }}"', title=title) for title in ("a", "b", "a")] == ["7", "8", "7"]


def test_a_folder_with_too_many_files_is_looked_at_by_the_tool_every_time(tmp_path: Path) -> None:
    choir, asked = library(tmp_path)
    (tmp_path / "box").mkdir()
    for number in range(_MOST_FILES):
        (tmp_path / "box" / str(number)).touch()
    text = "tools: {s: shelf}\nnodes:\n  r: {tool: s.read, cache: true, with: {path: box}}\n"
    for _ in range(2):
        sung(text, choir, None, tmp_path, cache=tmp_path / "kept")
    assert len(asked) == 2


@pytest.mark.parametrize(
    "node",
    ["{tool: s.write, cache: true, with: {text: x}}", "{lm: a, prompt: x, tools: s.read, max_turns: 2, cache: true}"],
)
def test_what_does_more_than_answer_cannot_be_cached(node: str, tmp_path: Path) -> None:
    choir, _ = library(tmp_path)
    with pytest.raises(SpecInvalid) as caught:
        compiled(f"models: {{a: say/a}}\ntools: {{s: shelf}}\nallow_unreviewed: s.write\nnodes:\n  n: {node}\n", choir)
    (found,) = caught.value.diagnostics
    assert found.code == "AS203"
    assert found.span is not None
    line = found.source.lines[found.span.line - 1]
    assert line[found.span.column - 1 : found.span.end_column - 1] == "cache"


def test_the_command_line_keeps_results_in_the_project_and_can_do_without(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "agent.yaml").write_text(
        "agentspec: 1\nname: kept\nmodels: {m: fake/echo}\nnodes:\n  ask: {lm: m, prompt: hello, cache: true}\n",
        encoding="utf-8",
    )

    def run(*more: str) -> int:
        words = [sys.executable, "-m", "agentspec", "run", "agent.yaml", "--json", *more]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
        return int(json.loads(done.stdout)["usage"]["lm_calls"])

    assert [run("--no-cache"), len(files(tmp_path))] == [1, 0]
    assert [run(), run(), len(files(tmp_path))] == [1, 0, 1]
    assert run("--no-cache") == 1
