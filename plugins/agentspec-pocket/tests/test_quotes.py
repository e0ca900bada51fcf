"""A quote is a passage of the text, whatever the model would like to write."""

from __future__ import annotations

import json
import random
import re

import pytest
from asking import ask
from hypothesis import given, settings
from hypothesis import strategies as st

from agentspec.api.backend import Backend
from agentspec_pocket.grammar import from_schema
from agentspec_pocket.grammar_quotes import LONGEST, passages

SCHEMA = {
    "type": "object",
    "properties": {
        "words": {"type": "string", "x-quote": "body"},
        "all": {"type": "array", "items": {"type": "string", "x-quote": "note"}, "maxItems": 3},
        "free": {"anyOf": [{"type": "string", "x-quote": "body"}, {"type": "null"}]},
    },
    "required": ["words", "all", "free"],
}
PARTS = [
    *("pay", "1,200", "EUR", "by", "9.3.2026", "Anna", "don't", "e-mail", '"so"', "back\\slash", "(it)", "a", "ab"),
    *("aab", "x.", "Größe", "日本", "\u20ac5", "tab\tbed", "{{", "|", "pay"),
]


def collapsed(text: str) -> str:
    return " ".join(text.split())


def random_text(rng: random.Random) -> str:
    blanks = [" ", " ", " ", "\n", "  ", "\t", "\n\n", ""]
    return "".join(rng.choice(PARTS) + rng.choice(blanks) for _ in range(rng.randint(1, 40))) + "end"


@pytest.mark.parametrize("seed", range(100))
def test_noise_quotes_nothing_but_the_text(noise: Backend, seed: int) -> None:
    rng = random.Random(seed)
    texts = {"body": (random_text(rng),), "note": (random_text(rng), random_text(rng))}
    reply = ask(noise, output=SCHEMA, texts=texts, temperature=2.0, seed=seed, max_tokens=900)
    assert (reply.finish, reply.enforced) == ("stop", "constrained")
    answer = json.loads(reply.text)
    for quote, source in [
        (answer["words"], "body"),
        (answer["free"], "body"),
        *((one, "note") for one in answer["all"]),
    ]:
        assert quote is None or any(quote in collapsed(text) for text in texts[source]), quote
        assert quote is None or quote == collapsed(quote) != ""


def admitted(rules: dict[str, str], start: str) -> set[str]:
    """All texts that rules without an endless loop admit: a small reading of GBNF, for the rules of quotes."""

    def choice(text: str) -> tuple[set[str], str]:
        found, text = sequence(text)
        while text.startswith("| "):
            more, text = sequence(text[2:])
            found |= more
        return found, text

    def sequence(text: str) -> tuple[set[str], str]:
        whole = {""}
        while text and text[0] not in "|)":
            if text[0] == "(":
                part, text = choice(text[1:])
                assert text[0] == ")"
                text = text[1:]
                if text.startswith("?"):
                    part, text = part | {""}, text[1:]
            elif match := re.match(r'"((?:[^"\\]|\\.)*)"', text):
                part, text = {json.loads(match[0])}, text[match.end() :]
            else:
                match = re.match(r"[\w-]+", text)
                assert match
                part, text = of(match[0]), text[match.end() :]
            whole = {left + right for left in whole for right in part}
            text = text.removeprefix(" ")
        return whole, text

    known: dict[str, set[str]] = {}

    def of(name: str) -> set[str]:
        if name not in known:
            known[name], rest = choice(rules[name])
            assert rest == ""
        return known[name]

    return of(start)


@pytest.mark.parametrize(
    "texts",
    [["a b a c. a b"], ["a b", "b c"], ["ab abc a", "abd"], ["a a a a"], ["x, (y) z."], ["a  b\n\nc"]],
    ids=repr,
)
def test_every_passage_of_whole_words_is_admitted_and_nothing_else(texts: list[str]) -> None:
    assert_exact(texts)


@settings(max_examples=200, deadline=None, database=None)
@given(
    st.lists(
        st.lists(st.sampled_from(["a", "b", "ab", "c.", "a-"]), min_size=1, max_size=12).map(" ".join),
        min_size=1,
        max_size=3,
    )
)
def test_so_it_is_with_any_texts(texts: list[str]) -> None:
    assert_exact(texts)


def assert_exact(texts: list[str]) -> None:
    rules = passages(texts, "q")
    assert rules is not None
    wanted = set()
    for text in map(collapsed, texts):
        places = [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]
        starts = [first for first, _ in places if text[first] not in ",.;:!?)]}"]
        wanted |= {text[first:last] for first in starts for _, last in places if first < last}
    assert admitted(rules, "q") == wanted


def test_the_grammar_grows_with_the_text_and_not_with_its_passages() -> None:
    rng = random.Random(3)
    names = ["".join(rng.choice("abcdefgh") for _ in range(rng.randint(1, 8))) for _ in range(300)]
    text = " ".join(rng.choice(names) for _ in range(2000))[:LONGEST]
    rules = passages([text], "q")
    assert rules is not None
    assert len(rules) <= 2 * len(text.split())
    assert sum(map(len, rules.values())) < 30 * len(text)
    assert len(passages(["a " * (LONGEST // 2)], "q") or {}) <= LONGEST


def test_texts_without_a_grammar_leave_the_quote_to_the_core() -> None:
    quote = {"type": "string", "x-quote": "body"}
    free = from_schema({"type": "string"})
    for texts in ({}, {"body": ()}, {"body": ("...",)}, {"body": ("word " * LONGEST,)}, {"body": ("half \ud800",)}):
        assert from_schema(quote, texts) == free
    assert from_schema(quote, {"body": ("word",)}) != free
    assert from_schema({"type": "string", "x-quote": True}, {"body": ("word",)}) == free


def test_many_long_texts_make_the_grammar_looser_and_not_everything() -> None:
    rng = random.Random(5)
    texts = {f"t{n}": (" ".join(str(rng.randrange(10**6)) for _ in range(560)),) for n in range(6)}
    properties = {name: {"type": "string", "x-quote": name} for name in texts}
    schema = {"type": "object", "properties": properties, "required": list(texts)}
    plain = {name: {"type": "string"} for name in texts}
    assert from_schema(schema, texts) == from_schema({**schema, "properties": plain})


def test_grammars_of_other_texts_are_others() -> None:
    quote = {"type": "string", "x-quote": "body"}
    assert from_schema(quote, {"body": ("one",)}) != from_schema(quote, {"body": ("two",)})
    assert from_schema(quote, {"body": ("one",)}) is from_schema(quote, {"body": ("one",)})
