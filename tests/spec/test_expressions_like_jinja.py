"""Where Jinja's own sandbox gives a plain value, ours gives the same one.

Our evaluator is not Jinja's: this is what keeps the language Jinja's. Left out are the places where specs differ
on purpose: null inside text, `is defined`, booleans as numbers, JSON instead of Python's notation.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from agentspec.api.errors import EvaluationFailed
from agentspec.spec.expressions import check, compile_expression, parse

JINJA = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined,
    variable_start_string="${{",
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    comment_start_string="\0#",
    comment_end_string="#\0",
)
JINJA.filters["split"] = lambda value, sep=None: value.split(sep)
DATA: dict[str, Any] = {
    "a": {"b": "some text", "c": 3, "d": [3, 1, 2], "e": {"f": "x"}},
    "rows": [{"n": 2, "s": "B"}, {"n": 1, "s": "a"}, {"n": 3, "s": "b"}],
    "words": ["b", "A", "c", "B"],
    "s": "Hello, wide world",
}


def of_jinja(text: str) -> Any:
    """Jinja's value as JSON data; generators and tuples become lists."""
    result = JINJA.compile_expression(text, undefined_to_none=False)(**DATA)
    if hasattr(result, "__next__") or isinstance(result, (tuple, map)):
        result = list(result)
    return json.loads(json.dumps(result, allow_nan=False))


numbers = st.sampled_from(["1", "2", "7", "a.c", "rows[0].n", "2.5", "(a.d | first)"])
texts = st.sampled_from(["'x'", "s", "a.b", "a.e.f", "words[1]", "'two words'", "(rows | last).s", "s[2:5]"])
lists = st.sampled_from(["a.d", "words", "[1, 2]", "a.d[1:]", "words[::-1]", "['q']"])
tests_of_numbers = st.sampled_from(["odd", "even", "gt(1)", "le(2)", "eq(3)", "in(a.d)", "number", "string"])

number_filters = st.sampled_from(["abs", "int", "float", "round", "default(4)", "string | int"])
text_filters = st.sampled_from(
    ["upper", "lower", "title", "trim", "replace('o', '0')", "replace('l', 'L', 1)", "truncate(6)", "truncate(9, true)",
     "truncate(7, false, '…', 0)", "indent(2)", "indent(2, true)", "wordwrap(6)", "reverse", "string", "default('z')"]
)  # fmt: skip
list_filters = st.sampled_from(
    [
        "sort",
        "sort(reverse=true)",
        "unique | list",
        "reverse | list",
        "list",
        "default([])",
        "sort(case_sensitive=true)",
    ]
)
numeric = st.recursive(
    numbers,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner).map(lambda p: f"({' '.join(p)})"),
        st.tuples(inner, number_filters).map(lambda p: f"({p[0]} | {p[1]})"),
        inner.map(lambda p: f"(-{p})"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} > 2 else {p[2]})"),
        lists.map(lambda p: f"({p} | length)"),
    ),
    max_leaves=4,
)
textual = st.recursive(
    texts,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda p: f"({p[0]} ~ {p[1]})"),
        st.tuples(inner, text_filters).map(lambda p: f"({p[0]} | {p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]} or {p[1]})"),
        st.tuples(lists, inner).map(lambda p: f"({p[0]} | join({p[1]}))"),
    ),
    max_leaves=4,
)
listed = st.one_of(
    st.tuples(lists, list_filters).map(lambda p: f"({p[0]} | {p[1]})"),
    textual.map(lambda p: f"({p} | split(' '))"),
    st.tuples(lists, lists).map(lambda p: f"({p[0]} + {p[1]})"),
    st.sampled_from(["'odd'", "'even'", "'gt', 1", "'le', 2", "'number'"]).map(lambda p: f"(a.d | select({p}) | list)"),
    st.sampled_from(
        ["rows | map(attribute='n') | list", "rows | selectattr('n', 'gt', 1) | list", "rows | sort(attribute='s')",
         "rows | sort(attribute='n', reverse=true) | map(attribute='s') | list", "words | map('upper') | list",
         "rows | rejectattr('s', 'eq', 'a') | map(attribute='n') | list", "rows | groupby('s')",
         "words | select | list",
         "words | unique(case_sensitive=true) | list", "rows | unique(attribute='s') | list", "a.e | items | list",
         "rows | map(attribute='q', default=0) | list", "words | map('replace', 'b', 'z') | list"]
    ),
)  # fmt: skip
logical = st.one_of(
    st.tuples(numeric, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), numeric).map(" ".join),
    st.tuples(textual, st.sampled_from(["==", "!=", "<", "in", "not in"]), textual).map(" ".join),
    st.tuples(numeric, tests_of_numbers).map(" is ".join),
    st.tuples(textual, lists).map(" in ".join),
    st.tuples(numeric, numeric, numeric).map(lambda p: f"{p[0]} < {p[1]} <= {p[2]}"),
)
anything = st.one_of(
    numeric,
    textual,
    listed,
    logical,
    st.tuples(logical, logical).map(lambda p: f"({p[0]}) and not ({p[1]})"),
    lists.filter(lambda p: p != "['q']" and "words" not in p).map(lambda p: f"({p} | sum, {p} | min, {p} | max)"),
)


@settings(max_examples=250, deadline=1000)
@given(anything)
def test_values_are_those_of_jinja(text: str) -> None:
    try:
        wanted = of_jinja(text)
    except Exception:  # what Jinja cannot do, ours may refuse or do
        return
    expression, problems = check(text, bare=True)
    assert expression is not None, problems
    try:
        found = compile_expression(expression)(DATA.__getitem__)
    except EvaluationFailed as error:
        pytest.fail(f"{text}: Jinja gives {wanted!r}, we say: {error.message}")
    assert found == wanted
    assert type(found) is type(wanted)


statements = st.recursive(
    st.one_of(
        st.sampled_from(
            ["x", " ", "\n", "- ", "  ", "${{ s }}", "${{ a.c }}", "${{ y }}", "${{- a.b -}}", "${{ loop.index }}"]
        ),
        textual.map(lambda p: f"${{{{ {p} }}}}"),
        st.sampled_from(
            ["{% set y = 5 %}", "{%- set y = s -%}", "{% set y = a.c + 1 %}\n", "{% raw %} ${{ q }} {% endraw %}"]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map("".join),
        st.tuples(logical, inner, inner).map(lambda p: f"{{% if {p[0]} %}}{p[1]}{{% else %}}\n{p[2]}{{% endif %}}"),
        st.tuples(lists, inner).map(
            lambda p: f"  {{% for y in {p[0]} %}}\n{p[1]}${{{{ loop.last | int }}}}{{%- endfor %}}\n"
        ),
        inner.map(lambda p: f"{{% for y in a.d if y > 1 -%}}\n {p}{{% else %}}none{{% endfor +%}}\n"),
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=1000)
@given(statements)
def test_templates_are_those_of_jinja(text: str) -> None:
    try:
        wanted = JINJA.from_string(f".{text}").render(**DATA)
    except Exception:
        return
    expression, problems = check(f".{text}", statements=True)
    assert expression is not None, problems
    assert compile_expression(expression)(DATA.__getitem__) == wanted


def test_the_comparison_compares() -> None:
    assert of_jinja("rows | groupby('s')") == compile_expression(parse("rows | groupby('s')", bare=True))(
        DATA.__getitem__
    )
