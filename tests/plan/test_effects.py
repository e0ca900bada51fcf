"""Text from outside that reaches a write without a person in between, and what counts as a person in between."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from agentspec.api import BackendFactory, Children, Toolset
from agentspec.plan import check
from agentspec.spec.diagnostics import Diagnostic, Severity
from agentspec.spec.parse import parse_file

from .conftest import SmallCatalogue, underlined

mail = Toolset("mail")


@mail.tool(effect="read")
def read(box: str = "") -> list[dict[str, str]]:
    """Read mails."""
    return []


@mail.tool(effect="read")
def count(box: str = "") -> int:
    """Count mails."""
    return 0


@mail.tool(effect="write")
def file(text: str = "", number: int = 0) -> str:
    """Keep a text."""
    return text


@mail.tool(effect="external")
def send(text: str = "", to: str = "") -> str:
    """Send a mail."""
    return text


@mail.controller()
async def free(children: Children) -> str:
    """Do as it likes."""
    return ""


class Catalogue(SmallCatalogue):
    def backend(self, use: str) -> BackendFactory:
        return super().backend("fake")

    def toolset(self, use: str) -> Toolset:
        return mail


HEAD = """\
agentspec: 1
name: test
inputs: {text: string, kind: a | b}
models: {m: fake/echo}
tools: {mail: mail}
"""
LM = "  w: {lm: m, prompt: Write., output: {text: string, kind: a | b, sure: boolean, day: date, n: integer}}\n"
ASK = "  ask: {controller: approve, show: '${{ w }}'}\n"
SEND = "tool: mail.send, with: {text: '${{ w.text }}'}"


@pytest.fixture
def found(tmp_path: Path):
    """Check the nodes of a spec, and other files beside it; give all problems but those of AS403 and AS404."""

    def run(nodes: str, top: str = "", **files: str) -> list[Diagnostic]:
        for name, text in files.items():
            (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
        (tmp_path / "agent.yaml").write_text(f"{HEAD}{top}nodes:\n{nodes}result: 1\n", encoding="utf-8")
        diagnostics = check(parse_file(tmp_path / "agent.yaml"), Catalogue()).diagnostics
        return [one for one in diagnostics if one.code not in ("AS403", "AS404")]

    return run


def told(problems: list[Diagnostic]) -> list[tuple[str, str]]:
    """Code and path of each problem."""
    return [(one.code, one.message.rpartition(": ")[2]) for one in problems]


@pytest.mark.parametrize(
    ("nodes", "path"),
    [
        (f"{LM}  s: {{{SEND}}}\n", "w (LM) -> s"),
        ("  r: {tool: mail.read}\n  s: {tool: mail.file, with: {text: '${{ r[0].x }}'}}\n", "r (mail.read) -> s"),
        ("  r: {tool: mail.send}\n  s: {tool: mail.file, with: {text: '${{ r }}'}}\n", "r (mail.send) -> s"),
        (
            "  r: {tool: mail.read}\n  w: {lm: m, prompt: '${{ r }}'}\n"
            "  s: {tool: mail.file, with: {text: '${{ w }}'}}\n",
            "r (mail.read) -> w (LM) -> s",
        ),
        (
            "  r: {tool: mail.read}\n"
            "  e: {controller: map, over: r, as: one, nodes: {s: {tool: mail.send, with: {text: '${{ one.x }}'}}}}\n",
            "r (mail.read) -> e -> e/s",
        ),
        (f"{LM}  s: {{tool: mail.send, when: w.text == 'x'}}\n", "w (LM) -> s"),
        (
            f"{LM}  act: {{controller: switch, on: w.text, cases: {{x: {{tool: mail.send}}}}}}\n",
            "w (LM) -> act -> act:x",
        ),
        (
            f"{LM}  act: {{controller: switch, cases: [{{when: w.text == 'x', tool: mail.send}}]}}\n",
            "w (LM) -> act -> act:1",
        ),
        (
            "  l: {controller: loop, max: 3, nodes: {s: {tool: mail.send, with: {text: \"${{ previous.w | default('')"
            ' }}"}}, w: {lm: m, prompt: Hi., after: s}}, result: 1}\n',
            "l/w (LM) -> l/s",
        ),
        (
            "  c: {controller: code, call: mail.free, nodes: {w: {lm: m, prompt: Hi.}, "
            "s: {tool: mail.send, with: {text: '${{ args.x }}'}}}}\n",
            "c/w (LM) -> c (args) -> c/s",
        ),
        (
            f"{LM}  d: {{controller: machine, start: a, max_steps: 3, nodes: {{a: {{lm: m, prompt: Hi.}}, "
            "s: {tool: mail.send, with: {text: \"${{ a | default('') }}\"}}}, next: {a: s, s: end}}\n",
            "d/a (LM) -> d/s",
        ),
    ],
)
def test_text_that_reaches_a_write_is_reported_with_its_path(found, nodes, path) -> None:
    problems = found(nodes)
    assert told(problems) == [("AS413", path)]
    assert problems[0].severity is Severity.WARNING
    assert problems[0].notes[0].text == "text from outside comes in here"


@pytest.mark.parametrize(
    "node",
    [
        "{tool: mail.send, with: {text: '${{ w.kind }}', to: '${{ w.day }}'}}",
        "{tool: mail.file, with: {number: '${{ w.n }}'}}",
        "{tool: mail.send, with: {text: '${{ inputs.text }}'}}",
        "{tool: mail.send, when: w.sure}",
        "{tool: mail.send, after: w}",
        "{controller: switch, on: w.kind, cases: {a: {tool: mail.send}, b: {result: 1}}}",
        "{tool: mail.read, with: {box: '${{ w.text }}'}}",
        "{lm: m, prompt: '${{ w.text }}'}",
    ],
)
def test_closed_types_inputs_and_reading_are_no_problem(found, node) -> None:
    assert found(f"{LM}  s: {node}\n") == []


@pytest.mark.parametrize(
    "guarded",
    [
        f"{ASK}  s: {{{SEND}, when: ask == 'approve'}}\n",
        f"{ASK}  s: {{controller: switch, on: ask, cases: {{approve: {{{SEND}}}, reject: {{result: 1}}}}}}\n",
        f"{ASK}  s: {{controller: switch, cases: [{{when: ask == 'approve', {SEND}}}]}}\n",
        f"{ASK}  s: {{controller: map, over: '[1]', when: ask == 'approve', nodes: {{t: {{{SEND}}}}}}}\n",
        "  d: {controller: machine, start: ask, max_steps: 3, nodes: {ask: {controller: approve, show: '${{ w }}'}, "
        f"s: {{{SEND}}}}}, next: {{ask: [{{when: ask == 'approve', to: s}}, {{to: end}}], s: end}}}}\n",
        "  q: {controller: loop, max: 2, until: ask == 'approve', nodes: {ask: {controller: approve, "
        f"show: '${{{{ w.text }}}}'}}}}, result: '${{{{ ask }}}}'}}\n  s: {{{SEND}, when: q == 'approve'}}\n",
    ],
)
def test_a_choice_that_decides_is_a_review(found, guarded) -> None:
    assert found(LM + guarded) == []


@pytest.mark.parametrize(
    "unguarded",
    [
        f"{ASK}  s: {{{SEND}, after: ask}}\n",
        f"  ask: {{controller: approve, show: Send?}}\n  s: {{{SEND}, when: ask == 'approve'}}\n",
        "  d: {controller: machine, start: ask, max_steps: 3, nodes: {ask: {controller: approve, show: '${{ w }}'}, "
        f"s: {{{SEND}}}}}, next: {{ask: s, s: end}}}}\n",
        "  d: {controller: machine, start: a, max_steps: 3, nodes: {a: {tool: mail.count}, ask: {controller: approve, "
        f"show: '${{{{ w }}}}'}}, s: {{{SEND}}}}}, "
        "next: {a: [{when: a > 3, to: s}, {to: ask}], ask: [{when: ask == 'approve', to: s}, {to: end}], s: end}}\n",
    ],
)
def test_a_question_that_does_not_decide_or_does_not_show_the_text_is_no_review(found, unguarded) -> None:
    [problem] = found(LM + unguarded)
    assert told([problem])[0][0] == "AS413"
    assert problem.message.count("w (LM) -> ") == 1


def test_where_one_of_two_approvals_leads_on_both_have_to_show_the_text(found) -> None:
    machine = (
        "  d: {controller: machine, start: a, max_steps: 3, nodes: {a: {tool: mail.count}, one: {controller: approve, "
        "show: '${{ w }}'}, two: {controller: approve, show: '%s'}, s: {" + SEND + "}}, next: "
        "{a: [{when: a > 3, to: one}, {to: two}], one: [{when: one == 'approve', to: s}, {to: end}], "
        "two: [{when: two == 'approve', to: s}, {to: end}], s: end}}\n"
    )
    assert found(LM + machine % "${{ w }}") == []
    assert told(found(LM + machine % "Send?")) == [("AS413", "w (LM) -> d/s")]


def test_a_state_that_is_only_the_start_is_decided_by_nothing(found) -> None:
    machine = (
        "  d: {controller: machine, start: s, max_steps: 3, nodes: {s: {tool: mail.send}, w: {lm: m, prompt: Hi.}, "
        "v: {tool: mail.count}}, next: {s: w, w: [{when: w == 'x', to: %s}, {to: v}], v: end}}\n"
    )
    assert found(machine % "end") == []
    assert told(found(machine % "s")) == [("AS413", "d/w (LM) -> d -> d/s")]


def test_what_goes_round_in_a_loop_comes_from_its_own_call(found) -> None:
    loop = (
        "  l: {controller: loop, max: 3, nodes: {s: {tool: mail.send, with: {text: "
        "\"${{ previous.s | default('') }}\"}}}, result: 1}\n"
    )
    assert told(found(loop)) == [("AS413", "l/s (mail.send) -> l/s")]


def test_what_is_written_after_the_review_is_not_reviewed(found) -> None:
    again = "  v: {lm: m, prompt: '${{ w.text }} ${{ ask }}'}\n"
    again += "  s: {tool: mail.send, with: {text: '${{ v }}'}, when: ask == 'approve'}\n"
    assert told(found(LM + ASK + again)) == [("AS413", "v (LM) -> s")]


def test_a_model_that_may_write_is_an_error(found) -> None:
    [problem] = found("  t: {lm: m, prompt: Hi., tools: [mail.read, mail.send], max_turns: 3}\n")
    assert (problem.code, problem.severity, underlined(problem)) == ("AS414", Severity.ERROR, "mail.send")
    [problem] = found("  t: {controller: plan, lm: m, goal: Hi., tools: ['mail.*'], max_steps: 3}\n")[:1]
    assert (problem.code, told([problem])) == ("AS414", [("AS414", "t (LM) -> t/mail.file")])


def test_a_plan_that_a_person_approves_may_write(found) -> None:
    assert found("  t: {controller: plan, lm: m, goal: Hi., tools: [mail.send], max_steps: 3, approve: true}\n") == []


def test_what_is_meant_can_be_allowed(found) -> None:
    talk = "  t: {lm: m, prompt: Hi., tools: [mail.send], max_turns: 3}\n"
    assert found(f"{LM}  s: {{{SEND}}}\n{talk}", "allow_unreviewed: mail.send\n") == []
    assert told(found(talk, "allow_unreviewed: [mail.file]\n"))[0] == (
        "AS415",
        "nothing calls `mail.file` in a way that needs to be allowed",
    )


def test_an_entry_for_what_is_reviewed_anyway_allows_nothing(found) -> None:
    problems = found(f"{LM}{ASK}  s: {{{SEND}, when: ask == 'approve'}}\n", "allow_unreviewed: mail.send\n")
    assert [(one.code, underlined(one)) for one in problems] == [("AS415", "mail.send")]


def test_an_entry_that_names_no_tool_is_corrected(found) -> None:
    problems = found(f"{LM}  s: {{{SEND}}}\n", "allow_unreviewed: [mail.sent, 'mail.*']\n")
    assert [(one.code, one.fix) for one in problems if one.code == "AS305"] == [("AS305", "mail.send"), ("AS305", None)]


SUB = HEAD.replace("name: test", "name: sub") + "%snodes:\n%sresult: %s\n"
WRITES = SUB % ("", "  s: {tool: mail.send, with: {text: '${{ inputs.text }}'}}\n", "1")


def test_text_is_followed_into_other_agents(found) -> None:
    call = "  c: {controller: agent, spec: sub.yaml, with: {text: '%s', kind: a}}\n"
    [problem] = found(LM + call % "${{ w.text }}", sub=WRITES)
    assert told([problem]) == [("AS413", "w (LM) -> c -> mail.send")]
    assert problem.source.name.endswith("agent.yaml")
    assert problem.notes[-1].source is not None
    assert problem.notes[-1].source.name.endswith("sub.yaml")
    assert found(LM + call % "${{ w.kind }}", sub=WRITES) == []


def test_each_file_answers_for_its_own_writes(found) -> None:
    call = LM + "  c: {controller: agent, spec: sub.yaml, with: {text: '${{ w.text }}', kind: a}}\n"
    allowing = WRITES.replace("nodes:", "allow_unreviewed: mail.send\nnodes:")
    assert found(call, sub=allowing) == []
    assert [one.code for one in found(call, "allow_unreviewed: mail.send\n", sub=WRITES)] == ["AS415", "AS413"]


def test_text_comes_out_of_other_agents(found) -> None:
    sub = SUB % ("", "  w: {lm: m, prompt: Hi.}\n", "${{ w }}")
    call = "  c: {controller: agent, spec: sub.yaml, with: {text: x, kind: a}}\n"
    send = "  s: {tool: mail.send, with: {text: '${{ c }}'}}\n"
    assert told(found(call + send, sub=sub)) == [("AS413", "c -> s")]
    assert found(call + send, sub=sub.replace("result: ${{ w }}", "result: ${{ inputs.text }}")) == []


def test_an_agent_may_ask_for_its_caller(found) -> None:
    sub = SUB % ("", "  ask: {controller: approve, show: '${{ inputs.text }}'}\n", "${{ ask }}")
    call = LM + "  c: {controller: agent, spec: sub.yaml, with: {text: '%s', kind: a}}\n"
    send = f"  s: {{{SEND}, when: c == 'approve'}}\n"
    assert found(call % "${{ w.text }}" + send, sub=sub) == []
    assert told(found(call % "Send?" + send, sub=sub)) == [("AS413", "w (LM) -> s")]


def test_an_agent_that_a_model_calls_may_not_write_either(found) -> None:
    talk = "  t: {lm: m, prompt: Hi., tools: [./sub.yaml], max_turns: 3}\n"
    [problem] = found(talk, sub=WRITES)
    assert told([problem]) == [("AS414", "t (LM) -> t/sub -> mail.send")]
    asking = SUB % (
        "",
        "  ask: {controller: approve, show: '${{ inputs.text }}'}\n"
        "  s: {tool: mail.send, with: {text: '${{ inputs.text }}'}, when: ask == 'approve'}\n",
        "1",
    )
    assert found(talk, sub=asking) == []


def test_an_agent_that_asks_by_itself_may_be_called_for_any_reason(found) -> None:
    sub = SUB % ("", "  ask: {controller: approve, show: Send?}\n  s: {tool: mail.send, when: ask == '%s'}\n", "1")
    call = LM + "  c: {controller: agent, spec: sub.yaml, with: {text: x, kind: a}, when: w.text == 'x'}\n"
    assert found(call, sub=sub % "approve") == []
    unasked = (sub % "approve").replace(", when: ask == 'approve'", "")
    assert told(found(call, sub=unasked)) == [("AS413", "w (LM) -> c -> mail.send")]


def test_text_is_followed_over_any_distance(found) -> None:
    chain = "".join(f"  n{at}: {{lm: m, prompt: '${{{{ n{at - 1} }}}}'}}\n" for at in range(1, 250))
    send = "  s: {tool: mail.send, with: {text: '${{ n249 }}'}}\n"
    sub = SUB % ("", f"  n0: {{lm: m, prompt: '${{{{ inputs.text }}}}'}}\n{chain}{send}", "1")
    call = LM + "  c: {controller: agent, spec: sub.yaml, with: {text: '${{ w.text }}', kind: a}}\n"
    assert [one.source.name.rpartition("/")[2] for one in found(call, sub=sub)] == ["agent.yaml", "sub.yaml"]


def test_hundreds_of_writes_are_looked_at_in_no_time(found) -> None:
    chain = "".join(f"  n{at}: {{lm: m, prompt: '${{{{ n{at - 1} }}}}'}}\n" for at in range(1, 200))
    writes = "".join(f"  s{at}: {{tool: mail.send, with: {{text: '${{{{ n{at % 200} }}}}'}}}}\n" for at in range(200))
    started = time.process_time()
    problems = found(f"  n0: {{lm: m, prompt: Hi.}}\n{chain}{writes}")
    assert len(problems) == 200
    assert time.process_time() - started < 10
