"""What the models of a node were asked, what it cost, and how their answers came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agentspec.api.events import CallAnswered, Meta
from agentspec.plan.model import Binding, Composite
from agentspec.plan.proof.prices import Price, price_book, total_usd
from agentspec.plan.work import LmWork, TurnWork, Work


@dataclass(slots=True)
class ModelUse:
    """One model at one node, over all visits.

    Attributes:
        tokens_cached: None as long as no backend told.
        usd: None once one cost was unknown.
        formats: how many answers came about in which way, see `CallAnswered`; an answer that was shown to the model
            again is not counted, what came of it is.
        taken: answers that became the value of a step.
        escalated: how often another model was asked after this one.
        confidence: sum over the `sure` answers whose confidence is known.
    """

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int | None = None
    usd: float | None = 0.0
    seconds: float = 0.0
    formats: dict[str, int] = field(default_factory=dict)
    taken: int = 0
    escalated: int = 0
    confidence: float = 0.0
    sure: int = 0

    def answered(self, event: CallAnswered) -> None:
        """Count a call."""
        self.calls += 1
        self.tokens_in += event.tokens_in or 0
        self.tokens_out += event.tokens_out or 0
        if event.tokens_cached is not None:
            self.tokens_cached = (self.tokens_cached or 0) + event.tokens_cached
        self.usd = total_usd((self.usd, event.usd))
        self.seconds += event.seconds
        if event.format != "invalid":
            self.formats[event.format] = self.formats.get(event.format, 0) + 1

    def was_taken(self, meta: Meta) -> None:
        """Count an answer that became the value of a step."""
        self.taken += 1
        if meta.confidence is not None:
            self.confidence += meta.confidence
            self.sure += 1

    @property
    def format_rate(self) -> float | None:
        """The share of typed answers that fit in the end; None where there are none."""
        typed = sum(times for how, times in self.formats.items() if how not in ("", "text"))
        return 1 - self.formats.get("failed", 0) / typed if typed else None

    @property
    def mean_confidence(self) -> float | None:
        """The mean of the answers that were taken and whose confidence is known."""
        return self.confidence / self.sure if self.sure else None


@dataclass(slots=True)
class Saving:
    """What a cascade has saved against asking its last model alone: an estimate.

    The last model is taken to need the tokens that the answer of another one took.

    Attributes:
        against: the last model, as `<backend>/<model>`.
        price: its price, None when it is not known.
        instead: what it would have cost in the place of the others; None once that was unknown.
    """

    against: str
    price: Price | None
    instead: float | None = 0.0

    def taken(self, answer: CallAnswered | None) -> None:
        """Note an answer that was taken."""
        if answer is None or answer.model == self.against or self.instead is None:
            return
        knows = self.price is not None and not self.price.second  # nobody knows how long it would have taken
        cost = self.price.usd(answer.tokens_in, answer.tokens_out, 0.0) if knows and self.price else None
        self.instead = None if cost is None else self.instead + cost

    def usd(self, models: Mapping[str, ModelUse]) -> float | None:
        """The estimate; below 0 where the others cost more than they spared. None when a cost is unknown."""
        costs = [use.usd for use in models.values()]
        if self.instead is None or None in costs:
            return None
        return self.instead - sum(use.usd or 0.0 for model, use in models.items() if model != self.against)


def saving_of(work: Work, models: Mapping[str, Binding | Composite]) -> Saving | None:
    """What is to be estimated for a node: None unless it asks a cascade, once for each answer."""
    if not isinstance(work, LmWork | TurnWork) or (isinstance(work, LmWork) and work.sampling is not None):
        return None
    entry = models[work.model]
    if not isinstance(entry, Composite) or entry.kind != "cascade":
        return None
    last = models[entry.members[-1]]
    while isinstance(last, Composite) and last.kind in ("cascade", "fallback", "shadow"):
        last = models[last.members[-1 if last.kind == "cascade" else 0]]
    return Saving(last.use, price_book().of(last)) if isinstance(last, Binding) else None
