"""What must hold after every event; tests check it, and a debugging session may."""

from __future__ import annotations

from agentspec.kernel.state import Frame, Settled, State


def broken_invariants(state: State) -> list[str]:
    """Describe every invariant that does not hold; an empty list is a healthy state."""
    found = []
    if state.agenda:
        found.append("the agenda is not empty between events")
    if state.finished is not None and (state.running or state.paused):
        found.append(f"the run has ended while {sorted([*state.running, *state.paused])} are open")
    if state.running.keys() & state.paused.keys():
        found.append(f"{sorted(state.running.keys() & state.paused.keys())} run and wait for a person")
    if state.finished is None and state.root is not None and not state.running and not state.paused:
        found.append("nothing runs and the run has not ended")
    steps = [*state.running.items(), *((path, paused.step) for path, paused in state.paused.items())]
    for path, step in steps:
        if step.frame.path_of(step.node) != path:
            found.append(f"`{path}` is filed under the wrong path")
        if step.frame.settled[step.node.index] != Settled.NOT_YET:
            found.append(f"`{path}` runs although it is settled")
        if _is_left_behind(step.frame):
            found.append(f"`{path}` runs inside a controller that is settled")
    for path, visit in state.timed.items():
        if visit.frame.settled[visit.node.index] != Settled.NOT_YET or _is_left_behind(visit.frame):
            found.append(f"the time of `{path}` runs although it is settled")
    for frame in state.frames():
        unsettled = frame.settled.count(Settled.NOT_YET)
        if frame.open != unsettled:
            found.append(f"frame `{frame.prefix}` counts {frame.open} open nodes, {unsettled} are")
        for node in frame.block.nodes:
            missing = sum(
                1
                for other in frame.block.nodes
                if node.index in other.successors and frame.settled[other.index] == Settled.NOT_YET
            )
            if frame.waiting[node.index] != missing:
                found.append(f"`{node.id}` counts {frame.waiting[node.index]} to wait for, {missing} are")
            if missing and frame.settled[node.index] != Settled.NOT_YET:
                found.append(f"`{node.id}` is settled before those that it waits for")
    return found


def _is_left_behind(frame: Frame) -> bool:
    """Tell whether a controller around this frame is settled."""
    while frame.visit is not None:
        visit = frame.visit
        if visit.frame.settled[visit.node.index] != Settled.NOT_YET:
            return True
        frame = visit.frame
    return False
