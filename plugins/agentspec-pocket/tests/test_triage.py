"""The model that is shipped, asked as its card says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema_rs
import pytest
from asking import ask

import agentspec
from agentspec.api.backend import Backend
from agentspec_pocket.locate import shipped

Open = Callable[..., Backend]

pytestmark = pytest.mark.skipif("triage" not in shipped(), reason="the model is not built")

SCHEMA = {
    "type": "object",
    "properties": {
        "category": {"enum": ["urgent", "meeting", "newsletter", "other"]},
        "reply_needed": {"type": "boolean"},
        "due": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
    },
    "required": ["category", "reply_needed", "due"],
    "additionalProperties": False,
}

AGENT = """
agentspec: 1
name: sort
inputs: {mail: string, dates: [string]}
models: {small: pocket/triage}
nodes:
  sort:
    lm: small
    prompt: "${{ inputs.dates | join(', ') }} ${{ inputs.mail }}"
    output: {due: date from inputs.dates | null, words: quote from inputs.mail}
    max_tokens: 400
"""


def mail(sender: str, bulk: str, dates: str, subject: str, body: str) -> str:
    return f"Sort this e-mail.\nFrom: {sender}\nBulk: {bulk}\nDates: {dates}\nSubject: {subject}\n\n{body}"


MEETING = mail(
    "Ann Lee <ann.lee@example.com>",
    "no",
    "2026-03-09",
    "Meeting on Monday",
    "Hi,\n\ncan we meet on Monday, 9 March at 10:00 to discuss the budget? Please let me know.\n\nBest,\nAnn",
)
OFFER = mail(
    "Garden Shop <news@example.com>",
    "yes",
    "none",
    "Spring sale: 20% off everything",
    "Our spring sale starts today. Save 20% on all plants.\n\nUnsubscribe here.",
)


@pytest.mark.parametrize(("text", "category"), [(MEETING, "meeting"), (OFFER, "newsletter")])
def test_plain_mail_is_sorted(open_model: Open, text: str, category: str) -> None:
    reply = ask(open_model("triage"), text, output=SCHEMA)
    value = json.loads(reply.text)
    jsonschema_rs.Draft202012Validator(SCHEMA, validate_formats=True).validate(value)
    assert value["category"] == category
    assert (reply.model, reply.finish, reply.enforced) == ("triage", "stop", "constrained")


def test_every_value_of_an_answer_has_its_logprobs(open_model: Open) -> None:
    reply = ask(open_model("triage"), MEETING, output=SCHEMA)
    assert reply.logprobs is not None
    assert "".join(token.text for token in reply.logprobs) == reply.text
    assert all(token.logprob <= 0 for token in reply.logprobs)
    assert sum(token.logprob for token in reply.logprobs) < 0


def test_its_compact_form_is_what_the_grammar_wants(open_model: Open) -> None:
    backend = open_model("triage")
    held, free = ask(backend, MEETING, output=SCHEMA), ask(backend, MEETING, max_tokens=80)
    assert held.text == free.text
    assert (held.enforced, free.enforced) == ("constrained", "none")


def test_its_capabilities_are_those_of_the_card(open_model: Open) -> None:
    offered = open_model("triage").capabilities
    assert (offered.context_tokens, offered.tools, offered.logprobs) == (1024, False, True)


def test_a_date_that_has_to_be_found_is_found_by_the_whole_agent(tmp_path: Path) -> None:
    (tmp_path / "agent.yaml").write_text(AGENT, encoding="utf-8")
    run = agentspec.run(agentspec.load(tmp_path / "agent.yaml"), {"mail": MEETING, "dates": ["2026-03-10"]})
    assert run.result["due"] in ("2026-03-10", None)
    assert run.result["words"] in MEETING
    assert run.nodes[0].formats == {"constrained": 1}
