"""Expressions cannot get out of their data, nor eat time or memory, whoever wrote them."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentspec.api.errors import EvaluationFailed
from agentspec.spec.expressions import ExpressionProblem, check, compile_expression, parse
from agentspec.spec.expressions.filters import FILTERS
from agentspec.spec.expressions.operators import TESTS
from agentspec.spec.expressions.values import MAX_TEXT

DATA: dict[str, Any] = {"a": {"b": "text", "c": [1, 2, {"d": None}]}, "xs": list(range(1000)), "s": "x" * 1000}

ESCAPES = [
    "''.__class__.__mro__[1].__subclasses__()",
    "a.__init__.__globals__",
    "a['__class__']",
    'a["__init__"]',
    "a | attr('__class__')",
    "[a] | map(attribute='__class__') | list",
    "[a] | map(attribute='b.__class__')",
    "[a] | map('attr', '__class__')",
    "[a] | map(attribute=b)",
    "[a] | selectattr('__class__')",
    "[a] | groupby('_x')",
    "[a] | sort(attribute='__len__')",
    "[a] | sum('__len__')",
    "_private",
    "a._private",
    "__builtins__",
    "self.__init__()",
    "self._TemplateReference__context",
    "cycler.__init__.__globals__.os.popen('id').read()",
    "lipsum.__globals__['os']",
    "namespace()",
    "joiner()",
    "range(10)",
    "dict(a=1)",
    "a.b.format(x)",
    "'{0.__class__}'.format(a)",
    "'%s' | format(a)",
    "a.c.append(1)",
    "a.keys()",
    "(a.b | upper)()",
    "a | xmlattr",
    "a | pprint",
    "a | safe",
    "a | random",
    "a | batch(2)",
    "a is callable",
    "a is sameas a",
    "a | default(*xs)",
    "a | join(**xs)",
    "2 ** 99999999",
    "'x' * 999999999",
    "[0] * 999999999",
    "caller()",
    "super()",
    "a | select('callable')",
    "a | reject('sameas', 1)",
    "a | map('tojson', 1, 2, 3)",
]


@pytest.mark.parametrize("text", ESCAPES)
def test_ways_out_are_refused_when_the_file_is_checked(text: str) -> None:
    expression, problems = check(text, bare=True)
    assert expression is None
    assert {problem.code for problem in problems} <= {"AS300", "AS306", "AS307"}


@pytest.mark.parametrize(
    "text",
    [
        "{% import 'os' as os %}",
        "{% from 'x' import y %}",
        "{% include 'x' %}",
        "{% extends 'x' %}",
        "{% block x %}{% endblock %}",
        "{% macro m() %}{% endmacro %}",
        "{% call a() %}{% endcall %}",
        "{% filter upper %}x{% endfilter %}",
        "{% with a = 1 %}{% endwith %}",
        "{% autoescape true %}{% endautoescape %}",
        "{% print(a) %}",
        "{% do a.append(1) %}",
        "{% set x %}y{% endset %}",
        "{% set a.b = 1 %}",
        "{% set a, b = 1, 2 %}",
        "{% set _x = 1 %}",
        "{% for _x in xs %}{% endfor %}",
        "{% for a.b in xs %}{% endfor %}",
        "{% for x in xs recursive %}${{ loop(x) }}{% endfor %}",
        "{% for x in xs %}{% break %}{% endfor %}",
    ],
)
def test_other_statements_are_refused(text: str) -> None:
    expression, problems = check(text, statements=True)
    assert expression is None
    assert problems


class Trap(dict[str, Any]):
    """An object with attributes that an expression must not see."""

    secret = "never"

    @property
    def loud(self) -> str:
        raise AssertionError("an expression looked at an attribute")


@pytest.mark.parametrize("text", ["x.secret", "x['secret']", "x.loud", "x.items", "[x] | map(attribute='secret')"])
def test_attributes_of_objects_do_not_exist(text: str) -> None:
    with pytest.raises(EvaluationFailed):
        compile_expression(parse(text, bare=True))({"x": Trap()}.__getitem__)


@pytest.mark.parametrize(
    "text",
    [
        "{% set x = s %}" + "{% set x = x ~ x %}" * 40,
        "{% set x = s %}" + "{% set x = x + x %}" * 40,
        "{% set x = [s] %}" + "{% set x = [x, x] %}" * 40 + "${{ x }}",
        "{% set x = [1] %}" + "{% set x = x + x %}" * 60,
        "{% set x = 9 %}" + "{% set x = x * x %}" * 60,
        "{% set x = {'a': s} %}" + "{% set x = {'a': x, 'b': x} %}" * 40 + "${{ x | tojson }}",
        "{% set x = [s] %}" + "{% set x = [x, x] %}" * 40 + "${{ x == [x] }}${{ x in [x, x] }}${{ x | string }}",
        "{% for a in xs %}{% for b in xs %}{% for c in xs %}{% endfor %}{% endfor %}{% endfor %}",
        "{% for a in xs %}{% for b in xs %}${{ s }}{% endfor %}{% endfor %}",
        "{% for a in xs %}${{ xs | sort | unique | join | length }}{% endfor %}",
        "{% for a in xs %}{% for b in xs %}{% if a in xs %}{% endif %}{% endfor %}{% endfor %}",
        "${{ s | replace('x', s) | replace('x', s) }}",
        "${{ xs | join(s) | replace('x', s) }}",
        "${{ s | indent(999999999) }}",
        "${{ a | tojson(999999999) }}",
        "${{ s | wordwrap(1) | replace('\\n', s) }}",
        "${{ 1.5 | round(999999999) }}",
        "${{ xs | map('string') | map('replace', '1', s) | join(s) }}",
    ],
)
def test_bombs_are_defused(text: str) -> None:
    expression, _ = check(text, statements=True)
    if expression is None:
        return
    begin = time.process_time()
    try:
        result = compile_expression(expression)(DATA.__getitem__)
    except EvaluationFailed as error:
        assert len(error.message) < 200  # noqa: PT017 - failing is one of two good outcomes
    else:
        assert len(result) <= MAX_TEXT
    assert time.process_time() - begin < 5


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "a",
        "[" * 20 + "a" + "]" * 20,
        "not " * 900 + "a",
        "-" * 900 + "1",
        "a" + ".b" * 450,
        "a" + " + 1" * 450,
        "a" + " | upper" * 400,
        "1 if a else " * 300 + "2",
        "a" + " and a" * 450,
        "a" + "[0]" * 300,
        "'" + "x" * 100_000 + "'",
        "{" * 5000,
    ],
)
def test_extreme_expressions_are_refused_or_evaluated(text: str) -> None:
    expression, problems = check(text, bare=True)
    assert (expression is None) == bool(problems)
    if expression is not None:
        with contextlib.suppress(EvaluationFailed):
            compile_expression(expression)(DATA.__getitem__)


@pytest.mark.parametrize(
    "text", ["${{ ' }} " * 30_001, "${{ a " * 50_000, "{% if a %}" * 3_000, "${{" * 100_000, "{%" * 100_000]
)
def test_long_broken_texts_end_quickly(text: str) -> None:
    begin = time.process_time()
    assert check(text, statements=True)[1]
    assert time.process_time() - begin < 5


words = st.sampled_from(
    [
        "a",
        "a.b",
        "a.c[2].d",
        "xs",
        "s",
        "zz",
        "1",
        "0",
        "-1",
        "2.5",
        "'x'",
        "true",
        "none",
        "null",
        "[1, 'b']",
        "{'k': a}",
    ]
)
operators = st.sampled_from(
    [
        " + ",
        " - ",
        " * ",
        " / ",
        " // ",
        " % ",
        " ~ ",
        " == ",
        " != ",
        " < ",
        " >= ",
        " in ",
        " not in ",
        " and ",
        " or ",
    ]
)


def combine(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    argument = st.sampled_from(
        ["", "()", "(1)", "('b')", "(attribute='b')", "(2, true)", "(xs)", "('upper')", "('odd')"]
    )
    return st.one_of(
        st.tuples(inner, operators, inner).map(lambda parts: f"({''.join(parts)})"),
        st.tuples(inner, st.sampled_from(sorted(FILTERS)), argument).map(lambda p: f"({p[0]} | {p[1]}{p[2]})"),
        st.tuples(inner, st.sampled_from(sorted(TESTS)), inner).map(lambda p: f"({p[0]} is {p[1]}({p[2]}))"),
        st.tuples(inner, st.sampled_from(sorted(TESTS))).map(lambda p: f"({p[0]} is not {p[1]})"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]})[{p[1]}]"),
        inner.map(lambda p: f"({p}).b"),
        inner.map(lambda p: f"not {p}"),
        st.tuples(inner, st.integers(-3, 3), st.integers(-3, 3)).map(lambda p: f"({p[0]})[{p[1]}:{p[2]}]"),
    )


expressions = st.recursive(words, combine, max_leaves=6)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**6) | st.floats(-1e300, 1e300) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcdk"), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=250, deadline=1000)
@given(expressions, st.dictionaries(st.sampled_from(["a", "xs", "s"]), json_values), st.booleans())
def test_accepted_expressions_give_json_or_fail_properly(text: str, data: dict[str, Any], inside: bool) -> None:
    expression, problems = check(f"x ${{{{ {text} }}}}" if inside else text, bare=not inside)
    assert (expression is None) == bool(problems)
    if expression is None:
        return
    before = json.dumps(data)
    try:
        result = compile_expression(expression)(data.__getitem__)
    except EvaluationFailed as error:
        assert len(error.message) < 200  # noqa: PT017 - failing is one of two good outcomes
    else:
        json.dumps(result, allow_nan=False)
        assert isinstance(result, str) or not inside
    assert json.dumps(data) == before


PIECES = "${{ }} {% %} -%} {%- if for in else endif endfor set raw endraw a .b ( ) [ ] { } | upper default = == ~ 1 é"
pieces = st.sampled_from([*PIECES.split(" "), " ", "\n", "'", '"', "\\"])


@settings(max_examples=250, deadline=1000)
@given(st.lists(pieces | st.text(max_size=3), max_size=25).map("".join), st.booleans(), st.booleans())
def test_any_text_is_an_expression_or_a_located_problem(text: str, bare: bool, statements: bool) -> None:
    expression, problems = check(text, bare=bare, statements=statements)
    assert (expression is None) == bool(problems)
    for problem in problems:
        assert problem.code in ("AS300", "AS306", "AS307")
        assert 0 <= problem.start <= problem.end <= len(text)
    if expression is None:
        with pytest.raises(ExpressionProblem):
            parse(text, bare=bare, statements=statements)
        return
    for reference in expression.references:
        assert text[reference.start : reference.end].strip("(").startswith(str(reference.path[0])[:1])
    assert expression.ast is None or expression.kind in ("value", "template")
    with contextlib.suppress(EvaluationFailed):
        compile_expression(expression)({"a": {"b": [1]}, "b": "x"}.__getitem__)
