"""What fits into a request, and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from asking import ask, request
from tiny_gguf import write_tiny

from agentspec.api import BackendRefused, ContextOverflow, Message, Request, ToolOffer
from agentspec.api.backend import Backend

Open = Callable[..., Backend]


@pytest.mark.parametrize("limit", [None, 2000, 100])
def test_a_prompt_that_is_too_long_is_an_error_with_both_numbers(noise: Backend, limit: int | None) -> None:
    with pytest.raises(ContextOverflow, match=r"the prompt has 4,\d\d\d tokens.* 2,048"):
        ask(noise, "no " * 1500, max_tokens=limit)


@pytest.mark.parametrize("in_pieces", [True, False])
def test_prompt_and_answer_must_have_room_together(open_model: Open, tiny: Path, *, in_pieces: bool) -> None:
    async def run() -> None:
        backend = open_model(tiny)
        with pytest.raises(ContextOverflow, match=r"prompt has \d+ tokens and the answer may have 2,040.* 2,048"):
            if in_pieces:
                [part async for part in backend.stream(request(max_tokens=2040))]
            await backend.generate(request(max_tokens=2040))
        await backend.close()

    asyncio.run(run())


def test_a_model_without_a_tool_template_says_so(noise: Backend) -> None:
    assert noise.capabilities.tools is False
    assert noise.capabilities.structured == "constrained"
    assert noise.capabilities.context_tokens == 2048
    assert noise.capabilities.logprobs
    assert not noise.capabilities.remote


TOOLS = (
    "{% if tools %}<tools>{% for tool in tools %}{{ tool | tojson }}{% endfor %}</tools>{% endif %}"
    "{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content or '' }}"
    "{% for c in m.tool_calls or [] %}<tool_call>{{ c.function | tojson }}</tool_call>{% endfor %}"
    "<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)


def test_a_model_with_a_tool_template_is_offered_tools(open_model: Open, tmp_path: Path) -> None:
    backend = open_model(write_tiny(tmp_path / "tools.gguf", context=2048, template=TOOLS))
    assert backend.capabilities.tools
    offer = ToolOffer("find", "Find something.", {"type": "object", "properties": {"what": {"type": "string"}}})
    plain, offered = (ask(backend, max_tokens=5, tools=tools) for tools in ((), (offer,)))
    assert (offered.usage.tokens_in or 0) > (plain.usage.tokens_in or 0) + 50


def test_a_request_that_the_template_refuses_is_refused(open_model: Open, tmp_path: Path) -> None:
    more = "{% if messages | length > 1 %}{{ raise_exception('one at a time') }}{% endif %}"
    template = more + "{{ messages[0].content }}"
    backend = open_model(write_tiny(tmp_path / "strict.gguf", template=template))
    assert ask(backend, output={"type": "boolean"}).text in ("true", "false")
    talk = Request((Message("user", "one"), Message("user", "two")))
    with pytest.raises(BackendRefused, match="one at a time"):
        asyncio.run(backend.generate(talk))


def test_a_conversation_of_all_roles_is_understood(noise: Backend) -> None:
    roles = ("system", "user", "assistant", "user")
    messages = tuple(Message(role, f"I am {role}") for role in roles)  # type: ignore[arg-type]
    talk = Request(messages, output={"type": "boolean"})
    assert asyncio.run(noise.generate(talk)).text in ("true", "false")
