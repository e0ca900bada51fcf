"""Secrets do not get into events, neither whole nor in pieces, and a whole run shows none."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from agentspec.api.events import Event, Failure, Meta, Question, StepFailed, StepSucceeded, TextStreamed
from agentspec.models.secrets import Masker
from agentspec.runtime.masking import MaskedEvents, masked_ask

SECRET = "canary"


def finished(path: str) -> StepSucceeded:
    return StepSucceeded(path, None, Meta())


def told(*events: Event, masker: Masker | None = None) -> list[Event]:
    out: list[Event] = []
    masked = MaskedEvents(Masker([SECRET]) if masker is None else masker, out.append)
    for event in events:
        masked(event)
    return out


def text_of(events: list[Event], path: str) -> str:
    return "".join(one.text for one in events if isinstance(one, TextStreamed) and one.path == path)


def test_failures_inside_events_are_masked() -> None:
    [event] = told(StepFailed("a", 1, Failure("a", "AS700", f"refused: {SECRET}", hint=SECRET)))
    assert (event.failure.message, event.failure.hint, event.path) == ("refused: ***", "***", "a")


def test_without_secrets_events_pass_as_they_are() -> None:
    event = TextStreamed("a", SECRET)
    assert told(event, masker=Masker([]))[0] is event


def test_a_question_to_a_person_shows_no_secret() -> None:
    asked = []

    async def ask(path: str, question: Question) -> str:
        asked.append(question)
        return "yes"

    masked = masked_ask(ask, Masker([SECRET]))
    assert masked is not None
    assert asyncio.run(masked("a", Question({"key": SECRET}, ("yes", "no")))) == "yes"
    assert asked == [Question({"key": "***"}, ("yes", "no"))]
    assert masked_ask(None, Masker([SECRET])) is None


@given(st.lists(st.sampled_from(["can", "ary", "canary", "c", "a", "n", "r", "y", " ", "x"]), max_size=12))
def test_a_secret_in_pieces_is_masked_as_if_it_came_whole(pieces: list[str]) -> None:
    events = told(*(TextStreamed("a", piece) for piece in pieces), finished("a"))
    assert text_of(events, "a") == "".join(pieces).replace(SECRET, "***")
    assert SECRET not in text_of(events, "a")
    assert isinstance(events[-1], StepSucceeded)


def test_the_pieces_of_two_steps_do_not_mix() -> None:
    events = told(TextStreamed("a", "can"), TextStreamed("b", "ary"), TextStreamed("a", "ary!"), finished("a"))
    assert (text_of(events, "a"), text_of(events, "b")) == ("***!", "ary")
