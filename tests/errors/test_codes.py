"""Every code has a page, every page a code, and every code comes up when it should."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agentspec import runtime
from agentspec.api.codes import CODES
from agentspec.api.errors import AgentspecError, CallFailed, Exit
from agentspec.api.events import BlockCalled, Meta, RunStarted
from agentspec.kernel import StartStep, advance, new_state
from agentspec.nodes import Budgets
from agentspec.nodes.services import CallBlock
from agentspec.plan import check, compile_spec
from agentspec.registry import Registry
from agentspec.runtime import RunOptions, arun
from agentspec.runtime.driver import Driver
from agentspec.runtime.replay import Past
from agentspec.spec.diagnostics import Diagnostic, Severity, SpecInvalid
from agentspec.spec.parse import parse_file, parse_text

from ..docs.fences import HERE, Block, blocks
from .conftest import Command

PAGES = Path(__file__).parents[2] / "docs" / "errors"
WARNINGS = {"AS403", "AS410", "AS412", "AS413", "AS415"}
BLOCKS = [block for page in sorted(PAGES.glob("*.md")) for block in blocks(page) if block.language == "yaml"]
BAD = [block for block in BLOCKS if block.words == ("bad",)]
FAILS = [block for block in BLOCKS if block.words[:1] == ("fails",)]
GOOD = [block for block in BLOCKS if block.words == ()]
FRAGMENTS = [block for block in BLOCKS if block.words == ("fragment",)]


@dataclass(frozen=True)
class Run:
    """A run that fails: what stands in place of `answer:`, and what comes of it."""

    node: str
    model: str = "fake/echo"
    inputs: Mapping[str, Any] = field(default_factory=dict)
    offline: bool = False
    exit: Exit = Exit.RUN_FAILED

    @property
    def spec(self) -> str:
        head = "agentspec: 1\nname: odd\ninputs: {n: {type: integer, default: 0}, file: path | null}\n"
        return f"{head}models: {{small: {self.model}}}\ntools: {{odd: odd}}\nnodes:\n  answer: {self.node}\n"


def asked(model: str, **more: Any) -> Run:
    return Run("{lm: small, prompt: Say hello.}", model, **more)


RUNS = {
    "AS600": Run("{tool: odd.nameless}"),
    "AS601": Run("{tool: odd.refuse}"),
    "AS602": Run("{tool: odd.peek, with: {path: /etc/hostname}}"),
    "AS603": Run("{tool: odd.lie}"),
    "AS604": Run('{tool: odd.count, with: {number: "${{ (8 / inputs.n) | int }}"}}'),
    "AS605": Run("{tool: odd.sleep, with: {seconds: 30}, timeout: 20ms}"),
    "AS606": Run("{tool: odd.crash}"),
    "AS610": Run("{lm: small, prompt: Hello., when: inputs.n == 0}\nlimits: {lm_calls: 0}", exit=Exit.LIMIT_REACHED),
    "AS614": Run("{controller: code, call: odd.wander, nodes: {look: {tool: odd.refuse}}}"),
    "AS700": asked("odd/plain"),
    "AS701": asked("odd/silent", exit=Exit.MISSING),
    "AS702": asked("odd/gone", exit=Exit.MISSING),
    "AS703": asked("odd/torn", exit=Exit.MISSING),
    "AS704": asked("odd/narrow"),
    "AS705": asked("odd/busy"),
    "AS706": asked("odd/slow"),
    "AS707": asked("odd/strict"),
    "AS708": Run("{lm: small, prompt: Urgent?, output: {urgent: boolean}}", "odd/chatty"),
    "AS709": asked("odd/far", offline=True, exit=Exit.MISSING),
    "AS711": Run(
        "{lm: small, prompt: Hello., retry: {times: 5, wait: 1ms, on: [unavailable]}}", "odd/silent", exit=Exit.MISSING
    ),
}
JOURNAL = {"AS616", "AS617", "AS618", "AS620", "AS621", "AS622", "AS623", "AS624", "AS625"}
"""Codes of runs that are recorded and resumed; they come up in tests/cli/test_resume.py."""

FOLDERS: dict[str, dict[str, str]] = {
    "AS213": {"agent.yaml": "extends: 1.yaml\n", **{f"{at}.yaml": f"extends: {at + 1}.yaml\n" for at in range(1, 12)}},
    "AS214": {"agent.yaml": "include: a.yaml\n", "a.yaml": "limits: {usd: 1}\n"},
    "AS215": {"agent.yaml": "include: a.yaml\ntypes: {T: date}\n", "a.yaml": "types: {T: string}\n"},
}

FILES: dict[str, list[bytes]] = {
    "AS101": [b"agentspec: 1\nname: caf\xe9\n", b"\xff\xfea\x00g\x00", b"name: \xc3"],
    "AS102": [b"# " + b"x" * 1_000_000, b"\x00" * 10_000_000],
    "AS103": [b"name: 'never closed\n", b"name: {a: ${{ b }}}\n", b"\x00\x01\x02", b"a: b: c\n"],
    "AS104": [b"nodes:\n\tanswer: {}\n", b"nodes:\n  a:\n\tb: c\n"],
    "AS105": [b"name: a\nname: b\n", b"'name': a\nname: b\n"],
    "AS106": [
        b"a: &a [1,1,1,1,1,1,1,1,1,1]\n"
        + b"".join(b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 10)) for c in b"bcdefg"),
        b"a: &a {b: *a}\n",
        b"a: [" + b"1," * 100_001 + b"]\n",
    ],
    "AS107": [b"a: " + b"[" * 70 + b"]" * 70, b"[" * 100_000, b"a: " + b"{a: " * 70 + b"1" + b"}" * 70],
    "AS108": [b"", b"# nothing\n", b"- a\n", b"word\n", b"a: 1\n---\nb: 2\n"],
    "AS109": [b"a: !!python/object:os.system {}\n", b"a: {<<: {b: 1}}\n", b"a: .inf\n", b"? [a]\n: b\n"],
    "AS110": [],
}


def found_in(text: str) -> tuple[Diagnostic, ...]:
    try:
        return check(parse_text(text, "agent.yaml"), Registry()).diagnostics
    except SpecInvalid as error:
        return error.diagnostics


def needs_plugin_of_ours(block: Block) -> None:
    if "mail.read" in block.text or "tools: {mail: mail}" in block.text:
        pytest.importorskip("agentspec_office", reason="the example uses the plugin agentspec-office")


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_the_title_of_a_page_is_that_of_its_code(code: str) -> None:
    lines = (PAGES / f"{code}.md").read_text(encoding="utf-8").split("\n")
    assert lines[0] == f"# {code}: {CODES[code]}"
    assert any(line.startswith("**What to do.**") for line in lines)
    assert not lines[-1]
    assert max(map(len, lines)) <= 150


def test_every_block_is_of_a_known_kind() -> None:
    assert len(BAD) + len(FAILS) + len(GOOD) + len(FRAGMENTS) == len(BLOCKS)


@pytest.mark.parametrize("block", BAD, ids=str)
def test_a_bad_example_gives_the_code_of_its_page_at_the_marked_line(block: Block) -> None:
    needs_plugin_of_ours(block)
    found = found_in(block.text)
    assert [one.code for one in found] == [block.page.stem]
    assert found[0].span is not None
    assert found[0].span.line == block.marked_line
    assert (found[0].severity is Severity.WARNING) == (block.page.stem in WARNINGS)


@pytest.mark.parametrize("block", [*GOOD, *FAILS], ids=str)
def test_a_good_example_is_clean(block: Block) -> None:
    needs_plugin_of_ours(block)
    assert HERE not in block.text
    assert found_in(block.text) == ()


@pytest.mark.parametrize("block", BAD, ids=str)
def test_a_bad_example_is_followed_by_a_good_one(block: Block) -> None:
    assert any(good.page == block.page and good.line > block.line for good in GOOD)


@pytest.mark.parametrize("block", FAILS, ids=str)
def test_an_example_that_fails_gives_the_code_of_its_page(block: Block, agentspec: Command) -> None:
    needs_plugin_of_ours(block)
    Path("agent.yaml").write_text(block.text, encoding="utf-8")
    answer = agentspec("run", "agent.yaml", *(word for pair in block.words[1:] for word in ("-i", pair)))
    assert answer.code not in (Exit.OK, Exit.SPEC_INVALID)
    assert answer.err.count("error[") == 1
    assert f"error[{block.page.stem}]: " in answer.err


@pytest.mark.parametrize(("code", "run"), RUNS.items(), ids=list(RUNS))
def test_a_run_fails_with_the_code(code: str, run: Run, tmp_path: Path) -> None:
    registry = Registry()
    plan = compile_spec(parse_text(run.spec, folder=tmp_path), registry)
    outcome = asyncio.run(arun(plan, registry, run.inputs, RunOptions(outputs=tmp_path, offline=run.offline)))
    assert (outcome.status, outcome.result) == ("failed", None)
    assert outcome.failure is not None
    assert (outcome.failure.code, outcome.failure.path) == (code, "answer")
    assert outcome.failure.exit == run.exit
    assert outcome.failure.message


@pytest.mark.parametrize(
    ("code", "content"),
    [pytest.param(code, one, id=f"{code}-{at}") for code, files in FILES.items() for at, one in enumerate(files)],
)
def test_bytes_give_the_code(code: str, content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "agent.yaml"
    file.write_bytes(content)
    with pytest.raises(SpecInvalid) as caught:
        parse_file(file)
    assert caught.value.diagnostics[0].code == code


@pytest.mark.parametrize(("code", "files"), FOLDERS.items(), ids=list(FOLDERS))
def test_several_files_give_the_code(code: str, files: Mapping[str, str], tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(SpecInvalid) as caught:
        parse_file(tmp_path / "agent.yaml")
    assert [one.code for one in caught.value.diagnostics] == [code]


def test_an_env_file_that_cannot_be_read_gives_the_code(agentspec: Command) -> None:
    head = "agentspec: 1\nname: a\nnodes: {a: {lm: m, prompt: Hi.}}\n"
    text = head + 'models: {m: {use: fake/echo, file: "${{ env.A }}"}}\n'
    Path("agent.yaml").write_text(text, encoding="utf-8")
    Path(".env").write_text("A=1\ncanary\n", encoding="utf-8")
    answer = agentspec("run", "agent.yaml")
    assert (answer.code, answer.out) == (Exit.RUN_FAILED, "")
    assert "error[AS218]: " in answer.err
    assert ", line 2: " in answer.err
    assert "canary" not in answer.err


@pytest.mark.parametrize("path", ["nowhere.yaml", ".", "a\0b", "x" * 300])
def test_a_path_that_cannot_be_read_gives_the_code(path: str, tmp_path: Path) -> None:
    with pytest.raises(SpecInvalid) as caught:
        parse_file(tmp_path / path)
    assert [one.code for one in caught.value.diagnostics] == ["AS110"]


@pytest.mark.parametrize("use", ["broken", "clumsy"])
def test_a_plugin_that_cannot_be_used_gives_the_code_and_nothing_else(use: str, agentspec: Command) -> None:
    text = f"agentspec: 1\nname: a\ntools: {{t: {use}}}\nnodes: {{a: {{tool: t.go}}}}\n"
    assert [one.code for one in found_in(text)] == ["AS502"]
    Path("agent.yaml").write_text(text, encoding="utf-8")
    answer = agentspec("check", "agent.yaml")
    assert answer.code == Exit.MISSING
    assert "error[AS502]: plugin `" in answer.err


def test_an_interrupted_run_gives_the_code() -> None:
    registry = Registry()
    plan = compile_spec(parse_text(Run("{tool: odd.sleep, with: {seconds: 30}}").spec), registry)

    async def interrupted() -> Any:
        run = runtime.Run(plan, registry)
        asyncio.get_running_loop().call_later(0.05, run.cancel, "interrupted")
        return await run.execute({})

    outcome = asyncio.run(interrupted())
    assert outcome.status == "cancelled"
    assert (outcome.failure.code, outcome.failure.exit) == ("AS600", Exit.INTERRUPTED)


def test_ctrl_c_gives_the_code_and_exit_code_130(tmp_path: Path, odd_plugin: Path) -> None:
    (tmp_path / "agent.yaml").write_text(Run("{tool: odd.sleep, with: {seconds: 60}}").spec, encoding="utf-8")
    words = [sys.executable, "-m", "agentspec", "run", "agent.yaml", "--events", "-"]
    env = {**os.environ, "PYTHONPATH": str(odd_plugin), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        words, cwd=tmp_path, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "RunStarted" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == Exit.INTERRUPTED
        assert "error[AS600]: interrupted" in process.stderr.read()


def test_a_resumed_run_that_calls_something_else_gives_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentspec.runtime.recalls._LOST_S", 0.1)
    plan = compile_spec(parse_text(RUNS["AS614"].spec), Registry())
    past = Past(new_state(plan), Budgets(plan))
    advance(past.state, RunStarted("odd", {"n": 0, "file": None}))
    advance(past.state, BlockCalled("answer", 0, "look", {"args": {"turn": 1}}))

    async def calls_with_other_values(command: StartStep, call: CallBlock) -> tuple[Any, Meta]:
        if command.path != "answer":
            return "seen", Meta()
        await call(command.path, "look", {"args": {"turn": 2}})
        raise AssertionError("it has to be refused")

    ended = asyncio.run(Driver(plan, calls_with_other_values).resume(past))
    assert ended.failure is not None
    assert (ended.failure.code, ended.failure.path, ended.failure.fatal) == ("AS615", "answer", True)


def test_every_error_class_has_a_code_of_its_own() -> None:
    kinds = [AgentspecError]
    for kind in kinds:
        kinds += [child for child in kind.__subclasses__() if child.__module__ == AgentspecError.__module__]
    codes = [kind.code for kind in kinds if kind is not CallFailed]  # which has that of what failed
    assert len(set(codes)) == len(codes)
    assert set(codes) <= set(CODES)


def test_every_code_comes_up_in_a_case() -> None:
    pages = {block.page.stem for block in (*BAD, *FAILS)}
    assert pages | RUNS.keys() | FILES.keys() | FOLDERS.keys() | {"AS218", "AS502", "AS615"} | JOURNAL == set(CODES)
