"""What is left of the limits of a run, or of one agent that it calls.

A call reserves what it may use before it is made. One that certainly breaks a limit is refused. One that might,
together with those under way, waits for these: what they leave is known when they are answered.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from agentspec.api.errors import LimitReached
from agentspec.api.messages import Usage
from agentspec.plan.proof.prices import Price
from agentspec.spec.shapes import Limits


@dataclass(frozen=True, slots=True)
class Need:
    """What a call will use, as far as that is known before it.

    Attributes:
        least_in, likely_in: tokens of the prompt.
        most_out: tokens of the answer at most; None when nothing bounds them.
        price: of the model, None when it is not known.
    """

    least_in: int = 0
    likely_in: int = 0
    most_out: int | None = None
    price: Price | None = None


NOTHING = Need()


class Hold:
    """What a call has reserved, until it is settled.

    Attributes:
        made: whether the call was really made: one that was not gives back its place among `lm_calls`, too.
    """

    def __init__(self, budgets: list[Budget], need: Need) -> None:
        self.made = False
        self._open: list[tuple[Budget, int, float]] = [(one, *one.reserve(need)) for one in budgets]

    def settle(self, usage: Usage) -> None:
        """Put what was used in the place of what was reserved. Raises `LimitReached`."""
        budgets = [one for one, *_ in self._open]
        self._release()
        failures = []
        for budget in budgets:
            try:
                budget.after_call(usage)
            except LimitReached as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def close(self) -> None:
        """Give back what is still reserved."""
        for budget, *_ in self._open if not self.made else ():
            budget.lm_calls -= 1
        self._release()

    def _release(self) -> None:
        for budget, tokens, usd in self._open:
            budget.release(tokens, usd)
        self._open = []


class Budget:
    """Counts what a run, or one visit of a called agent, uses, and refuses the call that would go beyond a limit.

    `visit` is the path of the agent's node; empty for the run.
    """

    def __init__(self, limits: Limits, visit: str = "") -> None:
        self.limits = limits
        self.visit = visit
        self.steps = 0
        self.lm_calls = 0
        self.tokens = 0
        self.usd = 0.0
        self._reserved_tokens = 0
        self._reserved_usd = 0.0
        self._under_way = 0
        self._longest_answer = 0
        self._waiting: list[asyncio.Future[None]] = []

    def before_step(self) -> None:
        """Count a step. Raises `LimitReached`."""
        self._refuse_at("steps", self.steps, self.limits.steps)
        self.steps += 1

    def before_call(self) -> None:
        """Count a call of a model. Raises `LimitReached`."""
        self.check(NOTHING)
        self.lm_calls += 1

    def check(self, need: Need) -> None:
        """Raise `LimitReached` for a call that certainly breaks a limit."""
        limits = self.limits
        self._refuse_at("lm_calls", self.lm_calls, limits.lm_calls)
        self._refuse_at("tokens", self.tokens, limits.tokens)
        self._refuse_beyond("tokens", self.tokens, need.least_in, limits.tokens)
        if limits.usd != 0:  # a limit of nothing is meant for calls that cost nothing
            self._refuse_at("usd", self.usd, limits.usd)
        self._refuse_beyond("usd", self.usd, need.least_in * need.price.token_in if need.price else 0.0, limits.usd)

    def has_room(self, need: Need) -> bool:
        """Tell whether a call can be made beside those under way without a limit being exceeded."""
        if not self._under_way:
            return True
        tokens, usd = self._likely(need)
        limits = self.limits
        return (limits.tokens is None or self.tokens + self._reserved_tokens + tokens <= limits.tokens) and (
            limits.usd is None or self.usd + self._reserved_usd + usd <= limits.usd
        )

    def reserve(self, need: Need) -> tuple[int, float]:
        """Count a call, and keep tokens and money for it. Returns what is to be released."""
        tokens, usd = self._likely(need)
        self.lm_calls += 1
        self._under_way += 1
        self._reserved_tokens += tokens
        self._reserved_usd += usd
        return tokens, usd

    def release(self, tokens: int, usd: float) -> None:
        """A call is over: those that wait look again."""
        self._under_way -= 1
        self._reserved_tokens -= tokens
        self._reserved_usd = self._reserved_usd - usd if self._under_way else 0.0
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.done():
                one.set_result(None)

    async def change(self) -> None:
        """Wait until a call under way is over."""
        change = asyncio.get_running_loop().create_future()
        self._waiting.append(change)
        await change

    def _likely(self, need: Need) -> tuple[int, float]:
        """Tokens and money that a call takes. An answer without bound is taken to be like the longest so far."""
        out = self._longest_answer if need.most_out is None else need.most_out
        usd = 0.0 if need.price is None else need.likely_in * need.price.token_in + out * need.price.token_out
        return need.likely_in + out, usd

    def after_call(self, usage: Usage) -> None:
        """Add what a call used. Raises `LimitReached` when a limit on money cannot be held."""
        self.tokens += (usage.tokens_in or 0) + (usage.tokens_out or 0)
        self._longest_answer = max(self._longest_answer, usage.tokens_out or 0)
        if usage.usd is None and self.limits.usd is not None:
            raise self._reached(
                f"the limit `usd: {self.limits.usd:g}`{self._whose} cannot be held: what the model costs is not known",
                "limit `lm_calls` or `tokens` instead, or bind a model with a known price",
            )
        self.usd += usage.usd or 0.0
        if self.limits.usd == 0 and self.usd > 0:
            self._refuse_at("usd", self.usd, 0.0)

    def _refuse_at(self, name: str, used: float, limit: float | None) -> None:
        if limit is not None and used >= limit:
            raise self._reached(
                f"the limit `{name}: {limit:g}`{self._whose} is reached, {_plain(used)} are used",
                f"raise `limits: {{{name}: …}}` in the {'agent that is called' if self.visit else 'spec'}",
            )

    def _refuse_beyond(self, name: str, used: float, least: float, limit: float | None) -> None:
        if limit is not None and used + least > limit and least:
            raise self._reached(
                f"the limit `{name}: {limit:g}`{self._whose} would be exceeded: {_plain(used)} are used, "
                f"and the next prompt alone takes at least {_plain(least)}",
                f"raise `limits: {{{name}: …}}`, or shorten the prompt",
            )

    @property
    def _whose(self) -> str:
        return f" of the agent at `{self.visit}`" if self.visit else ""

    def _reached(self, text: str, hint: str) -> LimitReached:
        return LimitReached(text, hint=hint, fatal=not self.visit)


def _plain(number: float) -> str:
    """A count or an amount of money, never as `2e-06`."""
    return f"{number:.8f}".rstrip("0").rstrip(".")
