"""What a model may take from a text, and what it may not: whatever it answers."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentspec.api import Reply, Request
from agentspec.api.backend import Capabilities
from agentspec.models.find_dates import find_dates, find_times
from agentspec.models.find_numbers import find_numbers
from agentspec.models.grounding import for_model, grounds_of
from agentspec.nodes.lm import read_grounded
from agentspec.plan.work import LmWork
from agentspec.runtime import Outcome
from agentspec.testing.fake import first_value

from .voices import Choir, compiled, sung

BODY = "Dear Anna,\n please pay  1,200.50 EUR by 9 March 2026.\nOr 15 % less on 2026-03-10T09:00:00Z. Bob"
HEAD = "inputs: {body: string | null, note: {type: string, default: ''}, sent: {type: date, default: 2026-03-04}}\n"


def node(output: str, prompt: str = "${{ inputs.body }}", more: str = "") -> str:
    return f"{HEAD}models: {{m: say/m}}\nnodes:\n  a: {{lm: m, prompt: '{prompt}', output: {output}{more}}}\n"


def asked(
    output: str, *answers: Any, prompt: str = "${{ inputs.body }}", more: str = "", body: str | None = BODY
) -> tuple[Outcome, Choir]:
    choir = Choir(m=list(answers))
    outcome, _ = sung(node(output, prompt, more), choir, {"body": body})
    return outcome, choir


def sent(choir: Choir, number: int = -1) -> Request:
    return choir.asked[number][1]


QUOTES = [("pay 1,200.50 EUR", "pay  1,200.50 EUR"), ("Anna, please", "Anna,\n please"), ("Bob", "Bob"), (BODY, BODY)]


@pytest.mark.parametrize("output", ["quote", "quote from inputs.body", "quote from inputs.body | null"])
@pytest.mark.parametrize(("answer", "given"), QUOTES)
def test_a_quote_is_given_on_as_it_stands_in_the_text(output: str, answer: str, given: str) -> None:
    outcome, choir = asked(output, json.dumps(answer))
    assert (outcome.status, outcome.result, len(choir.asked)) == ("ok", given, 1)


def test_a_model_is_told_which_passage_comes_nearest() -> None:
    outcome, choir = asked("{evidence: quote}", {"evidence": "Please pay 1200 EUR"}, {"evidence": "please pay"})
    assert outcome.result == {"evidence": "please pay"}
    told = sent(choir).messages[-1].content
    assert "`evidence` is not in the text, word for word; the nearest passage is «please pay 1,200.50 EUR»" in told
    assert "Dear" not in told.replace(BODY, "")


def test_a_quote_that_is_none_fails_in_the_end() -> None:
    outcome, choir = asked("[quote from inputs.body]", ["Bob", "bob"])
    assert outcome.failure is not None
    assert outcome.failure.code == "AS708"
    assert "`[1]` is not in `inputs.body`, word for word; the nearest passage is «Bob»" in outcome.failure.message
    assert len(choir.asked) == 2


@pytest.mark.parametrize(
    ("output", "candidates", "right", "given", "wrong"),
    [
        ("date from inputs.body", ["2026-03-09", "2026-03-10"], "2026-03-09", "2026-03-09", "2026-03-11"),
        (
            "datetime from inputs.body",
            ["2026-03-10T09:00:00Z"],
            "2026-03-10T10:00:00+01:00",
            "2026-03-10T09:00:00Z",
            "2026-03-10T09:00:01Z",
        ),
        ("number from inputs.body", [1200.5, 9, 2026, 15, 0.15, 3, 10], 15.0, 15, 1200),
        ("integer from inputs.body", [9, 2026, 15, 3, 10], 9, 9, 1200),
    ],
)
def test_what_is_found_in_the_text_is_the_choice(
    output: str, candidates: list[Any], right: Any, given: Any, wrong: Any
) -> None:
    outcome, choir = asked(f"{{x: {output} | null}}", {"x": wrong}, {"x": right})
    assert json.dumps(outcome.result) == json.dumps({"x": given})
    assert sent(choir).output is not None
    choice, null = sent(choir).output["properties"]["x"]["anyOf"]
    assert (choice["enum"][: len(candidates)], null) == (candidates, {"type": "null"})
    assert "x-from" not in json.dumps(sent(choir).output)
    told = sent(choir).messages[-1].content
    assert "`x` must be a " in told
    assert f"in `inputs.body`: {candidates[0]}" in told


def test_null_is_the_answer_where_nothing_is_found() -> None:
    output = "{due: date from inputs.body | null, sums: [number from inputs.body], words: quote | null}"
    outcome, choir = asked(output, {"sums": []}, body="Call me.")
    assert outcome.result == {"due": None, "sums": [], "words": None}
    fields = sent(choir).output["properties"]  # type: ignore[index]
    assert fields["due"] == {"type": "null"}
    assert fields["sums"] == {"type": "array", "items": {"type": "null"}, "maxItems": 0}
    for text in (None, "", " \n"):
        assert asked(output, {"sums": []}, body=text)[0].result == {"due": None, "sums": [], "words": None}


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("{due: date from inputs.body}", "there is no date in `inputs.body` for `due`"),
        ("{at: {when: datetime from inputs.body}}", "there is no time in `inputs.body` for `at.when`"),
        ("integer from inputs.body", "there is no whole number in `inputs.body` for it"),
        ("{x: string, y: quote}", "there is no text to quote for `y`"),
    ],
)
def test_no_model_is_asked_for_what_cannot_be_answered(output: str, words: str) -> None:
    outcome, choir = asked(output, {}, body=" " if "quote" in output else "Half: 0.5")
    assert outcome.failure is not None
    assert outcome.failure.code == "AS710"
    assert words in outcome.failure.message
    assert choir.asked == []
    assert (
        asked(output, {}, body=" ", more=", retry: {times: 3, wait: 1ms, on: [invalid]}, on_error: skip")[0].status
        == "ok"
    )


def test_a_list_of_what_cannot_be_answered_is_empty() -> None:
    outcome, choir = asked("[{day: date from inputs.body, all: string}]", [], body="never")
    assert outcome.result == []
    assert sent(choir).output["maxItems"] == 0  # type: ignore[index]


def test_a_date_without_a_year_is_read_by_the_date_that_the_prompt_reads() -> None:
    prompt = "${{ inputs.sent }} ${{ inputs.body }}"
    outcome, choir = asked("date from inputs.body", '"2026-03-05"', prompt=prompt, body="tomorrow, or 9 April")
    assert outcome.result == "2026-03-05"
    assert sent(choir).output["enum"] == ["2026-03-05", "2026-04-09"]  # type: ignore[index]
    assert str(asked("date from inputs.body", "1", body="tomorrow, or 9 April")[0].failure).count("AS710") == 1


def test_quotes_come_from_all_that_the_prompt_reads_and_from_nothing_else() -> None:
    prompt = "Say Hello. ${{ inputs.body | truncate(5) }}"
    for answer in ("Hello", "Anna, please", "Say Hello. Dear"):
        outcome, _ = asked("quote", json.dumps(answer), prompt=prompt)
        assert (outcome.status == "ok") == (answer == "Anna, please"), answer
    prompt = "{% for one in [inputs.note, inputs.body] %}${{ one }}{% endfor %}"
    assert asked("quote", '"please pay"', prompt=prompt)[0].result == "please pay"


def test_many_candidates_are_checked_and_not_listed() -> None:
    body = " ".join(str(number) for number in range(5000, 5300))
    outcome, choir = asked("integer from inputs.body", "12", "5299", body=body)
    assert outcome.result == 5299
    assert sent(choir).output == {"type": "integer"}


def test_only_models_that_are_held_to_a_grammar_get_the_texts() -> None:
    work = (
        compiled(node("{a: quote, b: [quote from inputs.body | null], x-quote: string}"), Choir()).block.nodes[0].work
    )
    assert isinstance(work, LmWork)
    grounds = grounds_of(work.output, work.grounding, {"inputs": {"body": BODY}}.__getitem__)
    assert grounds is not None
    request = grounds.put_to(Request((), work.output))
    assert request.texts == {"": (BODY,), "inputs.body": (BODY,)}
    assert request.output is not None
    fields = request.output["properties"]
    assert fields["a"] == {"type": "string", "x-quote": ""}
    assert fields["b"]["items"]["anyOf"][0] == {"type": "string", "x-quote": "inputs.body"}
    assert for_model(request, Capabilities("constrained")) is request
    for structured in ("native", "none"):
        plain = for_model(request, Capabilities(structured))  # type: ignore[arg-type]
        assert plain.texts == {}
        assert list(plain.output["properties"]) == ["a", "b", "x-quote"]  # type: ignore[index]
        assert plain.output["properties"]["a"] == {"type": "string"}  # type: ignore[index]
        assert '"x-quote": "' not in json.dumps(plain.output)


def test_nothing_is_looked_for_where_nothing_is_grounded() -> None:
    assert grounds_of({"type": "string"}, None, {}.__getitem__) is None
    work = compiled(node("{a: string}"), Choir()).block.nodes[0].work
    assert isinstance(work, LmWork)
    assert work.grounding is None


def test_a_default_is_no_choice() -> None:
    output = "{x: {type: date from inputs.body, default: 2020-01-01, description: The day.}}"
    outcome, choir = asked(output, {"x": "2020-01-01"}, {"x": "2026-03-10"})
    assert outcome.result == {"x": "2026-03-10"}
    field = sent(choir).output["properties"]["x"]  # type: ignore[index]
    assert (field["description"], "default" in field) == ("The day.", False)


def test_each_item_of_a_map_has_its_own_texts() -> None:
    text = """
    inputs: {bodies: [string]}
    models: {m: fake/echo}
    nodes:
      each:
        controller: map
        over: inputs.bodies
        as: body
        nodes: {a: {lm: m, prompt: "${{ body }}", output: {first: quote, sum: number from body | null, all: [Part]}}}
    types: {Part: {day: date from body}}
    """
    outcome, _ = sung(text, Choir(), {"bodies": ["Pay 5", "Send 2026-03-09"]})
    assert outcome.result == [{"first": "Pay", "sum": None, "all": []}, {"first": "Send", "sum": None, "all": []}]


def test_an_answer_after_calls_of_tools_is_held_too(tmp_path: Any) -> None:
    (tmp_path / "sub.yaml").write_text(
        "agentspec: 1\nname: sub\ninputs: {x: string}\nmodels: {s: fake/echo}\n"
        "nodes: {s: {lm: s, prompt: 'Echo ${{ inputs.x }}'}}\n",
        encoding="utf-8",
    )
    call = {"tool": "sub", "arguments": {"x": "Zebra"}}
    answers = [call, {"answer": {"q": "Zebra"}}, {"answer": {"q": "pay 1,200.50", "due": None}}]
    choir = Choir(m=answers)
    spec = node("{q: quote, due: date from inputs.body | null}", more=", tools: [./sub.yaml], max_turns: 3")
    outcome, _ = sung(spec, choir, {"body": BODY}, tmp_path)
    assert outcome.result == {"q": "pay  1,200.50", "due": None}
    assert "`q` is not in the text, word for word" in sent(choir).messages[-1].content
    assert "2026-03-10" in json.dumps(sent(choir).output)
    assert "x-quote" not in json.dumps(sent(choir).output)


def test_a_cascade_goes_on_when_a_quote_is_invented() -> None:
    text = node("quote", more=", repair: 0").replace("{m: say/m}", "{m: {cascade: [say/a, say/b], accept: true}}")
    choir = Choir(a=['"Zebra"'], b=['"Bob"'])
    outcome, _ = sung(text, choir, {"body": BODY})
    assert (outcome.result, choir.names) == ("Bob", ["a", "b"])


TEXTS = st.lists(
    st.sampled_from(
        [
            "pay",
            "Bob",
            "9 March 2026",
            "2026-03-10T09:00Z",
            "1,200",
            "15 %",
            "\n",
            "\u00a0",
            '"',
            "\\",
            "é",
            "12:30",
            "-4",
        ]
    )
    | st.text(max_size=5),
    max_size=12,
).map(" ".join)
STRANGE = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["2026-03-09", "2026-03-10T09:00:00Z", "2026-03-10T10:00:00+01:00", 1200, 1.2, 15, 0.15, 9])
)
OUTPUT = """{
  q: quote from inputs.body | null, w: quote | null, d: date from inputs.body | null,
  t: datetime from inputs.body | null, n: number from inputs.body | null, i: integer from inputs.body | null,
  l: [{q: quote from inputs.body, n: number from inputs.body}]}"""


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(body=TEXTS, data=st.data())
def test_whatever_a_model_answers_what_is_given_on_stands_in_the_text(body: str, data: st.DataObject) -> None:
    slices = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: body[min(pair) : max(pair)])
    value = STRANGE | slices
    near = st.fixed_dictionaries(
        {"l": st.lists(st.fixed_dictionaries({"q": slices, "n": value}), max_size=2)},
        optional={"q": slices, "w": slices, "d": value, "t": value, "n": value, "i": value},
    )
    far = st.dictionaries(st.sampled_from("qwdtnilz"), value | st.lists(value, max_size=2))
    answer = data.draw(near | far | value)
    grounds = grounds_of(WORK.output, WORK.grounding, {"inputs": {"body": body}}.__getitem__)
    read = read_grounded(Reply(json.dumps(answer)), WORK.output, grounds)
    if read.problems:
        return
    given = read.value
    quotes = [given["q"], given["w"], *(one["q"] for one in given["l"])]
    assert all(one is None or (one in body and one.strip()) for one in quotes)
    numbers = [given["n"], given["i"], *(one["n"] for one in given["l"])]
    assert all(one is None or (one in find_numbers(body) and math.isfinite(one)) for one in numbers)
    assert given["d"] in (None, *(one.isoformat() for one in find_dates(body)))
    assert given["t"] in (None, *(one.isoformat().replace("+00:00", "Z") for one in find_times(body)))


def _work() -> LmWork:
    work = compiled(node(OUTPUT.replace("\n", " ")), Choir()).block.nodes[0].work
    assert isinstance(work, LmWork)
    return work


WORK = _work()


@settings(max_examples=100, deadline=None, database=None)
@given(body=TEXTS)
def test_what_a_schema_offers_is_taken(body: str) -> None:
    grounds = grounds_of(WORK.output, WORK.grounding, {"inputs": {"body": body}}.__getitem__)
    assert grounds is not None
    request = grounds.put_to(Request((), WORK.output))
    assert request.output is not None
    fields = request.output["properties"]
    whole = {**request.output, "required": list(fields)}
    if "maxItems" not in fields["l"]:
        whole = {**whole, "properties": {**fields, "l": {**fields["l"], "minItems": 1}}}
    first = first_value(whole, request.texts)
    read = read_grounded(Reply(json.dumps(first)), WORK.output, grounds)
    assert read.problems == ()
    assert read.value == first


def test_a_kept_answer_is_not_taken_for_another_text(tmp_path: Any) -> None:
    text = node("quote", "${{ inputs.body[:4] }}", ", cache: true")
    for body, asked_for in (("Dear Anna", 1), ("Dear Anna", 0), ("Dear Bob", 1)):
        choir = Choir(m=[json.dumps(body)])
        outcome, _ = sung(text, choir, {"body": body}, tmp_path, cache=tmp_path / ".agentspec" / "cache")
        assert (outcome.result, len(choir.asked)) == (body, asked_for)


def test_how_another_node_ran_is_no_text_to_quote() -> None:
    text = (
        node("quote | null", "${{ meta.b.model }} ${{ inputs.body }}")
        + "  b: {lm: m, prompt: Hello}\nresult: ${{ a }}\n"
    )
    outcome, _ = sung(text, Choir(m=["Hello", '"say/m"', '"Bob"']), {"body": BODY})
    assert outcome.result == "Bob"


def test_of_very_many_wrong_quotes_a_few_are_told() -> None:
    grounds = grounds_of(WORK.output, WORK.grounding, {"inputs": {"body": BODY}}.__getitem__)
    reply = Reply(json.dumps({"l": [{"q": "bob", "n": 15}] * 5000}))
    assert len(read_grounded(reply, WORK.output, grounds).problems) == 10
