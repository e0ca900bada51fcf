"""What expressions give."""

from __future__ import annotations

from typing import Any

import pytest

from agentspec.api.errors import AgentspecError, EvaluationFailed
from agentspec.spec.expressions import compile_expression, parse

DATA: dict[str, Any] = {
    "sort": {"category": "urgent", "score": 3, "due": None, "tags": ["b", "a"], "ok": True, "items": "field"},
    "rows": [{"n": 2, "ok": True, "of": {"x": "q"}}, {"n": 1, "ok": False, "of": {"x": "p"}}],
    "text": "Hello wide World",
    "empty": [],
    "nothing": None,
}


def value(text: str, **options: bool) -> Any:
    return compile_expression(parse(text, **options))(DATA.__getitem__)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("sort.category", "urgent"),
        ("rows[0].n", 2),
        ("rows[-1].n", 1),
        ("rows.1.n", 1),
        ("sort['category']", "urgent"),
        ("sort.items", "field"),
        ("rows", DATA["rows"]),
        ("text[0]", "H"),
        ("text[1:3]", "el"),
        ("sort.tags[::-1]", ["a", "b"]),
        ("sort.score + 1", 4),
        ("sort.score / 2", 1.5),
        ("sort.score // 2", 1),
        ("sort.score % 2", 1),
        ("-sort.score * 2", -6),
        ("'a' + 'b'", "ab"),
        ("[1] + [2]", [1, 2]),
        ("sort.category ~ 1 ~ none ~ true ~ [1, 'é']", 'urgent1true[1,"é"]'),
        ("sort.score > 2 and sort.category == 'urgent'", True),
        ("1 < sort.score <= 3", True),
        ("'a' in sort.tags", True),
        ("'category' in sort", True),
        ("'wide' not in text", False),
        ("not sort.ok", False),
        ("sort.due or 'later'", "later"),
        ("sort.absent or 'later'", "later"),
        ("sort.absent and 1", None),
        ("'yes' if sort.ok else 'no'", "yes"),
        ("'yes' if sort.due", None),
        ("1 if sort.absent else 2", 2),
        ("{'a': [sort.score], 'b': none}", {"a": [3], "b": None}),
        ("(1, 2)", [1, 2]),
        ("sort.due | default('next workday')", "next workday"),
        ("sort.absent.deep | default('x')", "x"),
        ("unknown | default('x')", "x"),
        ("unknown.field | d(none)", None),
        ("text | default('x')", "Hello wide World"),
        ("empty | default('x')", []),
        ("empty | default('x', true)", "x"),
        ("sort.due is none", True),
        ("sort.absent is none", True),
        ("sort.due is defined", False),
        ("sort.ok is defined", True),
        ("sort.absent == null", True),
        ("sort.due != null", False),
        ("sort.score is odd and 2 is even and 1 is lt 2", True),
        ("'a' is in sort.tags", True),
        ("[sort is mapping, rows is sequence, text is string, 1 is number, true is number, true is boolean]",
         [True, True, True, True, False, True]),
        ("text | length", 16),
        ("sort | count", 6),
        ("rows | map(attribute='n') | sum", 3),
        ("rows | sum(attribute='n')", 3),
        ("rows | map(attribute='of.x') | list", ["q", "p"]),
        ("rows | map(attribute='zz', default=0)", [0, 0]),
        ("sort.tags | map('upper')", ["B", "A"]),
        ("rows | selectattr('ok') | map(attribute='n')", [2]),
        ("rows | rejectattr('ok') | map(attribute='n')", [1]),
        ("rows | selectattr('n', 'gt', 1) | length", 1),
        ("[1, 2, 3] | select('odd')", [1, 3]),
        ("[0, 1, ''] | reject", [0, ""]),
        ("rows | sort(attribute='n') | map(attribute='n')", [1, 2]),
        ("sort.tags | sort | join(', ')", "a, b"),
        ("['b', 'A'] | sort", ["A", "b"]),
        ("[3, 1] | sort(reverse=true)", [3, 1]),
        ("['a', 'A', 'b'] | unique", ["a", "b"]),
        ("[{'a': 1}, {'a': 1}] | unique", [{"a": 1}]),
        ("[3, 1, 2] | min ~ [3, 1, 2] | max", "13"),
        ("empty | max", None),
        ("empty | first", None),
        ("rows | last", DATA["rows"][1]),
        ("'abc' | reverse", "cba"),
        ("rows | groupby('ok')", [[False, [DATA["rows"][1]]], [True, [DATA["rows"][0]]]]),
        ("{'a': 1} | items", [["a", 1]]),
        ("{'a': 1} | keys", ["a"]),
        ("{'a': 1} | values", [1]),
        ("text | upper", "HELLO WIDE WORLD"),
        ("'ab cd' | title", "Ab Cd"),
        ("'  x ' | trim", "x"),
        ("'--x-' | trim('-')", "x"),
        ("text | replace('wide', 'small')", "Hello small World"),
        ("'aaa' | replace('a', 'b', 2)", "bba"),
        ("'one two three four' | truncate(9)", "one..."),
        ("'one two three four' | truncate(9, true, '…')", "one two …"),
        ("'a,b' | split(',')", ["a", "b"]),
        ("'a  b' | split", ["a", "b"]),
        ("'a\\nb' | indent(2)", "a\n  b"),
        ("'aaa bbb' | wordwrap(3)", "aaa\nbbb"),
        ("'12' | int + 1", 13),
        ("'x' | int(7)", 7),
        ("'3.9' | int", 3),
        ("'1.5' | float", 1.5),
        ("2.567 | round(1)", 2.6),
        ("2.1 | round(0, 'ceil')", 3.0),
        ("-2 | abs", 2),
        ("12 | string", "12"),
        ("'ab' | list", ["a", "b"]),
        ("{'a': [1, null]} | tojson", '{"a":[1,null]}'),
        ("{'a': 1} | tojson(2)", '{\n  "a": 1\n}'),
    ],
)  # fmt: skip
def test_values_keep_their_type(text: str, result: Any) -> None:
    found = value(text, bare=True)
    assert found == result
    assert type(found) is type(result)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("no expression", "no expression"),
        ("a ${{ sort.category }} b", "a urgent b"),
        ("n=${{ sort.score }} null=${{ sort.due }} ok=${{ sort.ok }} tags=${{ sort.tags }}",
         'n=3 null= ok=true tags=["b","a"]'),
        ("${{ {'é': 1.5} }}!", '{"é":1.5}!'),
        ("a \n${{- sort.score -}}\n b", "a3b"),
        ("keeps its end ${{ sort.score }}\n", "keeps its end 3\n"),
        ('{"json": "${{ sort.category }}", "a": {"b": {}}}', '{"json": "urgent", "a": {"b": {}}}'),
    ],
)  # fmt: skip
def test_text_around_makes_a_text(text: str, result: str) -> None:
    assert value(text) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("{% if sort.ok %}yes{% else %}no{% endif %}", "yes"),
        ("{% if sort.due %}a{% elif text %}b{% endif %}", "b"),
        ("List:\n{% for row in rows %}\n- ${{ row.n }}\n{% endfor %}\nEnd", "List:\n- 2\n- 1\nEnd"),
        ("  {% if sort.ok %}\nx\n  {% endif %}\ny", "x\ny"),
        ("{% for x in empty %}x{% else %}none{% endfor %}", "none"),
        ("{% for k, v in {'a': 1} | items %}${{ k }}=${{ v }}{% endfor %}", "a=1"),
        ("{% for t in sort.tags %}${{ t }}${{ ',' if not loop.last }}{% endfor %}", "b,a"),
        ("{% for r in rows if r.ok %}${{ loop.index }}/${{ loop.length }}{% endfor %}", "1/1"),
        ("{% set x = 1 %}{% for r in rows %}{% set x = r.n %}${{ x }}{% endfor %}${{ x }}", "211"),
        ("{% if sort.ok %}{% set x = 5 %}{% endif %}${{ x }}", "5"),
        ("{% for a in rows %}{% for b in sort.tags %}${{ a.n ~ b }} {% endfor %}{% endfor %}", "2b 2a 1b 1a "),
        ("{% raw %}${{ not }} {% this %}{% endraw %}", "${{ not }} {% this %}"),
        ("x {%- if true -%} y {%- endif %}", "xy"),
        ("only ${{ sort.category }}", "only urgent"),
        ("{# no comment #}", "{# no comment #}"),
    ],
)
def test_statements(text: str, result: str) -> None:
    assert value(text, statements=True) == result


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("unknown", "`unknown` is not known here"),
        ("unknown + 1", "`unknown` is not known here"),
        ("sort.absent", "`sort` has no field `absent`"),
        ("sort.absent + 1", "`sort` has no field `absent`"),
        ("sort.due.day", "`sort.due` is null, so it has no field `day`"),
        ("sort.due.day + 1", "`sort.due` is null, so it has no field `day`"),
        ("rows[5]", "`rows` has no item 5"),
        ("rows[0].of.zz", "`rows[0].of` has no field `zz`"),
        ("text.upper", "`text` is a text, so it has no field `upper`"),
        ("sort.keys", "`sort` has no field `keys`"),
        ("rows.n", "`rows` has no field `n`"),
        ("sort.category > 3", "`>` cannot compare a text with a number"),
        ("sort.category + 3", "`+` cannot be used with a text and a number"),
        ("sort.category * 3", "`*` cannot be used with a text and a number"),
        ("1 / 0", "a number is divided by zero"),
        ("1 in nothing", "`in` cannot look into null"),
        ("nothing | length", "`length` needs a list, a text or an object, not null"),
        ("[1, 'a'] | sort", "`sort` cannot order values of different kinds"),
        ("rows | map(attribute='zz')", "an item has no `zz`"),
    ],
)
def test_what_cannot_be_done_is_said_without_the_data(text: str, message: str) -> None:
    with pytest.raises(EvaluationFailed) as caught:
        value(text, bare=True)
    assert caught.value.message == message
    assert caught.value.code == "AS604"


def test_what_a_tool_supplies_is_never_a_template() -> None:
    hostile = {"x": "${{ secret }} {% for %} {{ 7 * 7 }}", "secret": "s"}
    for text in ("${{ x }}", "a ${{ x }}", "{% if x %}${{ x }}{% endif %}", "${{ x | upper | lower }}"):
        assert "${{ secret }} {% for %} {{ 7 * 7 }}" in compile_expression(parse(text, statements=True))(
            hostile.__getitem__
        )


def test_errors_of_the_lookup_pass_unchanged() -> None:
    def lookup(name: str) -> Any:
        raise AgentspecError("a failure of its own")

    for text in ("a.b", "a.b | upper"):
        with pytest.raises(AgentspecError, match="of its own"):
            compile_expression(parse(text, bare=True))(lookup)


def test_data_is_handed_on_and_not_copied() -> None:
    assert value("rows", bare=True) is DATA["rows"]
    assert value("rows if true else 1", bare=True) is DATA["rows"]
