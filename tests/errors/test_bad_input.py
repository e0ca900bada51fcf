"""Bad specs through the real command line: exit code 3, every problem with its place, nothing run, no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from agentspec.api.errors import Exit

from .conftest import PLUGIN, Answer, Command

HEAD = "agentspec: 1\nname: bad\ninputs: {note: string}\nmodels: {small: fake/echo}\ntools: {odd: odd}\n"
RUNS_FIRST = "  first: {tool: odd.note, with: {name: ran.txt}}\n"
"""A node that would leave a file behind, if anything ran."""


def spec(nodes: str) -> str:
    return f"{HEAD}nodes:\n{RUNS_FIRST}{nodes}result: ${{{{ first }}}}\n"


BAD = {
    "misspelt key": ["AS201", spec("  a: {lm: small, prompt: Hello, «timout»: 5s}\n")],
    "misspelt key at the top": ["AS201", spec("  a: {lm: small, prompt: Hello}\n") + "«limit»: {lm_calls: 3}\n"],
    "undefined node": ["AS302", spec('  a: {lm: small, prompt: "${{ «frist» }}"}\n')],
    "undefined node behind after": ["AS302", spec("  a: {lm: small, prompt: Hello, after: [«frist»]}\n")],
    "undefined model": ["AS304", spec("  a: {lm: «smal», prompt: Hello}\n")],
    "undefined toolset": ["AS305", spec("  a: {tool: «od.count», with: {number: 1}}\n")],
    "undefined tool": ["AS305", spec("  a: {tool: «odd.cuont», with: {number: 1}}\n")],
    "undefined input": ["AS301", spec('  a: {lm: small, prompt: "${{ inputs.«nte» }}"}\n')],
    "unknown kind of node": ["AS204", spec("  a: {«lmm»: small, prompt: Hello}\n")],
    "no kind of node": ["AS204", spec("  «a»: {prompt: Hello}\n")],
    "unknown controller": ["AS209", spec("  a: {controller: «mapp», over: inputs.note, nodes: {}}\n")],
    "undefined field": [
        "AS301",
        spec(
            "  a: {lm: small, prompt: Hello, output: {word: string}}\n"
            '  b: {lm: small, prompt: "Say ${{ a.«wrd» | upper }}"}\n'
        ),
    ],
    "undefined field inside a block of text": [
        "AS301",
        spec(
            "  a: {lm: small, prompt: Hello, output: {word: string}}\n"
            "  b:\n    lm: small\n    prompt: |\n      First line.\n      Say ${{ a.«wrd» }}\n"
        ),
    ],
    "wrong type into a tool": ["AS308", spec("  a: {tool: odd.count, with: {number: «ten»}}\n")],
    "wrong type of a reference into a tool": [
        "AS308",
        spec('  a: {tool: odd.count, with: {number: «"${{ inputs.note }}"»}}\n'),
    ],
    "missing parameter of a tool": ["AS309", spec("  a: {tool: «odd.count», with: {}}\n")],
    "unknown parameter of a tool": ["AS309", spec("  a: {tool: odd.count, with: {number: 1, «numbr»: 2}}\n")],
    "unknown type": ["AS303", spec("  a: {lm: small, prompt: Hello, output: {word: «strng»}}\n")],
    "duplicate key": ["AS105", spec("  a: {lm: small, prompt: Hello, «prompt»: Bye}\n")],
    "cycle": [
        "AS401",
        spec(
            '  «a»: {tool: odd.note, with: {name: "${{ b }}"}}\n  b: {tool: odd.note, with: {name: "${{ a }}"}}\n',
        ),
    ],
    "node that waits for itself": ["AS401", spec("  «a»: {tool: odd.note, with: {name: x}, after: a}\n")],
    "call in an expression": ["AS306", spec('  a: {lm: small, prompt: "${{ inputs.note.«upper»() }}"}\n')],
    "unknown filter": ["AS307", spec('  a: {lm: small, prompt: "${{ inputs.note | «uper» }}"}\n')],
    "broken expression": ["AS300", spec("  a: {lm: small, prompt: Hello, when: inputs.note «=» 'a'}\n")],
    "tab as indentation": ["AS104", "agentspec: 1\nname: bad\nnodes:\n«\t»a: {lm: small, prompt: Hello}\n"],
    "another language": ["AS205", "«agentspec_version»: 25.4.1\nname: bad\n"],
    "another version": ["AS206", "agentspec: «2»\nname: bad\n"],
    "part of the language that does not run yet": ["AS207", spec("  a: {lm: small, prompt: x, «memory»: notes}\n")],
    "not closed": ["AS103", spec("  a: {lm: small, prompt: «'»Hello}\n")],
    "list at the top": ["AS108", "«-» agentspec: 1\n"],
}

BYTES: dict[str, tuple[str, bytes, str]] = {
    "alias bomb": (
        "AS106",
        b"a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + b"".join(b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 10)) for c in b"bcdefghi"),
        ":4:",
    ),
    "not UTF-8": ("AS101", b"agentspec: 1\nname: caf\xe9\n", ":2:10\n"),
    "10 MB": ("AS102", b"agentspec: 1\n# " + b"x" * 10_000_000, "\n"),
    "10 MB of nothing": ("AS102", b"\0" * 10_000_000, "\n"),
    "nested too deeply": ("AS107", b"a: " + b"[" * 100_000, ":1:"),
}


@dataclass(frozen=True)
class Marked:
    """A text without its mark, and the place where the mark was."""

    text: str
    line: int
    column: int


def unmarked(text: str) -> Marked:
    before = text[: text.index("«")]
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    return Marked(text.replace("«", "").replace("»", ""), line, column)


def refused(answer: Answer) -> bool:
    return answer.code == Exit.SPEC_INVALID and not answer.out and "Traceback" not in answer.err


@pytest.mark.parametrize(("code", "text"), BAD.values(), ids=list(BAD))
def test_check_refuses_and_says_where(code: str, text: str, agentspec: Command) -> None:
    marked = unmarked(text)
    Path("bad.yaml").write_text(marked.text, encoding="utf-8")
    answer = agentspec("check", "bad.yaml")
    assert refused(answer)
    errors = [line for line in answer.err.split("\n") if line.startswith("error[")]
    assert [line.partition("]")[0] for line in errors] == [f"error[{code}"]
    place = answer.err[answer.err.index(errors[0]) :].split("\n")[1].strip()
    assert place == f"--> bad.yaml:{marked.line}:{marked.column}"
    assert f"agentspec explain {code}" in answer.err


@pytest.mark.parametrize(("code", "text"), BAD.values(), ids=list(BAD))
def test_run_refuses_and_runs_nothing(code: str, text: str, agentspec: Command) -> None:
    Path("bad.yaml").write_text(unmarked(text).text, encoding="utf-8")
    answer = agentspec("run", "bad.yaml", "-i", "note=hi", "--events", "events.jsonl")
    assert refused(answer)
    assert f"error[{code}]: " in answer.err
    assert not Path("out").exists()
    assert not Path("events.jsonl").exists()


def test_the_good_spec_beside_the_bad_ones_runs(agentspec: Command) -> None:
    Path("good.yaml").write_text(spec(""), encoding="utf-8")
    answer = agentspec("run", "good.yaml", "-i", "note=hi", "--events", "events.jsonl")
    assert (answer.code, answer.out) == (0, "ran.txt\n")
    assert [path.name for path in Path("out").glob("*/*")] == ["ran.txt"]
    assert Path("events.jsonl").exists()


@pytest.mark.parametrize("command", ["check", "run", "plan", "graph"])
@pytest.mark.parametrize(("code", "content", "place"), BYTES.values(), ids=list(BYTES))
def test_hostile_files_are_refused_by_every_command(
    command: str, code: str, content: bytes, place: str, agentspec: Command
) -> None:
    Path("bad.yaml").write_bytes(content)
    answer = agentspec(command, "bad.yaml")
    assert refused(answer)
    assert answer.err.startswith(f"error[{code}]: ")
    assert f"--> bad.yaml{place}" in answer.err


def test_several_problems_are_all_reported_in_the_order_of_the_file(agentspec: Command) -> None:
    nodes = (
        '  a: {lm: smal, prompt: "${{ inputs.nte }} ${{ b.word | uper }}"}\n'
        "  b: {lm: small, prompt: Hello, output: {word: strng}}\n"
        "  c: {tool: odd.count, with: {number: ten}}\n"
        "  d: {tool: odd.nothing}\n"
        "  e: {tool: odd.note, with: {name: x}, after: [f]}\n"
    )
    Path("bad.yaml").write_text(spec(nodes), encoding="utf-8")
    answer = agentspec("check", "bad.yaml", "--format", "json")
    found = [(one["code"], one["line"]) for one in json.loads(answer.out) if one["severity"] == "error"]
    assert found == [
        ("AS304", 8),
        ("AS301", 8),
        ("AS307", 8),
        ("AS303", 9),
        ("AS308", 10),
        ("AS305", 11),
        ("AS302", 12),
    ]
    assert answer.code == Exit.SPEC_INVALID


def test_several_problems_of_shape_are_all_reported(agentspec: Command) -> None:
    text = "agentspec: 1\nnames: x\nmodels: {}\nnodes:\n  a: {}\n  b: {lm: x, tool: y}\n  c-d: {lm: x, promt: z}\n"
    Path("bad.yaml").write_text(text, encoding="utf-8")
    answer = agentspec("check", "bad.yaml")
    codes = [line[6:11] for line in answer.err.split("\n") if line.startswith("error[")]
    assert sorted(codes) == ["AS201", "AS201", "AS202", "AS204", "AS204", "AS208"]
    assert "6 errors" in answer.err
    assert answer.code == Exit.SPEC_INVALID


def test_several_files_are_all_reported(agentspec: Command) -> None:
    Path("one.yaml").write_text("- 1\n", encoding="utf-8")
    Path("two.yaml").write_text(spec(""), encoding="utf-8")
    answer = agentspec("check", "one.yaml", "two.yaml", "three.yaml")
    assert answer.code == Exit.SPEC_INVALID
    assert "error[AS108]" in answer.err
    assert "error[AS110]" in answer.err


def test_warnings_do_not_fail(agentspec: Command) -> None:
    Path("agent.yaml").write_text(spec("  idle: {lm: small, prompt: Hello}\n"), encoding="utf-8")
    checked = agentspec("check", "agent.yaml")
    assert checked.code == Exit.OK
    assert "warning[AS403]" in checked.err
    assert "1 warning" in checked.err
    ran = agentspec("run", "agent.yaml", "-i", "note=hi")
    assert (ran.code, ran.out) == (Exit.OK, "ran.txt\n")
    assert "warning[AS403]" in ran.err


def test_a_missing_plugin_is_told_apart_from_a_wrong_spec(agentspec: Command) -> None:
    Path("agent.yaml").write_text(spec("").replace("fake/echo", "nosuch/model"), encoding="utf-8")
    assert agentspec("check", "agent.yaml").code == Exit.MISSING
    Path("agent.yaml").write_text(spec("").replace("fake/echo", "nosuch/model, «", 1), encoding="utf-8")
    assert agentspec("check", "agent.yaml").code == Exit.SPEC_INVALID


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_process_of_its_own_says_the_same(command: str, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(unmarked(BAD["undefined field"][1]).text, encoding="utf-8")
    words = [sys.executable, "-m", "agentspec", command, "bad.yaml"]
    env = {**os.environ, "PYTHONPATH": str(PLUGIN), "NO_COLOR": "1"}
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert refused(Answer(done.returncode, done.stdout, done.stderr))
    assert "error[AS301]: `a` has no `wrd`" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["bad.yaml"]
