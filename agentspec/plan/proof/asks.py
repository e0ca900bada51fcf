"""What one question to a model uses, whatever the model is made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from agentspec.api.messages import Schema
from agentspec.plan.model import Binding, Composite
from agentspec.plan.proof.amounts import ZERO, Amount, Range, Unknown, between, exactly, total, unknown
from agentspec.plan.proof.costs import Cost, in_sequence, one_of
from agentspec.plan.proof.prices import PriceBook
from agentspec.plan.work import LmWork
from agentspec.spec.source import Source, Span

_FRAME = 32
"""Tokens that providers add around the texts of one message, generously."""

_CHARACTERS = 4
"""Characters of English text in a token, as a rule of thumb for what is expected."""

_MISTAKES = 4_000
"""Tokens of the list of mistakes in a repair, at most: ten lines that are cut at 300 characters."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        prompt: tokens of all messages.
        schema: type of the answer, None for free text, which is never repaired.
        most_answer: `max_tokens` of the node, None where it has none.
        name, origin, span: the node that asks.
    """

    prompt: Range
    schema: Schema | None
    repair: int
    most_answer: int | None
    name: str
    origin: Source
    span: Span


def question_of(work: LmWork, most_bytes: int | None, name: str, origin: Source, span: Span) -> Question:
    """The question of an LM node. A token has at least one byte, so bytes bound tokens."""
    frame = _FRAME * len(work.messages)
    if most_bytes is None:
        prompt = unknown_prompt(name, "have texts of any length", origin, span)
    else:
        prompt = between(0, most_bytes / _CHARACTERS, most_bytes + frame)
    return Question(prompt, work.output, work.repair, work.settings.max_tokens, name, origin, span)


def unknown_prompt(name: str, reason: str, origin: Source, span: Span) -> Range:
    """Tokens of a prompt that only a run can know."""
    return unknown(Unknown(f"prompt({name})", f"prompts of `{name}` {reason}", origin, span))


class Asks:
    """Works out what asking a model of a plan uses."""

    def __init__(self, models: Mapping[str, Binding | Composite], book: PriceBook) -> None:
        self.models = models
        self.book = book

    def ask(self, model: str, question: Question) -> Cost:
        """What asking the model behind a key once uses, repairs included."""
        return self._ask(model, question, {})

    def _ask(self, model: str, question: Question, known: dict[str, Cost]) -> Cost:
        if model not in known:
            entry = self.models.get(model)
            if isinstance(entry, Composite):
                known[model] = self._composite(entry, [self._ask(one, question, known) for one in entry.members])
            else:
                known[model] = self._single(model, entry, question)
        return known[model]

    def _composite(self, entry: Composite, members: list[Cost]) -> Cost:
        first, *others = members
        if entry.kind in ("route", "split"):
            return one_of(members)
        if entry.kind == "shadow":
            # The second is asked in the background: nobody waits for it, and the run may end before it is asked.
            return in_sequence((first, members[1] * between(0, 1, 1))).with_chain(first.chain, first.seconds)
        # The next one is asked in half of the cases (cascade), or not at all as long as nothing fails (fallback).
        share, costs = 1.0, [first]
        for other in others:
            share = share / 2 if entry.kind == "cascade" else 0.0
            costs.append(other * between(0, share, 1))
        return in_sequence(costs)

    def _single(self, model: str, entry: Binding | None, question: Question) -> Cost:
        repair = 0 if question.schema is None else question.repair
        schema = 0 if question.schema is None else len(json.dumps(question.schema))
        calls = between(1, 1, 1 + repair)
        answer = self._answer(entry, question)
        first = question.prompt + between(0, schema / _CHARACTERS, schema)
        tokens_in = replace(first, worst=_repeated(first.worst, answer.worst, schema, repair))
        tokens_out = answer * calls
        usd = self._usd(model, entry, calls, tokens_in, tokens_out)
        return Cost(lm_calls=calls, tokens_in=tokens_in, tokens_out=tokens_out, usd=usd, chain=calls)

    def _answer(self, entry: Binding | None, question: Question) -> Range:
        own = None if entry is None else entry.options.get("max_tokens")
        most = question.most_answer or (own if isinstance(own, int) else None)
        if most is not None:
            return between(0, most / 2, most)
        reason = f"answers of `{question.name}` have no `max_tokens`"
        return unknown(Unknown(f"answer({question.name})", reason, question.origin, question.span))

    def _usd(self, model: str, entry: Binding | None, calls: Range, tokens_in: Range, tokens_out: Range) -> Range:
        if entry is None:
            return ZERO
        price = self.book.of(entry)
        if price is None or price.second:
            what = f"the price of `{entry.use}`" if price is None else f"how long a call of `{entry.use}` takes"
            reason = f"{what} is not known"
            return unknown(Unknown(f"usd({model})", reason, entry.origin, entry.span)) * replace(calls, least=0.0)
        if not price.token_in and not price.token_out:
            return ZERO
        return tokens_in * exactly(price.token_in) + tokens_out * exactly(price.token_out)


def sampled(work: LmWork, asks: Asks, question: Question) -> Cost:
    """What an LM node uses, with all its samples."""
    once, sampling = asks.ask(work.model, question), work.sampling
    if sampling is None:
        return once
    n = sampling.n
    if sampling.pick == "first_valid":
        return once * between(1, (n + 1) / 2, n)
    least = n // 2 + 1 if sampling.pick == "majority" else n
    all_of_them = (once * between(least, n, n)).with_chain(once.chain, once.seconds)
    if not sampling.judge:
        return all_of_them
    answers = all_of_them.tokens_out + between(0, 10 * n + 30, 40 * n + 100)
    judging = replace(question, prompt=question.prompt + answers, schema={"type": "integer"}, most_answer=None)
    # Answers that are all the same need no judge.
    return in_sequence((all_of_them, asks.ask(sampling.judge, judging) * between(0, 1, 1)))


def _repeated(prompt: Amount, answer: Amount, schema: int, repair: int) -> Amount:
    """Tokens of all prompts: each repair sends everything before it again, with the last answer and its mistakes."""
    more = total((answer, Amount(_MISTAKES + schema + 2 * _FRAME)))
    return total((prompt * Amount(repair + 1), more * Amount(repair * (repair + 1) / 2)))
