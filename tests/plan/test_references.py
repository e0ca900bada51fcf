"""Names in expressions: where they may be read, and what is said when they may not."""

from __future__ import annotations

import pytest

SORT = """\
    nodes:
      sort: {lm: m, prompt: "${{ inputs.who }}", output: Sorted}
"""


@pytest.mark.parametrize(
    ("expression", "code", "place"),
    [
        ("inputs.wo", "AS301", "wo"),
        ("input.who", "AS302", "input"),
        ("sort.knd", "AS301", "knd"),
        ("sort.kind.deep", "AS301", "deep"),
        ("meta.srt.usd", "AS301", "srt"),
        ("meta.sort.usdd", "AS301", "usdd"),
        ("env.HOME", "AS302", "env"),
        ("inputs.people.name", "AS301", "name"),
    ],
)
def test_a_reference_that_leads_nowhere_is_underlined(problems, expression, code, place):
    text = (
        SORT
        + f"""\
      use: {{lm: m, prompt: "${{{{ {expression} }}}}"}}
    result: {{a: "${{{{ use }}}}", b: "${{{{ sort }}}}"}}
    """
    )
    assert problems(text) == [(code, place)]


def test_every_problem_is_reported_at_once(problems):
    text = """\
    nodes:
      one: {lm: nobody, prompt: "${{ inputs.wo }}"}
      two: {tool: shop.byu, after: one}
      three: {tool: shop.buy, with: {item: 3}}
    result: ${{ four }}
    """
    assert problems(text) == [
        ("AS304", "nobody"),
        ("AS301", "wo"),
        ("AS305", "shop.byu"),
        ("AS309", "shop.buy"),
        ("AS308", "3"),
        ("AS302", "four"),
    ]


def test_a_part_that_cannot_be_read_does_not_hide_the_others(problems):
    text = """\
    nodes: {a: {lm: m, prompt: "${{ inputs.wo }} ${{ inputs.who | uper }} ${{ foo }}"}}
    """
    assert problems(text) == [("AS301", "wo"), ("AS307", "uper"), ("AS302", "foo")]


def test_children_see_the_names_around_them_and_nobody_sees_into_a_block(problems):
    text = """\
    nodes:
      first: {lm: m, prompt: hello}
      each:
        controller: map
        over: inputs.people
        as: person
        nodes:
          greet: {lm: m, prompt: "${{ first }} ${{ person }} ${{ loop.index }}"}
    result: {all: "${{ each }}", one: "${{ greet }}"}
    """
    assert problems(text) == [("AS302", "greet")]


def test_a_name_around_a_block_cannot_be_used_again_inside(problems):
    text = """\
    nodes:
      greet: {lm: m, prompt: hello}
      each:
        controller: map
        over: inputs.people
        nodes:
          greet: {lm: m, prompt: "${{ item }}"}
    result: {all: "${{ each }}", one: "${{ greet }}"}
    """
    assert problems(text) == [("AS208", "greet")]


def test_a_circle_names_its_members_in_order(checked):
    text = """\
    nodes:
      a: {lm: m, prompt: "${{ c }}"}
      b: {lm: m, prompt: "${{ a }}"}
      c: {lm: m, prompt: x, after: b}
    result: ${{ c }}
    """
    [problem] = checked(text).diagnostics
    assert problem.code == "AS401"
    assert {"`a`", "`b`", "`c`"} <= set(problem.message.replace(" wait", " ").split())


def test_a_node_that_reads_itself_is_a_circle(problems):
    assert problems('    nodes: {a: {lm: m, prompt: "${{ a }}"}}\n    result: ${{ a }}\n') == [("AS401", "a")]


def test_names_in_a_prompt_file_are_located_in_that_file(tmp_path, checked):
    (tmp_path / "prompt.md").write_text("Hello\n${{ inputs.wo }}\n", encoding="utf-8")
    text = "    nodes: {a: {lm: m, prompt: {file: prompt.md}}}\n"
    [problem] = checked(text, folder=tmp_path).diagnostics
    assert (problem.code, problem.source.name.endswith("prompt.md"), problem.span.line) == ("AS301", True, 2)


@pytest.mark.parametrize("name", ["missing.md", "../outside.md"])
def test_a_prompt_file_must_be_there_and_inside_the_folder(tmp_path, checked, name):
    folder = tmp_path / "agent"
    folder.mkdir()
    (tmp_path / "outside.md").write_text("secret", encoding="utf-8")
    text = f"    nodes: {{a: {{lm: m, prompt: {{file: {name}}}}}}}\n"
    assert [problem.code for problem in checked(text, folder=folder).diagnostics] == ["AS311"]


def test_a_field_that_a_named_type_lacks_shows_where_the_type_is_defined(checked):
    [problem] = checked(SORT + '    result: "${{ sort.knd }}"\n').diagnostics
    [note] = problem.notes
    assert (note.text, note.span.line) == ("the fields of `Sorted` are defined here", 4)
