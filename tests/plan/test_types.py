"""Types from inputs, tools and answers to wherever their values are used."""

from __future__ import annotations

import pytest

NODES = """\
    nodes:
      sort: {lm: m, prompt: "${{ inputs.who }}", output: Sorted}
      found: {tool: shop.find, with: {words: "${{ sort.kind }}"}}
"""


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ('{words: "${{ inputs.who }}"}', []),
        ('{words: "${{ sort.kind }}", most: "${{ inputs.n }}"}', []),
        ('{words: "${{ sort.kind }}", most: "${{ inputs.people | length }}"}', []),
        ('{words: x, since: "${{ sort.due }}"}', []),
        ('{words: x, since: "${{ inputs.day }}"}', []),
        ('{words: x, most: "${{ sort.score }}"}', ["AS308"]),
        ('{words: x, most: "${{ inputs.who }}"}', ["AS308"]),
        ('{words: "${{ inputs.people }}"}', ["AS308"]),
        ("{words: 7}", ["AS308"]),
        ("{words: x, most: many}", ["AS308"]),
        ("{words: x, since: tomorrow}", ["AS308"]),
        ('{words: "${{ sort.due }}"}', ["AS310"]),
        ("{words: \"${{ sort.due | default('never') }}\"}", []),
        ("{words: x, mots: 3}", ["AS309"]),
        ("{}", ["AS309"]),
        ('{words: "${{ found2.0.name }}"}', []),
        ('{words: "${{ (found2 | first).stock }}"}', ["AS308"]),
        ("{words: \"${{ found2 | map(attribute='name') | join(', ') }}\"}", []),
        ("{words: \"${{ 'x' if inputs.n > 3 else inputs.n }}\"}", ["AS308"]),
    ],
)
def test_arguments_are_held_to_the_signature(problems, written, found):
    text = (
        NODES
        + f"""\
      found2: {{tool: shop.find, with: {{words: x}}}}
      test: {{tool: shop.find, with: {written}}}
    result: {{a: "${{{{ test }}}}", b: "${{{{ found }}}}", c: "${{{{ found2 }}}}"}}
    """
    )
    assert [code for code, _ in problems(text)] == found


def test_a_word_that_a_field_never_has_is_reported(problems):
    text = (
        NODES
        + """\
      act: {lm: m, prompt: x, when: sort.kind == 'd'}
    result: ${{ act | default('') }}
    """
    )
    assert ("AS312", "d") in problems(text)


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("meta.sort.confidence > 0.5", ["AS310"]),
        ("meta.sort.confidence | default(0) > 0.5", []),
        ("meta.sort.confidence and meta.sort.confidence > 0.5", []),
        ("0.5 < meta.sort.confidence", ["AS310"]),
        ("meta.sort.usd * 2 > 1", ["AS310"]),
        ("sort.score > 0.5", []),
        ("sort.due == none", []),
        ("sort.due is none", []),
    ],
)
def test_null_has_no_place_in_an_order(problems, condition, found):
    text = f"""\
    nodes:
      sort: {{lm: m, prompt: x, output: Sorted}}
      act: {{lm: m, prompt: x, when: {condition}}}
    result: ${{{{ act | default('') }}}}
    """
    assert [code for code, _ in problems(text)] == found


@pytest.mark.parametrize(
    ("cases", "found"),
    [
        ("{a: {result: 1}, b: {result: 2}, c: {result: 3}}", []),
        ("{a: {result: 1}}", ["AS402"]),
        ("{a: {result: 1}}\n        default: {result: 2}", []),
        ("{a: {result: 1}, b: {result: 2}, c: {result: 3}, d: {result: 4}}", ["AS312"]),
    ],
)
def test_a_switch_covers_a_closed_set_of_words(problems, cases, found):
    text = f"""\
    nodes:
      sort: {{lm: m, prompt: x, output: Sorted}}
      act:
        controller: switch
        on: sort.kind
        cases: {cases}
    result: ${{{{ act }}}}
    """
    assert [code for code, _ in problems(text)] == found


def test_a_map_needs_a_list_and_gives_one(problems):
    text = """\
    nodes:
      bad: {controller: map, over: inputs.who, nodes: {a: {lm: m, prompt: "${{ item }}"}}}
      good: {controller: map, over: inputs.people, nodes: {b: {lm: m, prompt: "${{ item }}", output: Sorted}}}
      use: {tool: shop.find, with: {words: "${{ good.0.kind }}", most: "${{ good }}"}}
    result: {a: "${{ bad }}", b: "${{ use }}"}
    """
    assert problems(text) == [("AS308", "inputs.who"), ("AS308", '"${{ good }}"')]


def test_a_value_that_may_have_been_skipped_needs_a_default_in_a_result(problems):
    text = """\
    nodes:
      maybe: {lm: m, prompt: x, when: inputs.n > 3}
      after: {lm: m, prompt: "${{ maybe }}"}
    result: {bad: "${{ after }}", good: "${{ after | default('') }}"}
    """
    assert problems(text) == [("AS310", "after")]


def test_a_result_is_held_to_the_stated_output(problems):
    text = """\
    nodes: {a: {lm: m, prompt: x, output: Sorted}}
    result: {kind: "${{ a.kind }}", n: "${{ a.score }}"}
    output: {kind: a | b | c, n: string}
    """
    assert [code for code, _ in problems(text)] == ["AS308"]


def test_the_value_of_a_block_with_several_ends_must_be_said(problems):
    text = """\
    nodes:
      a: {tool: shop.buy, with: {item: x, count: 1}}
      b: {tool: shop.buy, with: {item: y, count: 1}}
    """
    assert problems(text) == [("AS404", "nodes")]


def test_a_node_without_reader_and_effect_is_a_warning(checked):
    text = """\
    nodes:
      lost: {lm: m, prompt: x}
      kept: {tool: shop.buy, with: {item: x, count: 1}}
    result: done
    """
    outcome = checked(text)
    assert [(one.code, str(one.severity)) for one in outcome.diagnostics] == [("AS403", "warning")]
    assert outcome.plan is not None


def test_defaults_of_inputs_fit_their_types(problems):
    head = "agentspec: 1\nname: t\nmodels: {m: fake/echo}\ninputs: {n: {type: integer, default: many}}\n"
    assert problems('nodes: {a: {lm: m, prompt: "${{ inputs.n }}"}}\n', head) == [("AS308", "many")]


def test_options_are_held_to_those_of_the_plugin(problems):
    head = "agentspec: 1\nname: t\nmodels: {m: {use: fake/echo, speed: 3}}\n"
    head += "tools: {s: {use: shop, currency: 5}, t: nobody}\n"
    assert problems("nodes: {a: {lm: m, prompt: x}}\n", head) == [
        ("AS503", "speed"),
        ("AS503", "5"),
        ("AS501", "nobody"),
    ]
