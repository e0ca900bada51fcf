"""Corrections: made only where they are safe, and nothing else in the text changes."""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import pytest

from agentspec.plan import check
from agentspec.registry import Registry
from agentspec.spec.diagnostics import Diagnostic, Severity, SpecInvalid, one_edit, suggest
from agentspec.spec.fixes import Fixed, Outcome, fix, replacement
from agentspec.spec.parse import parse_text
from agentspec.spec.source import Source, Span

REGISTRY = Registry()
HEAD = "agentspec: 1\nname: post\ninputs: {me: string}\nmodels: {small: fake/echo}\n"
MAIL = """\
agentspec: 1
name: inbox  # sorts
description: Sorts mail.
inputs:
  mails: [Mail]
  owner: {type: string, default: anna}
types:
  Mail: {sender: string, subject: string, body: string}
  Triage: {category: urgent | meeting | other, "reply": boolean}
models:
  small: fake/echo
  large: {use: fake/echo}
limits: {lm_calls: 60, wall: 2m}
nodes:
  each:
    controller: map
    over: inputs.mails
    as: message
    concurrency: 4
    nodes:
      sort:
        lm: small
        prompt: |
          Sort this for ${{ inputs.owner | upper }}.
          From: ${{ message.sender }} about ${{ message.subject | default('nothing') }}
          ${{ message.body }}
        output: Triage
        timeout: 30s
      act:
        controller: switch
        on: sort.category
        cases:
          meeting: {lm: large, prompt: "Meet ${{ message.sender }}, ${{ inputs.owner }}", max_tokens: 90}
          urgent: {lm: large, prompt: 'Hurry: ${{ message.subject }}', retry: 2}
        default: {lm: small, prompt: "Thank ${{ message.sender }}: ${{ sort.reply }}"}
    result: {about: "${{ message.subject }}", category: "${{ sort.category }}", answer: "${{ act }}"}
result: {triaged: "${{ each }}", count: "${{ each | length }}"}
"""


def checked(source: Source) -> Outcome:
    try:
        spec = parse_text(source.text, source.name, Path())
    except SpecInvalid as error:
        return Outcome(error.diagnostics, complete=False)
    return Outcome(check(spec, REGISTRY).diagnostics, complete=True)


def fixed(text: str) -> Fixed:
    return fix(Source("agent.yaml", text), checked)


def corrected(text: str) -> str:
    return fixed(text).source.text


def spec(nodes: str) -> str:
    return f"{HEAD}nodes:\n{nodes}"


def diagnostic(text: str, start: int, end: int, meant: str | None) -> Diagnostic:
    return Diagnostic("AS201", "m", Source("a", text), Span(1, start + 1, 1, end + 1), fix=meant)


def test_the_long_example_has_no_problems() -> None:
    assert checked(Source("agent.yaml", MAIL)).problems == ()


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("limits:", "limts:"),
        ('"reply": boolean', '"reply": boolaen'),
        ("        timeout: 30s", "        timout: 30s"),
        ("controller: map", "controller: mapp"),
        ("${{ message.sender }} about", "${{ messsage.sender }} about"),
        ("message.sender }}, ", "message.sneder }}, "),
        ("          ${{ message.body }}", "          ${{ mesage.body }}"),
        ("| upper }}", "| uppr }}"),
        ("lm: large, prompt: 'Hurry", "lm: lrage, prompt: 'Hurry"),
        ("lm: small\n", "lm: Small\n"),
        ("over: inputs.mails", "over: input.mails"),
        ("on: sort.category", "on: sotr.category"),
        ("inputs.owner }}", "inputs.ownr }}"),
    ],
)
def test_a_misspelt_word_is_corrected_and_nothing_else(right: str, wrong: str) -> None:
    assert MAIL.count(right) == 1
    assert corrected(MAIL.replace(right, wrong)) == MAIL


def test_quotes_comments_and_line_endings_stay() -> None:
    good = spec("  a: {lm: small, 'prompt': \"é ${{ inputs.me }}\"}  # promt\r\n\r\n  # end\r\nresult: '${{ a }}'\r\n")
    assert corrected(good.replace("'prompt'", "'promt'")) == good


def test_several_words_in_one_line_and_in_several_are_corrected() -> None:
    good = spec(
        "  a: {lm: small, prompt: 'Hi ${{ inputs.me | trim }}', timeout: 5s, retry: 2}\n"
        "  b: {lm: small, prompt: '${{ inputs.me | trim }} ${{ a }}'}\n"
    )
    bad = good.replace("timeout", "timout").replace("retry", "rety").replace("inputs.me | trim", "inputs.me | trm")
    bad = bad.replace("b: {lm: small, prompt", "b: {lm: small, promtp")
    done = fixed(bad)
    assert done.source.text == good
    # problems of shape first, then what they hid; each from the end of the text to its start
    assert [(one.span.line, one.old) for one in done.replacements] == [
        (7, "promtp"),
        (6, "rety"),
        (6, "timout"),
        (7, "trm"),
        (6, "trm"),
    ]
    assert done.outcome == Outcome((), complete=True)


def test_one_correction_that_does_not_help_does_not_hold_up_the_others() -> None:
    bad = spec("  a: {lm: small, promt: Hi, timout: 5s, retry: 1, rety: 2}\n")
    done = fixed(bad)
    assert done.source.text == bad.replace("promt", "prompt").replace("timout", "timeout")
    assert [one.message for one in done.outcome.problems] == ["unknown key `rety`"]


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(spec("  a: {lm: small, prompt: Hi, promt: Ho}\n"), id="the key is there already"),
        pytest.param(spec("  a: {lm: small, prompt: Hi, timout: soon}\n"), id="the value does not fit the key"),
        pytest.param(
            spec("  a: {lm: small, prompt: '${{ inputs.me }}'}\n  b: {lm: small, prompt: '${{ inputs.mee.x }}'}\n"),
            id="another problem comes up at the same place",
        ),
        pytest.param(
            spec("  a: {lm: small, prompt: '${{ inputs.me }}'}\n  b: {lm: small, prompt: '${{ input.mee }}'}\n"),
            id="another problem comes up",
        ),
        pytest.param(spec("  a: {lm: smal, prompt: Hi}\n"), id="declared once and read once"),
        pytest.param(
            spec("  sort: {lm: small, prompt: Hi}\n  a: {lm: small, prompt: '${{ srt }}'}\nresult: ${{ a }}\n"),
            id="a node that is read once",
        ),
        pytest.param(
            f"{HEAD.replace('small', 'smal')}nodes:\n  a: {{lm: small, prompt: Hi}}\n  b: {{lm: small, prompt: Ho}}\n",
            id="the declaration is the misspelt one",
        ),
        pytest.param(
            "agentspec: 1\nname: post\ninputs: {note: [string]}\nmodels: {small: fake/echo}\nnodes:\n"
            "  a:\n    controller: map\n    over: inputs.notes\n    as: note\n    nodes:\n"
            "      b: {lm: small, prompt: '${{ note }}: ${{ note }}'}\n",
            id="the declaration is the misspelt one, and its word has another meaning elsewhere",
        ),
        pytest.param(
            f"agentspec: 1\nname: post\ndescription: {'note ' * 20}\ninputs: {{note: string}}\n"
            "models: {small: fake/echo}\nnodes:\n  a: {lm: small, prompt: '${{ inputs.notes }}'}\n",
            id="the declaration is the misspelt one, and its word is often written",
        ),
        pytest.param(
            spec(
                "  cat1: {lm: small, prompt: Hi}\n  cat2: {lm: small, prompt: Ho}\n"
                "  a: {lm: small, prompt: '${{ cat1 }} ${{ cat2 }} ${{ cat3 }}'}\n"
            ),
            id="two known words are as near",
        ),
        pytest.param(spec("  a: {lm: small, prompt: Hi, temprtur: 1}\n"), id="more than one edit away"),
    ],
)
def test_what_is_not_safe_stays(bad: str) -> None:
    done = fixed(bad)
    assert (done.source.text, done.replacements) == (bad, ())
    assert done.outcome.problems


def test_other_files_are_not_corrected(tmp_path: Path) -> None:
    (tmp_path / "ask.md").write_text("${{ inputs.me | trm }}")
    text = spec("  a: {lm: small, prompt: {file: ask.md}}\n")
    [problem] = check(parse_text(text, "agent.yaml", tmp_path), REGISTRY).diagnostics
    assert (problem.source.name.endswith("ask.md"), problem.fix) == (True, "trim")
    done = fix(Source("agent.yaml", text), lambda now: Outcome([problem] if now.text == text else [], complete=True))
    assert (done.source.text, done.replacements) == (text, ())


def test_two_fixes_for_one_place_are_none() -> None:
    text = "promt: 1"
    both = [diagnostic(text, 0, 5, "prompt"), diagnostic(text, 0, 5, "promo")]
    done = fix(Source("a", text), lambda source: Outcome(both if source.text == text else [], complete=True))
    assert done.replacements == ()


def test_problems_that_the_shape_hid_do_not_undo_a_correction() -> None:
    done = fixed(spec("  a: {lm: small, promt: '${{ nobody }}'}\n"))
    assert [one.code for one in done.outcome.problems] == ["AS302"]
    assert [one.new for one in done.replacements] == ["prompt"]


def test_a_large_file_of_mistakes_costs_a_bounded_number_of_checks() -> None:
    asked = 0

    def counted(source: Source) -> Outcome:
        nonlocal asked
        asked += 1
        lines = source.text.split("\n")
        spans = [(line, Span(line, 1, line, 6)) for line, word in enumerate(lines, 1) if word == "promt"]
        # each correction leaves its line as bad as it was, so that none helps
        bad = [Diagnostic("AS201", "m", source, span, fix="prompt") for _, span in spans]
        worse = [Diagnostic("AS105", "m", source, Span(line, 1, line, 2)) for line in range(len(spans), len(lines))]
        return Outcome([*bad, *worse], complete=False)

    done = fix(Source("a", "\n".join(["promt"] * 2000)), counted)
    assert done.replacements == ()
    assert asked <= 100


def test_one_misspelling_at_many_places_costs_a_few_checks() -> None:
    lines = [f"  n{number}: {{lm: small, prompt: '${{{{ inputs.me }}}}'}}\n" for number in range(80)]
    good = spec("".join(lines))
    asked = []

    def counted(source: Source) -> Outcome:
        asked.append(source)
        return checked(source)

    bad = spec("".join(lines[:40]).replace(".me", ".mee") + "".join(lines[40:]))
    assert fix(Source("agent.yaml", bad), counted).source.text == good
    assert len(asked) <= 15


@pytest.mark.parametrize(
    ("text", "start", "end", "meant", "found"),
    [
        ("promt: 1", 0, 5, "prompt", (1, 6)),
        ("'promt': 1", 0, 7, "prompt", (2, 7)),
        ('"promt": 1', 0, 7, "prompt", (2, 7)),
        ("Prompt: 1", 0, 6, "prompt", (1, 7)),
        ("a: odd.cuont", 3, 12, "odd.count", (4, 13)),
        ("promt: 1", 0, 5, None, None),
        ("promt: 1", 0, 6, "prompt", None),  # more than the word
        ("'promt: 1", 0, 6, "prompt", None),  # half quoted
        ("message['bdy']", 0, 14, "body", None),  # the whole path is marked
        ("str", 0, 3, "string", None),  # three edits
        ("promt", 0, 5, "prom: t", None),  # not a word
        ("promt", 0, 5, "", None),
        ("promt", 8, 13, "prompt", None),  # outside of the text
    ],
)
def test_a_fix_replaces_the_one_word_at_its_span(
    text: str, start: int, end: int, meant: str | None, found: tuple[int, int] | None
) -> None:
    got = replacement(diagnostic(text, start, end, meant))
    assert (None if got is None else (got.span.column, got.span.end_column)) == found


def test_a_fix_without_a_place_or_over_lines_replaces_nothing() -> None:
    source = Source("a", "promt\npromt")
    for span in (None, Span(1, 1, 2, 6), Span(9, 1, 9, 6)):
        assert replacement(Diagnostic("AS201", "m", source, span, fix="prompt")) is None


@pytest.mark.parametrize(
    ("word", "other", "one"),
    [
        ("prompt", "promt", True),
        ("prompt", "prompts", True),
        ("prompt", "prampt", True),
        ("prompt", "pormpt", True),
        ("prompt", "prompt", True),
        ("prompt", "promp-t-", False),
        ("prompt", "rpompa", False),
        ("prompt", "prtpmo", False),
        ("ab", "", False),
    ],
)
def test_one_edit(word: str, other: str, one: bool) -> None:
    assert one_edit(word, other) is one
    assert one_edit(other, word) is one


def test_between_two_words_within_one_edit_nothing_is_suggested() -> None:
    assert suggest("cat3", ["cat1", "cat2", "dog"]) is None
    assert suggest("cat3", ["cat1", "dog"]) == "cat1"
    assert suggest("cat3", ["cat1", "cat1"]) == "cat1"


LETTERS = "abcdefghijklmnopqrstuvwxyz_"


def misspelt(word: str, chance: random.Random) -> str:
    at = chance.randrange(len(word))
    letter = chance.choice(LETTERS)
    swapped = word[:at] + word[at : at + 2][::-1] + word[at + 2 :]
    return chance.choice(
        [word[:at] + word[at + 1 :], word[:at] + letter + word[at:], swapped, word[:at] + letter + word[at + 1 :]]
    )


def test_a_text_with_one_misspelling_is_restored_or_left_alone() -> None:
    """Run with `-s`, the test prints how many of the misspellings that are errors are corrected."""
    chance = random.Random(7)
    words = list(re.finditer(r"[A-Za-z_]{2,}", MAIL))
    counts: Counter[str] = Counter()
    for _ in range(400):
        word = chance.choice(words)
        bad = MAIL[: word.start()] + misspelt(word.group(), chance) + MAIL[word.end() :]
        if not any(one.severity is Severity.ERROR for one in checked(Source("agent.yaml", bad)).problems):
            continue
        text = corrected(bad)
        assert text in (MAIL, bad)
        counts["restored" if text == MAIL else "left alone"] += 1
    print(dict(counts))
    assert counts["restored"] / counts.total() > 0.5
