"""One run from inputs to outcome: opens what it needs, drives the plan, closes everything."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from agentspec.api.events import Event, Failure, RunFinished, Status
from agentspec.api.messages import Json
from agentspec.api.tool import ToolContext
from agentspec.kernel.state import Settled
from agentspec.models.pool import Environment, ModelPool
from agentspec.nodes import Budgets, Executor, Services, ToolBelt
from agentspec.plan.catalogue import Catalogue
from agentspec.plan.inputs import complete
from agentspec.plan.model import Plan
from agentspec.runtime.driver import Driver
from agentspec.runtime.inputs import given_paths
from agentspec.runtime.record import NodeUse, Record

Observer = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Attributes:
        run: the run's id.
        result: the agent's result; None unless `status` is `ok`.
        partial: values of the outermost nodes that were done, when the run did not end well.
        failure: why it did not.
        problems: failures that the spec allowed for.
        nodes: what each LM and tool node used.
        trajectory: the letters LM, T and C.
        files: what the run wrote.
        seconds: wall time.
    """

    run: str
    agent: str
    status: Status
    result: Json
    failure: Failure | None
    problems: tuple[Failure, ...]
    nodes: tuple[NodeUse, ...]
    trajectory: tuple[str, ...]
    files: tuple[Path, ...]
    seconds: float
    partial: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a caller decides about a run.

    Attributes:
        env: what `${{ env.X }}` reads.
        outputs: folder under which the run makes its own.
        offline: forbid backends that leave this machine.
        stream: whether observers want text while it is written.
    """

    env: Mapping[str, str] = field(default_factory=dict)
    outputs: Path = Path("out")
    offline: bool = False
    stream: bool = False
    observers: Sequence[Observer] = ()


def new_run_id(agent: str, now: datetime) -> str:
    """A name that sorts by time and that two runs never share: `inbox-20260309-101500-3fa9`."""
    return f"{agent}-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


class Run:
    """One run of a plan: made, executed once, cancelled from outside if need be."""

    def __init__(self, plan: Plan, catalogue: Catalogue, options: RunOptions | None = None) -> None:
        self.id = new_run_id(plan.name, datetime.now())
        self._plan = plan
        self._catalogue = catalogue
        self._options = options or RunOptions()
        self._record = Record(plan)
        self._files = _Files()
        self._driver: Driver | None = None

    async def execute(self, inputs: Mapping[str, Json]) -> Outcome:
        """Run to the end. Failures are part of the outcome; cancelling the caller's task cancels the run.

        Raises `InvalidValue` when the inputs do not fit: nothing has run then.
        """
        values = complete(self._plan, inputs)
        names = {"inputs": values, "env": Environment(self._options.env)}
        plan, offline = self._plan, self._options.offline
        models = ModelPool(plan.models, self._catalogue, names.__getitem__, offline)
        services = self._services(values, names, models)
        driver = self._driver = Driver(plan, Executor(services), self._observe)
        started = services.clock()
        try:
            ended = await driver.run(values)
        finally:
            with contextlib.suppress(asyncio.CancelledError):
                await models.close()
        return _outcome(plan, self.id, ended, driver, self._record, self._files, services.clock() - started)

    def cancel(self, reason: str) -> None:
        """End the run now; `execute` then gives the outcome, with what was done by then."""
        if self._driver is not None:
            self._driver.cancel(reason)

    def _observe(self, event: Event) -> None:
        self._record(event)
        for observer in self._options.observers:
            observer(event)

    def _services(self, values: Mapping[str, Json], names: Mapping[str, Json], models: ModelPool) -> Services:
        plan = self._plan
        outputs = (self._options.outputs / self.id).absolute()
        base = ToolContext(None, plan.folder, outputs, given_paths(plan, values), wrote=self._files.add)
        return Services(
            run=self.id,
            models=models,
            tools=ToolBelt(plan.tools, self._catalogue, names, base),
            budgets=Budgets(plan),
            tell=self._observe,
            stream=self._options.stream,
        )


async def arun(
    plan: Plan, catalogue: Catalogue, inputs: Mapping[str, Json], options: RunOptions | None = None
) -> Outcome:
    """Run a plan; see `Run.execute`."""
    return await Run(plan, catalogue, options).execute(inputs)


def _outcome(
    plan: Plan, run: str, ended: RunFinished, driver: Driver, record: Record, files: _Files, seconds: float
) -> Outcome:
    state, partial = driver.state, {}
    if ended.status != "ok" and state.root is not None:
        done = zip(state.root.block.nodes, state.root.settled, strict=True)
        partial = {node.id: state.root.values[node.id] for node, how in done if how == Settled.DONE}
    return Outcome(
        run=run,
        agent=plan.name,
        status=ended.status,
        result=ended.result,
        failure=ended.failure,
        problems=tuple(state.problems),
        nodes=tuple(record.nodes.values()),
        trajectory=tuple(record.trajectory()),
        files=files.listed(),
        seconds=seconds,
        partial=partial,
    )


class _Files:
    """Collects the files that tools write, from whatever thread they do it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._paths: dict[Path, None] = {}

    def add(self, path: Path) -> None:
        with self._lock:
            self._paths[path] = None

    def listed(self) -> tuple[Path, ...]:
        with self._lock:
            return tuple(path for path in self._paths if path.exists())


def run(plan: Plan, catalogue: Catalogue, inputs: Mapping[str, Json], options: RunOptions | None = None) -> Outcome:
    """`arun` for callers without an event loop; inside one it uses a thread of its own."""
    work = arun(plan, catalogue, inputs, options)
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
