"""One run from inputs to outcome: opens what it needs, drives the plan, closes everything."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from agentspec.api.errors import CannotPause
from agentspec.api.events import BlockCalled, Event, Observer, RunFinished, StepFailed, StepSucceeded
from agentspec.api.journal import Journal, RunInfo
from agentspec.api.messages import Json
from agentspec.api.tool import ToolContext
from agentspec.models.pool import ModelPool
from agentspec.models.secrets import Masker, surroundings
from agentspec.nodes import Budgets, Executor, Services, ToolBelt
from agentspec.nodes.cache import ResultCache
from agentspec.nodes.services import Ask
from agentspec.plan.catalogue import Catalogue
from agentspec.plan.inputs import complete
from agentspec.plan.model import Plan
from agentspec.runtime.driver import Driver
from agentspec.runtime.files import WrittenFiles
from agentspec.runtime.inputs import given_paths
from agentspec.runtime.masking import MaskedEvents, masked_ask
from agentspec.runtime.outcome import Outcome, masked, outcome_of, with_gaps
from agentspec.runtime.record import Record
from agentspec.runtime.recording import Recording, can_pause
from agentspec.runtime.replay import Past

_LONGEST_STRETCH = 1.5
"""How many times as long as a spec says a step may wait before it is tried again."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a caller decides about a run.

    Attributes:
        env: what `${{ env.X }}` and `${{ secrets.X }}` read, beside the `.env` of the spec.
        outputs: folder under which the run makes its own.
        offline: forbid backends that leave this machine.
        stream: whether observers want text while it is written.
        cache: folder with the results of nodes with `cache: true`; None keeps and reuses nothing.
        ask: asks a person what an `approve` node asks; None where nobody is there, then the run pauses.
    """

    env: Mapping[str, str] = field(default_factory=dict)
    outputs: Path = Path("out")
    offline: bool = False
    stream: bool = False
    cache: Path | None = None
    observers: Sequence[Observer] = ()
    ask: Ask | None = None


def new_run_id(agent: str, now: datetime) -> str:
    """A name that sorts by time and that two runs never share: `inbox-20260309-101500-3fa9`."""
    return f"{agent}-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


class Run:
    """One run of a plan: made, executed or resumed once, cancelled from outside if need be.

    Args:
        run: id of the run that is to be resumed.
    """

    def __init__(
        self, plan: Plan, catalogue: Catalogue, options: RunOptions | None = None, *, run: str | None = None
    ) -> None:
        self.id = run or new_run_id(plan.name, datetime.now())
        self._plan = plan
        self._catalogue = catalogue
        self._options = options or RunOptions()
        self._record = Record(plan)
        self._files = WrittenFiles()
        self._driver: Driver | None = None
        self._models: ModelPool | None = None
        self._budgets = Budgets(plan)
        self._journal: Journal | None = None
        self._recording: Recording | None = None
        self._masked = MaskedEvents(Masker(()), self._pass_on)

    def record_in(self, journal: Journal, spec: Path, setup: Mapping[str, Json]) -> None:
        """Have a new run recorded, so that it can be resumed. Raises `JournalFailed`.

        `setup` is what it takes to make the plan again; see `agentspec.runtime.resuming.Recipe`.
        """
        journal.begin(RunInfo(self.id, self._plan.name, str(spec), time.time(), setup))
        self._journal = journal

    async def execute(self, inputs: Mapping[str, Json]) -> Outcome:
        """Run to the end, or until the run pauses. Failures are part of the outcome.

        Cancelling the caller's task cancels the run. Raises `InvalidValue` when the inputs do not fit,
        `EnvironmentUnreadable` for the `.env` of the spec, `CannotPause`: nothing has run then. Events and outcome
        are free of secrets.
        """
        values = complete(self._plan, inputs)
        if self._journal is None and self._options.ask is None and can_pause(self._plan.block):
            text = f"`{self._plan.name}` may ask a person: nobody can be asked here, and the run is not recorded"
            raise CannotPause(text, hint="record the run in a journal, so that it can be resumed with the answer")
        with contextlib.nullcontext() if self._journal is None else self._journal.hold(self.id):
            return await self._drive(values, lambda driver: driver.run(values), 0.0)

    async def resume(self, journal: Journal, past: Past, answers: Sequence[StepSucceeded | StepFailed] = ()) -> Outcome:
        """Go on with a recorded run, which the caller holds; like `execute` otherwise."""
        assert past.state.root is not None
        self._journal = journal
        self._budgets = past.budgets
        for event in past.events:
            self._record(event)
        self._files.add_all(self._outputs)
        values = past.state.root.values["inputs"]
        return await self._drive(values, lambda driver: driver.resume(past, answers), past.active_s)

    async def _drive(
        self,
        values: Mapping[str, Json],
        begin: Callable[[Driver], Awaitable[RunFinished]],
        active_s: float,
    ) -> Outcome:
        plan, options = self._plan, self._options
        outside, masker = surroundings([*plan.models.values(), *plan.tools.values()], plan.folder, options.env)
        names: dict[str, Any] = {"inputs": values, **outside}
        self._masked = MaskedEvents(masker, self._pass_on)
        if self._journal is not None:
            self._recording = Recording(self._journal, self.id, masker, time.time)
        recording = self._recording
        models = self._models = ModelPool(plan.models, self._catalogue, names.__getitem__, options.offline)
        services = self._services(values, names, models)
        ask = masked_ask(options.ask, masker)
        stretch = partial(random.Random(self.id).uniform, 1.0, _LONGEST_STRETCH)  # noqa: S311
        driver = self._driver = Driver(plan, Executor(services), self._observe, recording, ask, stretch=stretch)
        started = services.clock()
        try:
            ended = await begin(driver)
        finally:
            finished = driver.state.finished
            if recording is not None and (finished is not None or driver.paused):
                recording.end("paused" if finished is None else finished.status)
            if finished is not None and finished.status == "cancelled":
                models.drop_background()
            with contextlib.suppress(asyncio.CancelledError):
                await models.close()
        seconds = active_s + services.clock() - started
        outcome = outcome_of(plan, self.id, ended, driver, self._record, self._files, seconds)
        return masked(with_gaps(outcome, recording), masker)

    @property
    def is_recorded(self) -> bool:
        """Whether the run can be resumed."""
        return self._recording is not None and self._recording.failure is None

    def cancel(self, reason: str) -> None:
        """End the run now; `execute` then gives the outcome, with what was done by then."""
        if self._driver is not None:
            self._driver.cancel(reason)
        if self._models is not None:
            self._models.drop_background()

    def _observe(self, event: Event) -> None:
        self._record(event)
        if isinstance(event, BlockCalled):
            self._budgets.hear(event)
        if self._recording is not None:
            self._recording.note(event)
        self._masked(event)

    def _pass_on(self, event: Event) -> None:
        for observer in self._options.observers:
            observer(event)

    @property
    def _outputs(self) -> Path:
        return (self._options.outputs / self.id).absolute()

    def _services(self, values: Mapping[str, Json], names: Mapping[str, Json], models: ModelPool) -> Services:
        plan, recording = self._plan, self._recording
        cache = self._options.cache
        base = ToolContext(None, plan.folder, self._outputs, given_paths(plan, values), wrote=self._files.add)
        return Services(
            run=self.id,
            models=models,
            tools=ToolBelt(plan.tools, self._catalogue, names, base),
            budgets=self._budgets,
            tell=self._observe,
            recorded=None if recording is None else recording.stored,
            stream=self._options.stream,
            cache=None if cache is None else ResultCache(cache, plan, self._catalogue, names["env"]),
        )


async def arun(
    plan: Plan, catalogue: Catalogue, inputs: Mapping[str, Json], options: RunOptions | None = None
) -> Outcome:
    """Run a plan; see `Run.execute`."""
    return await Run(plan, catalogue, options).execute(inputs)


def from_sync(work: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Wait for a run in a caller without an event loop; inside one, in a thread of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    box: list[Any] = []

    def in_thread() -> None:
        try:
            box.append(asyncio.run(work))
        except BaseException as error:
            box.append(error)

    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()
    if isinstance(box[0], BaseException):
        raise box[0]
    return box[0]  # type: ignore[no-any-return]
