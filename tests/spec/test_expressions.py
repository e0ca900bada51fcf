"""What an expression is, what it refers to, and how problems in it are located."""

from __future__ import annotations

import subprocess
import sys

import pytest

from agentspec.spec.expressions import Expression, ExpressionProblem, check, parse


def paths(expression: Expression) -> list[str]:
    """The references as they stand in the text, guarded ones with a question mark."""
    return [expression.text[one.start : one.end] + "?" * one.guarded for one in expression.references]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("plain text", "literal"),
        ("", "literal"),
        ("{{ braces }} {% of something else", "literal"),
        ("${{ a }}", "reference"),
        ("${{a.b.c}}", "reference"),
        ("${{ a.b[0].c }}", "reference"),
        ("${{ a['b'] }}", "reference"),
        ("${{ (a.b) }}", "reference"),
        ("${{ a[-1] }}", "reference"),
        ("${{ 'x' }}", "value"),
        ("${{ a + 1 }}", "value"),
        ("${{ {'a': {'b': 1}} }}", "value"),
        ("${{ none }}", "value"),
        ("x ${{ a }}", "template"),
        ("${{ a }} ", "template"),
        ("${{ a }}${{ b }}", "template"),
    ],
)
def test_the_kinds(text: str, kind: str) -> None:
    assert parse(text).kind == kind


def test_references_are_paths_with_offsets() -> None:
    text = "From ${{ message.sender }}: ${{ read.messages[0].subject | upper }}"
    references = parse(text).references
    assert [one.path for one in references] == [("message", "sender"), ("read", "messages", 0, "subject")]
    assert paths(parse(text)) == ["message.sender", "read.messages[0].subject"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a.b == 'x' and c > 1", ["a.b", "c"]),
        ("a[b.c].d", ["a", "b.c"]),
        ("a.b[1:c]", ["a.b", "c"]),
        ("items | map(attribute='x') | join(sep)", ["items", "sep"]),
        ("[a, {'k': b}]", ["a", "b"]),
        ("a.b | default('x')", ["a.b?"]),
        ("a.b | d(c)", ["a.b?", "c"]),
        ("a.b | upper | default('x')", ["a.b"]),
        ("(a.b if c else d) | default(1)", ["a.b?", "c?", "d?"]),
        ("a.b is none", ["a.b?"]),
        ("a.b is not none", ["a.b?"]),
        ("a.b is defined", ["a.b?"]),
        ("a.b == null", ["a.b?"]),
        ("null != a.b", ["a.b?"]),
        ("a.b is string", ["a.b"]),
        ("a.b if a.b is not none else c", ["a.b?", "a.b?", "c"]),
        ("c if a.b is none else a.b", ["c", "a.b?", "a.b?"]),
        ("a.b.c if a.b else 1", ["a.b.c?", "a.b?"]),
        ("a.bc if a.b else 1", ["a.bc", "a.b?"]),
        ("a.b if not a.b else 1", ["a.b", "a.b?"]),
        ("a.b is not none and a.b > 3", ["a.b?", "a.b?"]),
        ("a.b is none or a.b > 3", ["a.b?", "a.b?"]),
        ("a.b is none and a.b > 3", ["a.b?", "a.b"]),
        ("x if a and b else a", ["x", "a?", "b?", "a"]),
        ("a + 1 if a and b else 0", ["a?", "a?", "b?"]),
        ("a or b", ["a?", "b"]),
        ("not a.b", ["a.b?"]),
    ],
)
def test_guarded_references(text: str, found: list[str]) -> None:
    assert paths(parse(text, bare=True)) == found


def test_names_of_loops_and_assignments_are_local() -> None:
    text = (
        "{% set n = a.b %}{% for x, y in rows if x.ok %}${{ x.z ~ loop.index ~ n ~ other }}"
        "{% else %}${{ x }}{% endfor %}${{ loop.index }}"
    )
    assert paths(parse(text, statements=True)) == ["a.b", "rows", "other", "x", "loop.index"]


def test_conditions_guard_what_they_enclose() -> None:
    text = "{% if a.b %}${{ a.b }}{% elif c %}${{ a.b }}{% else %}${{ c }}{% endif %}"
    assert paths(parse(text, statements=True)) == ["a.b?", "a.b?", "c?", "a.b", "c"]


@pytest.mark.parametrize("text", ["a.b", "${{ a.b }}", "  a.b ", " ${{ a.b }} \n", "${{a.b}}"])
def test_fields_that_are_expressions_take_them_bare_or_wrapped(text: str) -> None:
    expression = parse(text, bare=True)
    assert expression.kind == "reference"
    assert paths(expression) == ["a.b"]


def test_null_may_be_written_as_in_json() -> None:
    assert parse("a.null", bare=True).references[0].path == ("a", "null")
    assert paths(parse("[null, a is null]", bare=True)) == ["a?"]


@pytest.mark.parametrize(
    ("text", "code", "marked", "suggestion"),
    [
        ("${{ a", "AS300", "${{", None),
        ("x ${{ }} y", "AS300", "${{ }}", None),
        ("${{ 'a }}", "AS300", "'", None),
        ("${{ (a }}", "AS300", "(", None),
        ("${{ a) }}", "AS300", ")", None),
        ("${{ a b }}", "AS300", "b", None),
        ("${{ a = 1 }}", "AS300", "=", "=="),
        ("${{ a && b }}", "AS300", "&&", "and"),
        ("${{ a || b }}", "AS300", "||", "or"),
        ("${{ !a }}", "AS300", "!", "not"),
        ("${{ a ? b }}", "AS300", "?", "a if test else b"),
        ("${{ a + }}", "AS300", "+", None),
        ("${{ 007 }}", "AS300", "007", None),
        ("${{ a | upper(1) }}", "AS300", "upper", None),
        ("${{ a | uper }}", "AS307", "uper", "upper"),
        ("${{ a | attr('x') }}", "AS307", "attr", None),
        ("${{ a is nome }}", "AS307", "nome", "none"),
        ("${{ a is not callable }}", "AS307", "callable", None),
        ("${{ a | map('uper') }}", "AS307", "uper", "upper"),
        ("${{ a | select('odds') }}", "AS307", "odds", "odd"),
        ("${{ a.upper() }}", "AS306", "upper", "| upper"),
        ("${{ range(9) }}", "AS306", "range", None),
        ("${{ a.__class__ }}", "AS306", "__class__", None),
        ("${{ a ** 9 }}", "AS306", "**", None),
        ("${{ 99999999999999999999 }}", "AS306", "99999999999999999999", None),
        ("{% if a %}x{% endif %}", "AS306", "{% if", None),
    ],
)
def test_problems_stand_under_the_caret(text: str, code: str, marked: str, suggestion: str | None) -> None:
    expression, found = check(text)
    assert expression is None
    (problem,) = found
    assert (problem.code, text[problem.start : problem.end], problem.suggestion) == (code, marked, suggestion)


@pytest.mark.parametrize(
    ("text", "code", "marked"),
    [
        ("", "AS300", ""),
        ("   ", "AS300", "   "),
        ("{{ a }}", "AS300", "{{"),
        ("${{ a }} x", "AS300", "${{ a }} x"),
        ("${{ a }}${{ b }}", "AS300", "${{ a }}${{ b }}"),
    ],
)
def test_problems_of_fields_that_are_expressions(text: str, code: str, marked: str) -> None:
    (problem,) = check(text, bare=True)[1]
    assert (problem.code, text[problem.start : problem.end]) == (code, marked)


@pytest.mark.parametrize(
    ("text", "code", "marked"),
    [
        ("{% if a %}x", "AS300", "x"),
        ("{% endif %}", "AS300", "endif"),
        ("{% for x %}y{% endfor %}", "AS300", "%}"),
        ("{% raw %}x", "AS300", "{% raw %}"),
        ("{% %}", "AS306", "{% %}"),
        ("{% if a", "AS300", "{%"),
    ],
)
def test_problems_of_statements(text: str, code: str, marked: str) -> None:
    (problem,) = check(text, statements=True)[1]
    assert (problem.code, text[problem.start : problem.end]) == (code, marked)


def test_every_part_is_checked() -> None:
    text = "${{ a b }} ${{ c | nope }} ${{ d() }} ${{ ok }} ${{ ' }}"
    problems = check(text)[1]
    assert [text[one.start : one.end] for one in problems] == ["b", "nope", "d", "'"]


def test_parse_raises_the_first_problem_anew_each_time() -> None:
    with pytest.raises(ExpressionProblem) as first:
        parse("${{ a b }}")
    with pytest.raises(ExpressionProblem) as second:
        parse("${{ a b }}")
    assert first.value is not second.value


def test_the_tree_carries_offsets() -> None:
    from jinja2 import nodes

    text = "${{ sort.due | default(other.day) }}"
    tree = parse(text).ast
    assert isinstance(tree, nodes.Filter)
    assert text[tree.lineno :].startswith("default")
    names = {node.name: node.lineno for node in tree.find_all(nodes.Name)}
    assert names == {"sort": text.index("sort"), "other": text.index("other")}


def test_literals_and_references_have_no_tree() -> None:
    assert parse("x").ast is None
    assert parse("${{ a.b }}").ast is None


@pytest.mark.parametrize(
    ("text", "statements"),
    [("x ${{ a.b }} ${{ c | upper }}!", False), ("${{ a.b }}{% if d %} ${{ c | upper }}{% endif %}", True)],
)
def test_templates_have_parts_and_a_tree(text: str, statements: bool) -> None:
    from jinja2 import nodes

    expression = parse(text, statements=statements)
    assert [text[start:end] for start, end, _ in expression.parts] == ["${{ a.b }}", "${{ c | upper }}"]
    assert [type(node) for _, _, node in expression.parts] == [nodes.Getattr, nodes.Filter]
    assert isinstance(expression.ast, nodes.Template)
    assert [node.name for node in expression.ast.find_all(nodes.Filter)] == ["upper"]


def test_plain_templates_have_the_same_parts_as_parsed_ones() -> None:
    from jinja2 import nodes

    expression = parse("${{ a.b[0] }} and ${{ c }}")
    assert [node for _, _, node in expression.parts] == [
        nodes.Getitem(nodes.Getattr(nodes.Name("a", "load"), "b", "load"), nodes.Const(0), "load"),
        nodes.Name("c", "load"),
    ]


def test_jinja_is_not_imported_for_dotted_names() -> None:
    code = (
        "import sys\n"
        "from agentspec.spec.expressions import check, compile_expression\n"
        "for text in ('x', '${{ a.b }}', 'x ${{ a.b }} ${{ c[0] }}'):\n"
        "    compile_expression(check(text)[0])({'a': {'b': 1}, 'c': [2]}.__getitem__)\n"
        "sys.exit('jinja2' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
