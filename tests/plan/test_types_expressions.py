"""The type of every kind of expression, and what is said where one cannot work."""

from __future__ import annotations

import time

import pytest

from agentspec.api.messages import Schema
from agentspec.plan.infer import TypeProblem, infer
from agentspec.plan.scope import Scope
from agentspec.plan.typing.filters import FILTERS as TYPED_FILTERS
from agentspec.plan.typing.narrowing import KINDS_OF_TESTS
from agentspec.plan.typing.operators import TESTS as TYPED_TESTS
from agentspec.spec.expressions import parse
from agentspec.spec.expressions.filters import FILTERS
from agentspec.spec.expressions.operators import TESTS
from agentspec.spec.types.shorthand import parse_type, show_type

MAIL = {"subject": "string", "kind": "a | b | c", "size": "integer", "due": "date | null", "sender": {"name": "string"}}
NAMES = {
    "title": "string",
    "count": "integer",
    "share": "number",
    "flag": "boolean",
    "day": "date | null",
    "kind": "urgent | meeting | other",
    "mails": [MAIL],
    "words": ["string"],
    "deep": {"a": {"b": "integer | null"}},
    "open": {"type": "object"},
    "texts": {"type": "object", "additionalProperties": {"type": "string"}},
    "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "minItems": 2, "maxItems": 2},
}


def typed(value: object) -> Schema:
    return parse_type(value, {})  # type: ignore[arg-type]


SHAPES = {
    "anyOf": [
        typed({"shape": {"const": "circle"}, "radius": "number"}),
        typed({"shape": {"const": "square"}, "side": "integer"}),
    ]
}
SCOPE = Scope(
    nodes={"draft": typed("string"), "steps": typed({"n": "integer"})},
    variables={
        **{name: typed(of) for name, of in NAMES.items()},
        "shape": SHAPES,
        "maybe": {"anyOf": [typed({"a": {"b": "integer | null"}}), {"type": "null"}]},
    },
    skippable={"draft", "steps"},
)


def check(text: str) -> tuple[str, list[TypeProblem]]:
    bare = "${{" not in text
    schema, found = infer(parse(text, bare=bare, statements=not bare), SCOPE)
    return show_type(schema), found


def test_every_filter_and_test_of_the_whitelist_has_a_type() -> None:
    assert TYPED_FILTERS.keys() == FILTERS.keys()
    assert TYPED_TESTS.keys() == TESTS.keys()
    assert KINDS_OF_TESTS.keys() <= TESTS.keys()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("'x'", "x"),
        ("count + 1", "integer"),
        ("count / 2", "number"),
        ("count * share", "number"),
        ("title + 'x'", "string"),
        ("words + ['x']", "[string]"),
        ("title ~ count", "string"),
        ("not title", "boolean"),
        ("count > 3", "boolean"),
        ("-count", "integer"),
        ("-1", "-1"),
        ("flag and title", "false | string"),
        ("title or count", "string | integer"),
        ("day or 'none'", "date | none"),
        ("day and count", "null | integer"),
        ("title if flag else count", "string | integer"),
        ("title if flag", "string | null"),
        ("'a' if flag else 'b'", "a | b"),
        ("[1, 'a']", "[1 | a]"),
        ("{'a': count}", "{a: integer}"),
        ("{title: count}", "object"),
        ("mails[0].sender.name", "string"),
        ("mails[-1]['size']", "integer"),
        ("mails[count].size", "integer"),
        ("mails[1:]", "[{subject: string, kind: a | b | c, size: integer, due: date | null, …}]"),
        ("title[0]", "string"),
        ("title[:3]", "string"),
        ("pair[1]", "integer"),
        ("texts[title]", "string"),
        ("mails[count].size and 1", "0 | null | 1"),
        ("open.a.b", "any"),
        ("day | default('x')", "date | x"),
        ("day | d", "date | "),
        ("title | default('x', true)", "string"),
        ("draft | default('none')", "string"),
        ("draft or none", "string | null"),
        ("draft and 1", "null | 1 | "),
        ("steps.n and 1", "0 | null | 1"),
        ("count | abs", "integer"),
        ("words | length", "integer"),
        ("words | count", "integer"),
        ("words | first", "string | null"),
        ("title | last", "string | null"),
        ("title | int", "integer"),
        ("title | int(none)", "integer | null"),
        ("title | float('x')", "number | x"),
        ("count | round", "integer"),
        ("share | round(1)", "number"),
        ("count | round(0, 'ceil')", "number"),
        ("mails | groupby('kind')", "[[any]]"),
        ("(mails | groupby('kind'))[0][0]", "a | b | c"),
        ("(mails | groupby('kind'))[0][1][0].size", "integer"),
        ("deep | items", "[[any]]"),
        ("(texts | items)[0][1]", "string"),
        ("deep | keys", "[string]"),
        ("texts | values", "[string]"),
        ("words | join(', ')", "string"),
        ("title | list", "[string]"),
        ("mails | map(attribute='sender.name')", "[string]"),
        ("mails | map(attribute='due', default=0)", "[date | 0]"),
        ("words | map('upper')", "[string]"),
        ("words | map('length') | sum", "integer"),
        ("mails | sum(attribute='size')", "integer"),
        ("[share] | sum", "number"),
        ("mails | map(attribute='size') | max", "integer | null"),
        ("mails | map(attribute='due') | select", "[date]"),
        ("mails | selectattr('due') | map(attribute='due')", "[date]"),
        ("mails | rejectattr('due', 'none') | map(attribute='due')", "[date]"),
        ("mails | selectattr('kind', 'in', ['a', 'b']) | map(attribute='kind')", "[a | b]"),
        ("[shape] | selectattr('shape', 'eq', 'circle') | map(attribute='radius')", "[number]"),
        ("[1, 'a'] | select('string')", "[a]"),
        ("[1, 'a'] | reject('string')", "[1]"),
        ("words | reverse", "[string]"),
        ("title | reverse", "string"),
        ("title | split(',')", "[string]"),
        ("mails | sort(attribute='size')", "[{subject: string, kind: a | b | c, size: integer, due: date | null, …}]"),
        ("words | unique", "[string]"),
        ("mails | tojson", "string"),
    ],
)
def test_the_type_of_an_expression(text: str, wanted: str) -> None:
    assert check(text) == (wanted, [])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("maybe.a.b if maybe else 0", "integer | null"),
        ("maybe.a.b if maybe and maybe.a.b is not none else 0", "integer"),
        ("maybe.a.b if maybe.a.b else 0", "integer"),
        ("0 if not maybe else maybe.a", "0 | {b: integer | null}"),
        ("0 if maybe is none else maybe.a", "0 | {b: integer | null}"),
        ("maybe is defined and maybe.a == deep.a", "boolean"),
        ("maybe != null and maybe.a.b is none", "boolean"),
        ("not maybe or maybe.a.b is none", "boolean"),
        ("day if day is not none else title", "string"),
        ("day is not none and day > '2024-01-01'", "boolean"),
        ("kind if kind in ['urgent', 'other'] else 'x'", "urgent | other | x"),
        ("'x' if kind == 'urgent' else kind", "x | meeting | other"),
        ("kind if kind != 'urgent' else 'x'", "meeting | other | x"),
        ("shape.radius if shape.shape == 'circle' else shape.side", "number"),
        ("shape.side if shape.radius is not defined else 0", "integer"),
        ("draft if draft else 0", "string | 0"),
        ("0 if draft else draft", "0 | null | "),
    ],
)
def test_a_test_narrows_what_is_read_behind_it(text: str, wanted: str) -> None:
    assert check(text) == (wanted, [])


@pytest.mark.parametrize(
    ("text", "code", "place", "said", "fix"),
    [
        ("5 | length", "AS313", "length", "`length` needs a list, not `5`", None),
        ("words | upper", "AS313", "upper", "`upper` needs a text, not a list", "map('upper')"),
        ("mails | map('upper')", "AS313", "upper", "not an object", None),
        ("title | sum", "AS313", "sum", "needs a list of numbers, not a string", None),
        ("words | sum", "AS313", "sum", "cannot add up values of which each is a string", None),
        ("mails | sum(attribute='kind')", "AS313", "'kind'", "cannot add up", None),
        ("mails | sort", "AS313", "sort", "cannot order values of which each is an object", None),
        ("title | keys", "AS313", "keys", "needs an object, not a string", None),
        ("title | abs", "AS313", "abs", "needs a number, not a string", None),
        ("title is odd", "AS313", "odd", "needs a number, not a string", None),
        ("words | select('odd')", "AS313", "odd", "needs a number, not a string", None),
        ("mails | map(attribute='subjekt')", "AS301", "subjekt", "the items have no `subjekt`", "subject"),
        ("mails | map(attribute='sender.nme')", "AS301", "nme", "the items have no `nme`", "name"),
        ("mails | selectattr('knd', 'eq', 'a')", "AS301", "knd", "the items have no `knd`", "kind"),
        ("mails | selectattr('kind', 'eq', 'd')", "AS312", "d", "`d` is none of a, b, c", None),
        ("mails[0].sizes", "AS301", "sizes", "`mails[0]` has no `sizes`", "size"),
        ("mails[0]['sizes']", "AS301", "sizes", "`mails[0]` has no `sizes`", "size"),
        ("(mails | last).sizes", "AS301", "sizes", "`mails | last` has no `sizes`", "size"),
        ("titel", "AS302", "titel", "there is no `titel` here", "title"),
        ("env.HOME", "AS302", "env", "only under `models:` and `tools:`", None),
        ("secrets.KEY ~ ''", "AS302", "secrets", "only under `models:` and `tools:`", None),
        ("title + count", "AS314", "count", "`+` cannot be used with a string and an integer", None),
        ("title - 3", "AS314", "title", "`-` cannot be used with a string and `3`", None),
        ("3 * (mails)", "AS314", "mails", "`*` cannot be used with `3` and a list", None),
        ("-title", "AS314", "title", "`-` needs a number, not a string", None),
        ("count < 'x'", "AS314", "'x'", "`<` cannot compare an integer with `x`", None),
        ("title in 5", "AS314", "5", "`in` cannot look for a string in `5`", None),
        ("count in title", "AS314", "title", "`in` cannot look for an integer in a string", None),
        ("title == 3", "AS312", "3", "a string is never equal to the number `3`", None),
        ("words == 'x'", "AS312", "x", "a list is never equal to the text `x`", None),
        ("day == 'tomorrow'", "AS312", "tomorrow", "never equal to the text `tomorrow`", None),
        ("kind == 'urgnt'", "AS312", "urgnt", "`urgnt` is none of urgent, meeting, other", "urgent"),
        ("'urgnt' != kind", "AS312", "urgnt", "`urgnt` is none of urgent, meeting, other", "urgent"),
        ("kind in ['other', 'meetin']", "AS312", "meetin", "`meetin` is none of", "meeting"),
        ("count in words", "AS312", "words", "an integer is never in a list of which each item is a string", None),
        ("shape.shape == 'cube'", "AS312", "cube", "`cube` is none of circle, square", None),
        ("count[:3]", "AS315", "count", "an integer has no items to take a slice of", None),
        ("words[:title]", "AS315", "title", "a slice needs whole numbers, not a string", None),
        ("words[title]", "AS315", "title", "a list has no part that is numbered or named by a string", None),
        ("${{ count }}{% for one in count %}{% endfor %}", "AS315", "count", "a loop needs a list", None),
        ("${{ 1 }}{% for a, b in words %}{% endfor %}", "AS315", "words", "a loop over 2 names needs lists", None),
        ("${{ 1 }}{% for m in mails %}${{ m.sizes }}{% endfor %}", "AS301", "sizes", "`m` has no `sizes`", "size"),
        ("${{ 1 }}{% set x = deep.a %}${{ x.c }}", "AS301", "c", "`x` has no `c`", None),
        ("${{ 1 }}{% for m in mails %}${{ loop.idx }}{% endfor %}", "AS301", "idx", "`loop` has no `idx`", "index"),
        ("shape.radius", "AS310", "radius", "has no `radius` when it is `{shape: square, side: integer}`", None),
        ("maybe.a.b", "AS310", "maybe", "`maybe` may be null here, so it may have no `a`", None),
        ("maybe['a'].b", "AS310", "maybe", "`maybe` may be null here", None),
        ("maybe.a if flag else maybe.a", "AS310", "maybe", "`maybe` may be null here", None),
        ("deep.a.b + 1", "AS310", "deep.a.b", "`deep.a.b` may be null here", None),
        ("day | length", "AS310", "day", "`day` may be null here", None),
        ("0 if maybe else maybe.a", "AS310", "maybe", "`maybe` may be null here", None),
        ("${{ 1 }}{% if maybe %}{% else %}${{ maybe.a }}{% endif %}", "AS310", "maybe", "may be null here", None),
        ("${{ deep.a.c }} and ${{ 1 + 1 }}", "AS301", "c", "`deep.a` has no `c`", None),
    ],
)
def test_what_cannot_work_is_underlined(text: str, code: str, place: str, said: str, fix: str | None) -> None:
    first = check(text)[1][0]
    assert (first.code, text[first.start : first.end], first.fix) == (code, place, fix)
    assert said in first.message


@pytest.mark.parametrize(
    "text",
    [
        "${{ 1 }}{% if maybe %}${{ maybe.a.b }}{% endif %}",
        "${{ 1 }}{% if not maybe %}{% elif maybe.a.b %}${{ maybe.a.b + 1 }}{% endif %}",
        "${{ 1 }}{% for m in mails if m.due %}${{ m.due > '2024-01-01' }}${{ loop.index + 1 }}{% endfor %}",
        "${{ 1 }}{% for name, part in texts | items %}${{ name ~ part + 'x' }}{% endfor %}",
        "${{ 1 }}{% set title = 3 %}${{ title + 1 }}",
        "${{ 1 }}{% if flag %}{% set x = 1 %}{% else %}{% set x = 'a' %}{% endif %}${{ x == 'a' }}",
        "maybe.a.b | default(0) > 3",
        "open.anything.else > 3",
        "title == none",
        "flag == 1",
        "title is string",
        "mails | map(attribute='due') | first",
        "count | upper",
        "mails | truncate(900)",
    ],
)
def test_what_works_or_may_work_is_not_reported(text: str) -> None:
    assert check(text)[1] == []


def test_names_that_statements_set_are_typed_behind_them() -> None:
    text = "${{ 1 }}{% if flag %}{% set x = 1 %}{% else %}{% set x = 'a' %}{% endif %}${{ x.y }}"
    [problem] = check(text)[1]
    assert (problem.message, problem.label) == ("`x` has no `y`", "it is `1` or `a`")


def test_long_conditions_over_large_unions_are_typed_quickly() -> None:
    """Sixty tests of sixty kinds of objects: minutes, if every part looked again at all those before it."""
    kinds = [typed({"kind": {"const": f"k{n}"}, f"f{n}": "string"}) for n in range(60)]
    scope = Scope(variables={"x": {"anyOf": kinds}})
    expression = parse(" and ".join(f"x.kind != 'k{n}'" for n in range(59)) + " and x.f59", bare=True)
    before = time.process_time()
    schema, found = infer(expression, scope)
    assert (show_type(schema), found) == ("false | string", [])
    assert time.process_time() - before < 2
