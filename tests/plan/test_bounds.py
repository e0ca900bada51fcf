"""What is proven of a plan: worst case, expectation and least of each kind of node."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from agentspec.api import BackendFactory, Options
from agentspec.plan import check, compile_spec
from agentspec.plan.proof.amounts import Amount, Range, Unknown, either, upper
from agentspec.plan.proof.bounds import Bounds, bounds_of
from agentspec.plan.proof.prices import price_book
from agentspec.spec.parse import parse_file, parse_text
from agentspec.spec.source import Source, Span

from .conftest import SmallCatalogue

HEAD = """\
agentspec: 1
name: test
inputs:
  word: string
  words: [string]
  few: {type: array, items: {type: string, maxLength: 5}, minItems: 1, maxItems: 4}
  kind: a | b
  on: boolean
types: {T: {word: a | b}}
models:
  m: fake/echo
  n: fake/echo
  dear: {use: litellm/openai/gpt-4.1-mini-2025-04-14, max_tokens: 1000}
  odd: {use: litellm/foo/bar, max_tokens: 10}
  steps: {cascade: [m, n, m], accept: confidence > 0.5}
  safe: {fallback: [m, n]}
  ways: {route: [{when: inputs.on, use: steps}, {use: m}]}
  watched: {shadow: m, with: n}
tools: {shop: shop}
"""


class Tokens(Options):
    max_tokens: int | None = None


class Backends(SmallCatalogue):
    """Has `fake`, and a `litellm` that nobody asks."""

    def backend(self, use: str) -> BackendFactory:
        return BackendFactory(use, lambda binding: None, Tokens) if use == "litellm" else super().backend(use)


def bounds(nodes: str, inputs: dict[str, object] | None = None) -> Bounds:
    text = nodes if nodes.startswith("nodes:\n") else f"nodes:\n  x: {nodes}\n"
    return bounds_of(compile_spec(parse_text(HEAD + text + "result: 1\n"), Backends()), inputs)


def shown(one: Range) -> tuple[float, str, str]:
    return one.least, str(one.expected), str(one.worst)


LM = "{lm: m, prompt: Hi.}"
TYPED = "{lm: m, prompt: Hi., output: T}"


@pytest.mark.parametrize(
    ("node", "calls", "steps"),
    [
        (LM, (1, "1", "1"), (1, "1", "1")),
        (TYPED, (1, "1", "2"), (1, "1", "1")),
        ("{lm: m, prompt: Hi., output: T, repair: 3}", (1, "1", "4"), (1, "1", "1")),
        ("{lm: m, prompt: Hi., repair: 3}", (1, "1", "1"), (1, "1", "1")),
        ("{lm: m, prompt: Hi., output: T, retry: 2}", (1, "1", "6"), (1, "1", "3")),
        ("{lm: m, prompt: Hi., when: inputs.on}", (0, "0.5", "1"), (0, "0.5", "1")),
        ("{lm: m, prompt: Hi., on_error: skip}", (0, "1", "1"), (0, "1", "1")),
        ("{lm: m, prompt: Hi., cache: true}", (0, "1", "1"), (0, "1", "1")),
        ("{lm: steps, prompt: Hi., output: T}", (1, "1.75", "6"), (1, "1", "1")),
        ("{lm: safe, prompt: Hi.}", (1, "1", "2"), (1, "1", "1")),
        ("{lm: ways, prompt: Hi.}", (1, "1.38", "3"), (1, "1", "1")),
        ("{lm: watched, prompt: Hi.}", (1, "2", "2"), (1, "1", "1")),
        ("{lm: m, prompt: Hi., output: T, sample: {n: 5, pick: majority}}", (3, "5", "10"), (1, "1", "1")),
        ("{lm: m, prompt: Hi., output: T, sample: {n: 5, pick: best, judge: n}}", (5, "6", "12"), (1, "1", "1")),
        ("{lm: m, prompt: Hi., sample: {n: 5, pick: first_valid, check: true}}", (1, "3", "5"), (1, "1", "1")),
        ("{tool: shop.find, with: {words: a}, retry: 2}", (0, "0", "0"), (1, "1", "3")),
        ("{tool: shop.buy, with: {item: a, count: 1}, retry: 2}", (0, "0", "0"), (1, "1", "1")),
        (f"{{controller: map, over: '[1, 2, 3]', nodes: {{y: {TYPED}}}}}", (3, "3", "6"), (3, "3", "3")),
        (f"{{controller: map, over: '[1, 2]', keep_going: true, nodes: {{y: {LM}}}}}", (0, "2", "2"), (0, "2", "2")),
        (f"{{controller: map, over: inputs.few, nodes: {{y: {LM}}}}}", (1, "2.50", "4"), (1, "2.50", "4")),
        (f"{{controller: map, over: 'inputs.words[:7]', nodes: {{y: {LM}}}}}", (0, "3.50", "7"), (0, "3.50", "7")),
        (f"{{controller: map, over: 'inputs.few[:9]', nodes: {{y: {LM}}}}}", (0, "4.50", "9"), (0, "4.50", "9")),
        (
            f"{{controller: map, over: inputs.words, nodes: {{y: {TYPED}, z: {LM}}}, result: 1}}",
            (0, "2·n(inputs.words)", "3·n(inputs.words)"),
            (0, "2·n(inputs.words)", "2·n(inputs.words)"),
        ),
        (f"{{controller: loop, max: 4, nodes: {{y: {LM}}}}}", (4, "4", "4"), (4, "4", "4")),
        (f"{{controller: loop, max: 4, until: inputs.on, nodes: {{y: {LM}}}}}", (1, "2.50", "4"), (1, "2.50", "4")),
        (f"{{controller: loop, max: 4, while: inputs.on, nodes: {{y: {LM}}}}}", (0, "2", "4"), (0, "2", "4")),
        (f"{{controller: switch, on: inputs.kind, cases: {{a: {TYPED}, b: {{result: 1}}}}}}", (0, "0.5", "2"), None),
        (f"{{controller: switch, on: inputs.word, cases: {{a: {LM}, b: {LM}}}}}", (0, "0.6667", "1"), None),
        (f"{{controller: switch, on: inputs.kind, cases: {{a: {TYPED}}}, default: {LM}}}", (1, "1", "2"), None),
        (
            f"{{controller: machine, start: a, max_steps: 9, nodes: {{a: {LM}, b: {TYPED}}}, next: {{a: b, b: end}}}}",
            (2, "2", "3"),
            (2, "2", "2"),
        ),
        (
            f"{{controller: machine, start: a, max_steps: 9, nodes: {{a: {LM}, b: {TYPED}}}, "
            "next: {a: b, b: [{when: inputs.on, to: a}, {to: end}]}}",
            (1, "5", "18"),
            (1, "5", "9"),
        ),
        (
            "{lm: m, prompt: Hi., tools: [shop.find], max_turns: 4}",
            (1, "2", "8"),
            (2, "4", f"{1 + 4 + 3 * 32}"),
        ),
        (
            "{controller: plan, lm: m, goal: Hi., tools: [shop.find], max_steps: 3, replan: 2}",
            (1, "1", "6"),
            (3, "4", f"{1 + 3 + 9}"),
        ),
        (
            "{controller: plan, lm: m, goal: Hi., tools: [shop.find], max_steps: 3, replan: 0, approve: true}",
            (1, "1", "2"),
            (4, "5", f"{1 + 1 + 1 + 3}"),
        ),
        ("{controller: approve, show: Hi.}", (0, "0", "0"), (1, "1", "1")),
    ],
)
def test_the_calls_and_steps_of_a_node(node, calls, steps) -> None:
    total = bounds(node).total
    assert shown(total.lm_calls) == calls
    assert steps is None or shown(total.steps) == steps


def test_an_unknown_length_has_a_name_a_reason_and_a_place() -> None:
    worst = bounds(f"{{controller: map, over: inputs.words, nodes: {{y: {LM}}}}}").total.lm_calls.worst
    assert worst.known is None
    [one] = worst.unknowns
    assert (one.name, one.reason) == ("n(inputs.words)", "the length of `inputs.words` is not known")
    assert one.span.line == HEAD.count("\n") + 2


def test_a_given_input_makes_a_length_known() -> None:
    node = f"{{controller: map, over: inputs.words, nodes: {{y: {LM}}}}}"
    assert bounds(node, {"words": ["a", "b"]}).total.lm_calls.worst.known == 2
    assert bounds(node, {"few": ["a", "b"]}).total.lm_calls.worst.known is None


def test_rows_are_what_nodes_use_in_a_whole_run() -> None:
    text = f"nodes:\n  e: {{controller: map, over: '[1, 2, 3]', nodes: {{y: {TYPED}}}}}\n  f: {LM}\n"
    rows = {row.path: (row.letter, str(row.visits.worst), str(row.cost.lm_calls.worst)) for row in bounds(text).rows()}
    assert rows == {"e": ("C", "1", "6"), "e/y": ("LM", "3", "6"), "f": ("LM", "1", "1")}


def test_a_chain_is_as_long_as_its_longest_way() -> None:
    text = "nodes:\n  a: {lm: m, prompt: Hi.}\n  b: {lm: m, prompt: '${{ a }}', output: T}\n  c: {lm: m, prompt: Hi.}\n"
    assert shown(bounds(text).total.chain) == (2, "2", "3")
    assert str(bounds(text).total.lm_calls.worst) == "4"
    joined = bounds(text + "  d: {lm: m, prompt: '${{ b }} ${{ c }}'}\n")
    assert str(joined.total.chain.worst) == "4"
    first = "nodes:\n  a: {lm: m, prompt: Hi., output: T}\n  b: {lm: m, prompt: Hi.}\n"
    assert str(bounds(first + "  c: {lm: m, prompt: '${{ a }} ${{ b }}'}\n").total.chain.worst) == "3"


def test_items_of_a_map_run_side_by_side() -> None:
    node = "{controller: map, over: '[1, 2, 3, 4, 5]', concurrency: %d, nodes: {y: {lm: m, prompt: Hi.}}}"
    assert [str(bounds(node % count).total.chain.worst) for count in (1, 2, 8)] == ["5", "3", "1"]


def test_timeouts_bound_the_time_where_every_step_has_one() -> None:
    timed = "{lm: m, prompt: Hi., timeout: 10s}"
    text = f"nodes:\n  a: {timed}\n  b: {{lm: m, prompt: '${{{{ a }}}}', timeout: 5s}}\n  c: {timed}\n"
    assert bounds(text).total.seconds.worst.known == 15
    assert bounds(text + f"  d: {LM}\n").total.seconds.worst.known is None


def test_tokens_are_bounded_by_bytes_and_max_tokens() -> None:
    total = bounds("{lm: m, prompt: 'Kind: ${{ inputs.kind }}', max_tokens: 7}").total
    assert (total.tokens_in.worst.known, total.tokens_out.worst.known) == (len("Kind: a") + 32, 7)
    assert total.tokens.worst.known == len("Kind: a") + 32 + 7


@pytest.mark.parametrize(
    ("prompt", "most"),
    [
        ("${{ inputs.few }}", 4 * (5 * 6 + 4) + 2),
        ("${{ inputs.on }}", 5),
        ("é", 2),
        ("${{ inputs.words }}", None),
        ("${{ inputs.kind | upper }}", None),
    ],
)
def test_a_prompt_is_as_long_as_the_types_in_it(prompt: str, most: int | None) -> None:
    known = bounds(f"{{lm: m, prompt: '{prompt}'}}").total.tokens_in.worst.known
    assert known == (None if most is None else most + 32)


def test_a_prompt_of_given_inputs_has_its_own_length() -> None:
    node = "{lm: m, prompt: '${{ inputs.words | first | upper }}'}"
    assert bounds(node, {"words": ["abc"]}).total.tokens_in.worst.known == 3 + 32


def test_a_repair_shows_everything_again() -> None:
    once = bounds("{lm: m, prompt: Hi., output: T, repair: 0, max_tokens: 7}").total.tokens_in.worst.known
    twice = bounds("{lm: m, prompt: Hi., output: T, repair: 1, max_tokens: 7}").total.tokens_in.worst.known
    assert twice > 2 * once + 7


def test_money_is_tokens_times_the_price_of_a_dated_model() -> None:
    total = bounds("{lm: dear, prompt: Hi.}").total
    assert total.usd.worst.known == pytest.approx((3 + 32) * 0.4e-6 + 1000 * 1.6e-6)
    assert bounds(LM).total.usd == Range()


def test_an_unknown_price_is_unknown_and_never_nothing() -> None:
    usd = bounds("{lm: odd, prompt: Hi., output: T}").total.usd
    assert (usd.least, str(usd.worst)) == (0, "2·usd(odd)")
    assert usd.worst.unknowns[0].reason == "the price of `litellm/foo/bar` is not known"
    assert price_book().price("litellm/foo/bar") is None


def test_an_agent_is_bounded_by_its_plan_and_its_own_limits(tmp_path: Path) -> None:
    (tmp_path / "sub.yaml").write_text(
        f"agentspec: 1\nname: sub\ninputs: {{w: [string]}}\nmodels: {{m: fake/echo}}\nlimits: {{lm_calls: 5}}\n"
        f"nodes: {{e: {{controller: map, over: inputs.w, nodes: {{y: {LM}}}}}}}\nresult: 1\n"
    )
    (tmp_path / "agent.yaml").write_text(
        "agentspec: 1\nname: top\nnodes: {s: {controller: agent, spec: sub.yaml, with: {w: [a]}}}\nresult: 1\n"
    )
    total = bounds_of(compile_spec(parse_file(tmp_path / "agent.yaml"), Backends())).total
    assert total.lm_calls.worst.known == 5
    assert str(total.steps.worst) == "n(inputs.w)"


def test_sums_and_products_of_unknowns() -> None:
    source, span = Source("s", ""), Span(1, 1, 1, 1)
    n, m = (Amount(0, {(Unknown(name, "", source, span),): 1}) for name in "nm")
    assert str(Amount(2) * n * m * Amount(3)) == "6·m·n"
    assert str(upper([Amount(2), n, n * Amount(4)])) == "2 + 4·n"
    assert str(upper([n * Amount(4), n, Amount(2)])) == "2 + 4·n"
    assert str(either([Range(0, n, n), Range(2, Amount(1), Amount(5))]).worst) == "5 + n"


def test_limits_are_compared_with_what_is_known(problems) -> None:
    spec = "limits: {%s}\nnodes:\n  a: {lm: m, prompt: Hi., output: Sorted}\n  b: {lm: m, prompt: Hi.}\nresult: 1"
    assert problems(spec % "lm_calls: 3, steps: 2") == [("AS403", "a"), ("AS403", "b")]
    assert ("AS410", "2") in problems(spec % "lm_calls: 2")
    assert ("AS411", "1") in problems(spec % "lm_calls: 1")
    assert ("AS411", "1") in problems(spec % "steps: 1")
    assert not {"AS410", "AS411"} & {code for code, _ in problems(spec % "tokens: 10")}


def test_a_worst_case_that_is_not_known_is_no_problem(problems) -> None:
    spec = "limits: {lm_calls: 1}\nnodes: {e: {controller: map, over: inputs.people, nodes: {y: {lm: m, prompt: Hi.}}}}"
    assert problems(spec) == []


def test_a_person_is_not_asked_without_end(problems) -> None:
    spec = "nodes: {e: {controller: map, over: '%s', nodes: {ask: {controller: approve, show: Hi.}}}}"
    assert problems(spec % "inputs.people") == [("AS412", "ask")]
    assert problems(spec % "inputs.people[:3]") == []


def test_a_question_in_another_agent_is_reported_once(tmp_path: Path) -> None:
    asks = "{controller: map, over: inputs.w, nodes: {ask: {controller: approve, show: Hi.}}, result: 1}"
    (tmp_path / "sub.yaml").write_text(
        f"agentspec: 1\nname: sub\ninputs: {{w: [string]}}\nnodes: {{e: {asks}}}\nresult: '${{{{ e }}}}'\n"
    )
    (tmp_path / "agent.yaml").write_text(
        "agentspec: 1\nname: top\ninputs: {w: [string]}\nnodes: {e: {controller: map, over: inputs.w, nodes: "
        "{s: {controller: agent, spec: sub.yaml, with: {w: [a]}}}}}\nresult: '${{ e }}'\n"
    )
    checked = check(parse_file(tmp_path / "agent.yaml"), Backends())
    assert [one.code for one in checked.diagnostics] == ["AS412"]


def test_thousands_of_nodes_are_bounded_in_no_time() -> None:
    nodes = {
        f"n{at}": {"lm": "m", "prompt": f"${{{{ n{at - 1} }}}}" if at else "Hi.", "output": {"w": "string"}}
        for at in range(2000)
    }
    spec = {"agentspec": 1, "name": "long", "models": {"m": "fake/echo"}, "nodes": nodes}
    plan = compile_spec(parse_text(json.dumps(spec)), Backends())
    started = time.process_time()
    assert bounds_of(plan).total.chain.worst.known == 4000
    assert time.process_time() - started < 2
