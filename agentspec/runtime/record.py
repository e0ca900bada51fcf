"""What a run used and did, gathered from its events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from agentspec.api.events import (
    BlockCalled,
    CallAnswered,
    ControllerEntered,
    Event,
    ModelEscalated,
    RunStarted,
    StepFailed,
    StepSkipped,
    StepSucceeded,
)
from agentspec.plan.model import Plan
from agentspec.plan.names import letter_and_name
from agentspec.plan.paths import general
from agentspec.plan.proof.prices import total_usd
from agentspec.plan.steps import STEPS
from agentspec.plan.work import PlanningWork, Work, inner_blocks
from agentspec.runtime.trajectory import in_order
from agentspec.runtime.usage import ModelUse, Saving, saving_of


@dataclass(slots=True)
class NodeUse:
    """One row of the cost table: a node over all its visits.

    Attributes:
        kind: `LM` or `T`.
        letter: how the node stands in trajectories: where an agent has several tools, they are `T1`, `T2` and so on.
        by_model: what each of the models that were asked was asked.
        saving: for a node that asks a cascade.
        confidence: sum over the `sure` answers whose confidence is known.
    """

    path: str
    kind: str
    letter: str
    by_model: dict[str, ModelUse] = field(default_factory=dict)
    steps: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    formats: dict[str, int] = field(default_factory=dict)
    confidence: float = 0.0
    sure: int = 0
    saving: Saving | None = None

    @property
    def calls(self) -> int:
        """How often a model was asked."""
        return sum(use.calls for use in self.by_model.values())

    @property
    def tokens_in(self) -> int:
        """Tokens of all prompts."""
        return sum(use.tokens_in for use in self.by_model.values())

    @property
    def tokens_out(self) -> int:
        """Tokens of all answers."""
        return sum(use.tokens_out for use in self.by_model.values())

    @property
    def tokens_cached(self) -> int | None:
        """Tokens that backends had kept; None when none of them told."""
        told = [use.tokens_cached for use in self.by_model.values() if use.tokens_cached is not None]
        return sum(told) if told else None

    @property
    def usd(self) -> float | None:
        """What all calls cost; None when one price was unknown."""
        return total_usd(use.usd for use in self.by_model.values())

    @property
    def models(self) -> dict[str, int]:
        """The models that were asked, each with the number of answers that were taken from it."""
        return {model: use.taken for model, use in self.by_model.items()}

    @property
    def saved_usd(self) -> float | None:
        """What the small models have saved, see `Saving`; None when that is not known, or there are none."""
        return self.saving.usd(self.by_model) if self.saving is not None else None

    @property
    def model(self) -> str:
        """Who answered: one model, or several with their shares of the answers."""
        models = self.models
        answers = sum(models.values())
        if len(models) < 2 or not answers:
            return ", ".join(models)
        return ", ".join(f"{model} {100 * count / answers:.0f} %" for model, count in models.items())


class Record:
    """Observes a run."""

    def __init__(self, plan: Plan) -> None:
        self.nodes: dict[str, NodeUse] = {}
        self._decisions: list[tuple[str, str]] = []
        self._callers: set[str] = set()
        self._planning: dict[str, PlanningWork] = {}
        self._models = plan.models
        self._last: dict[str, CallAnswered] = {}
        works = [(path, node.work) for path, node in plan.block.all_nodes()]
        tools = dict.fromkeys(letter_and_name(work)[1] for _, work in works if letter_and_name(work)[0] == "T")
        self._letters = {name: f"T{at}" if len(tools) > 1 else "T" for at, name in enumerate(tools, 1)}
        self._add(works)

    def _add(self, works: Iterable[tuple[str, Work]]) -> None:
        """Give each LM and tool node its row."""
        for path, work in works:
            kind, name = letter_and_name(work)
            if isinstance(work, PlanningWork):
                self._planning[path] = work
            elif kind == "T" or (kind == "LM" and not inner_blocks(work)):
                letter, saving = self._letters.get(name, kind), saving_of(work, self._models)
                self.nodes.setdefault(path, NodeUse(path, kind, letter, saving=saving))

    def __call__(self, event: Event) -> None:
        """Take in one event."""
        if isinstance(event, StepSucceeded):
            self._succeeded(event)
        elif isinstance(event, CallAnswered):
            self._answered(event)
        elif isinstance(event, ModelEscalated):
            use = self._use(event)
            if use is not None and event.uses in use.by_model:
                use.by_model[event.uses].escalated += 1
        elif isinstance(event, StepFailed):
            use = self._use(event)
            if use is not None:
                use.failed += 1
        elif isinstance(event, StepSkipped):
            use = self._use(event)
            if use is not None:
                use.skipped += 1
        elif isinstance(event, ControllerEntered):
            self._entered(event)
        elif isinstance(event, BlockCalled):
            self._called(event)
        elif isinstance(event, RunStarted):
            self._decisions.clear()

    def _entered(self, event: ControllerEntered) -> None:
        """Note a decision: where the control flow stands when a controller says what comes next."""
        word, choice = event.controller, event.choice
        if word == "machine":
            self._decisions.append((f"{event.path}#{choice.partition('/')[0]}", "C"))
        elif word == "loop":
            self._decisions.append((f"{event.path}#{choice}", "C"))
        elif word in ("switch", "approve"):
            self._decisions.append((event.path, "C"))
        elif word not in ("map", "agent"):  # these decide nothing; what is left calls a block
            self._decisions.append((f"{event.path}/{choice}", "C"))

    def _called(self, event: BlockCalled) -> None:
        """Note who calls. The steps of a model's plan get their rows when it is run."""
        self._callers.add(event.path)
        path = general(event.path)
        if event.name == STEPS and path in self._planning:
            blocks = {offer.name: offer.block for offer in self._planning[path].offers}
            for step in event.values[STEPS]:
                nodes = blocks[step["tool"]].all_nodes(f"{path}/{STEPS}/{step['id']}/")
                self._add((at, node.work) for at, node in nodes)

    def _use(self, event: StepSucceeded | StepFailed | StepSkipped | CallAnswered | ModelEscalated) -> NodeUse | None:
        """The row of a step; None for those that are no LM and no tool."""
        return self.nodes.get(general(event.path))

    def _succeeded(self, event: StepSucceeded) -> None:
        use, meta = self._use(event), event.meta
        if use is None:
            return
        self._decisions.append((event.path, use.letter))
        use.steps += 1
        last = self._last.pop(event.path, None)
        if meta.model is not None:
            use.by_model.setdefault(meta.model, ModelUse()).was_taken(meta)
            if use.saving is not None:
                use.saving.taken(last)
        if meta.calls or meta.format == "cached":
            use.confidence += meta.confidence or 0.0
            use.sure += meta.confidence is not None
            use.formats[meta.format or ""] = use.formats.get(meta.format or "", 0) + 1
        else:
            use.seconds += meta.seconds

    def _answered(self, event: CallAnswered) -> None:
        """Count a call when it is answered: those of a step that then fails cost as much."""
        use = self._use(event)
        assert use is not None, f"{event.path} asks no model"
        use.by_model.setdefault(event.model, ModelUse()).answered(event)
        use.seconds += event.seconds
        self._last[event.path] = event

    def trajectory(self) -> list[str]:
        """The letters LM, T and C in the order of the control flow: items of a map one after the other."""
        return in_order(self._decisions, self._callers)
