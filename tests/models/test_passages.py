"""Quotes are found in a text, whatever stands between their words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agentspec.models.passages import Passages

TEXT = "Dear Anna,\n\n  please pay\t1,200 EUR\u00a0by Friday.\nYours, Bob"


def test_the_passage_is_given_as_it_stands_in_the_text() -> None:
    passages = Passages(TEXT)
    assert passages.find("please pay 1,200") == "please pay\t1,200"
    assert passages.find("\n Anna,  please ") == "Anna,\n\n  please"
    assert passages.find("EUR by") == "EUR\u00a0by"
    assert passages.find(TEXT) == TEXT


def test_what_is_not_there_is_not_found() -> None:
    passages = Passages(TEXT)
    for quote in ("dear Anna", "pay 1200", "Anna please", "pleasepay", "", "  \n", "Bob.", "Bob Yours"):
        assert passages.find(quote) is None, quote
    assert Passages("").find("a") is None
    assert Passages(" \n").nearest("a") == (0, "")


def test_the_nearest_passage_shares_most_words() -> None:
    passages = Passages(TEXT)
    assert passages.nearest("Please pay 1200 EUR") == (3, "please pay 1,200 EUR")
    assert passages.nearest("yours truly, Bob") == (1, "Friday. Yours, Bob")
    assert passages.nearest("nothing of this") == (0, "")
    assert Passages("pay x x EUR y pay EUR x").nearest("pay EUR") == (2, "pay EUR")
    assert passages.nearest("")[0] == 0
    shared, shown = Passages("so " * 500).nearest("so " * 500)
    assert (shared, len(shown)) == (500, 200)


@given(st.text("ab. \n\t\u00a0", max_size=60), st.text("ab. \n", min_size=1, max_size=8))
def test_what_is_found_stands_in_the_text_and_says_the_same(text: str, quote: str) -> None:
    found = Passages(text).find(quote)
    if found is None:
        assert not quote.split() or " ".join(quote.split()) not in " ".join(text.split())
    else:
        assert found in text
        assert found.split() == quote.split()


@given(st.text("abc \n", max_size=80), st.text("abc d\n", max_size=20))
def test_the_nearest_passage_is_a_passage(text: str, quote: str) -> None:
    shared, shown = Passages(text).nearest(quote)
    assert shown in " ".join(text.split())
    assert bool(shown) == bool(shared) == bool({*text.split()} & {*quote.split()})
