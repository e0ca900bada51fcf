"""What is added up about models, and what a cascade is said to have saved."""

from __future__ import annotations

import pytest

from agentspec.api.events import CallAnswered, Meta
from agentspec.plan.proof.prices import Price
from agentspec.runtime.usage import ModelUse, Saving


def call(model: str, usd: float | None, how: str = "constrained", tokens: tuple[int, int] = (10, 5)) -> CallAnswered:
    return CallAnswered("a", model, *tokens, usd, 0.5, how, None)


def used(*calls: CallAnswered) -> ModelUse:
    use = ModelUse()
    for one in calls:
        use.answered(one)
    return use


def test_an_answer_that_is_repaired_counts_once_and_its_calls_all() -> None:
    use = used(call("s", 0.1, "invalid"), call("s", 0.1, "repaired"), call("s", 0.1, "failed"), call("s", 0.1, "text"))
    assert (use.calls, use.formats) == (4, {"repaired": 1, "failed": 1, "text": 1})
    assert (use.format_rate, use.tokens_cached, use.usd) == (0.5, None, pytest.approx(0.4))


def test_a_node_of_free_text_has_no_format_rate() -> None:
    assert used(call("s", 0.0, "text")).format_rate is None


def test_what_is_unknown_is_not_nothing() -> None:
    use = used(call("s", None), call("s", 0.1))
    assert use.usd is None
    use.was_taken(Meta())
    assert use.mean_confidence is None
    use.was_taken(Meta(confidence=0.5))
    assert (use.mean_confidence, use.taken) == (0.5, 2)


LARGE = Price(0.01, 0.1)


@pytest.mark.parametrize(
    ("price", "taken", "small", "saved"),
    [
        (LARGE, call("s", 0.02), used(call("s", 0.02)), 0.6 - 0.02),
        (LARGE, call("s", 0.02), used(call("s", 0.02), call("s", 0.02)), 0.6 - 0.04),
        (LARGE, call("l", 0.6), used(call("s", 0.02)), -0.02),
        (LARGE, None, used(), 0.0),
        (LARGE, call("s", None), used(call("s", None)), None),
        (None, call("s", 0.02), used(call("s", 0.02)), None),
        (Price(0.0, 0.0, 0.001), call("s", 0.02), used(call("s", 0.02)), None),
    ],
)
def test_what_small_models_cost_is_held_against_what_the_large_one_would_have(
    price: Price | None, taken: CallAnswered | None, small: ModelUse, saved: float | None
) -> None:
    saving = Saving("l", price)
    saving.taken(taken)
    found = saving.usd({"s": small, "l": used(call("l", 0.6))})
    assert found == (None if saved is None else pytest.approx(saved))


def test_a_large_model_of_unknown_cost_makes_the_saving_unknown() -> None:
    assert Saving("l", LARGE).usd({"s": used(call("s", 0.1)), "l": used(call("l", None))}) is None
