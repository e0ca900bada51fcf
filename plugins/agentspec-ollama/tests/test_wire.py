"""Whatever a server sends, nothing but our own errors comes of it."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from agentspec_ollama import wire

WORDS = (
    "message content tool_calls function name logprobs token logprob done model id model_info capabilities "
    "x.context_length prompt_eval_count thinking done_reason"
)
names = st.sampled_from(WORDS.split())
plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
data = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(names, data), st.text(max_size=9))
def test_any_json_is_taken_or_refused(part: dict[str, object], version: str) -> None:
    answer = wire.Answer("m", 0)
    with suppress(wire.ProtocolBroken):
        answer.add(part)
        answer.reply(native=True, usd=None)
    with suppress(wire.ProtocolBroken):
        wire.facts(part, version)
