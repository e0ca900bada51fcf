"""The one error tree: every error has a stable code, a message for a person and a way out.

`AgentspecError` and its children mean that something in the user's world is wrong (spec, input, server,
plugin): they are shown without a traceback. Any other exception is a defect of ours or of a plugin.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """Exit codes of the command line (docs/reference/cli.md)."""

    OK = 0
    RUN_FAILED = 1
    USAGE = 2
    SPEC_INVALID = 3
    LIMIT_REACHED = 4
    TESTS_FAILED = 5
    PAUSED = 6
    MISSING = 7
    INTERRUPTED = 130


class AgentspecError(Exception):
    """Root of all errors that a user can mend.

    Attributes:
        message: what happened, one sentence, without a full stop.
        hint: what to do next, or None.
        code: stable, documented in `docs/errors/CODE.md`.
        kind: the class that `retry: {on: [...]}` names, or None when repeating cannot help.
        exit: exit code of the command line when this error ends a run.
        fatal: every other step would meet it, too: the run ends, whatever `retry` and `on_error` say.
    """

    code: str = "AS600"
    kind: str | None = None
    exit: Exit = Exit.RUN_FAILED
    fatal: bool = False

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class PluginMissing(AgentspecError):
    """A spec names a plugin that is not installed, or a thing that the plugin does not have."""

    code = "AS501"
    exit = Exit.MISSING
    fatal = True


class PluginBroken(AgentspecError):
    """A plugin is installed but cannot be used: import error, wrong API version, clash of names."""

    code = "AS502"
    exit = Exit.MISSING
    fatal = True


class ToolError(AgentspecError):
    """A tool could not do what it was asked. Raised by tools."""

    code = "AS601"


class PathRefused(ToolError):
    """A tool asked for a file outside the folders that the run may touch."""

    code = "AS602"


class InvalidValue(AgentspecError):
    """A value does not fit its declared type: a run's input, a tool's argument or a tool's result."""

    code = "AS603"


class VariableMissing(AgentspecError):
    """A model or a tool needs an environment variable that is not set."""

    code = "AS217"
    fatal = True


class EnvironmentUnreadable(AgentspecError):
    """The `.env` file beside the spec cannot be read. The message never shows a line of it."""

    code = "AS218"
    fatal = True


class EvaluationFailed(AgentspecError):
    """An expression met data that it cannot handle."""

    code = "AS604"


class StepTimeout(AgentspecError):
    """A step took longer than its `timeout:`."""

    code = "AS605"
    kind = "timeout"


class StepCrashed(AgentspecError):
    """A tool or a backend raised something that is no `AgentspecError`: a defect of the plugin."""

    code = "AS606"


class LimitReached(AgentspecError):
    """One of the spec's `limits:` would be exceeded by the next call.

    Fatal, unless it is a limit of an agent that is called: what called it goes on as it can.
    """

    code = "AS610"
    exit = Exit.LIMIT_REACHED

    def __init__(self, message: str, *, hint: str | None = None, fatal: bool = True) -> None:
        super().__init__(message, hint=hint)
        self.fatal = fatal


class MachineStuck(AgentspecError):
    """A machine came to its last step, or to a state without a way on, before its end."""

    code = "AS611"


class NoProgress(AgentspecError):
    """A model repeats the same call with the same result, or uses up its turns without an answer."""

    code = "AS612"


class PlanRefused(AgentspecError):
    """A plan that a model wrote is not one that may be run, or a person refused it."""

    code = "AS613"


class CallRefused(AgentspecError):
    """A controller in Python called a node that it does not have, or more often than it may."""

    code = "AS614"


class CallFailed(AgentspecError):
    """A node that a controller in Python called has failed; it carries the code of that failure.

    Attributes:
        done: values of the nodes in it that were done.
    """

    def __init__(
        self, message: str, *, code: str, hint: str | None = None, kind: str | None = None, done: Any = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.kind = kind
        self.done = done


class RunDiverged(AgentspecError):
    """A resumed run does something else than what is recorded: the spec or a plugin has changed."""

    code = "AS615"
    fatal = True


class OutcomeUnknown(AgentspecError):
    """A tool that changes something was running when the run was cut off; nobody knows whether it has."""

    code = "AS616"


class AnswerRefused(AgentspecError):
    """An answer to a question that is not open, or one that is none of its choices."""

    code = "AS617"
    exit = Exit.USAGE


class CannotPause(AgentspecError):
    """An agent may ask a person, nobody can be asked here, and the run would not be kept until somebody can."""

    code = "AS618"


class JournalFailed(AgentspecError):
    """The journal cannot be written: no permission, no room, a value that is no JSON."""

    code = "AS620"
    fatal = True


class JournalUnreadable(AgentspecError):
    """The journal is damaged, or was written by a newer release."""

    code = "AS621"


class RunUnknown(AgentspecError):
    """The project has no such run, or none that can be resumed."""

    code = "AS622"
    exit = Exit.USAGE


class RunEnded(AgentspecError):
    """A run that has ended cannot be resumed."""

    code = "AS623"
    exit = Exit.USAGE


class RunBusy(AgentspecError):
    """A run goes on in another process."""

    code = "AS624"


class SpecChanged(AgentspecError):
    """A file that a run's agent is made of is not what it was when the run began."""

    code = "AS625"


class BackendError(AgentspecError):
    """Something went wrong between a node and its model."""

    code = "AS700"


class BackendUnavailable(BackendError):
    """The server or library behind a backend does not answer."""

    code = "AS701"
    kind = "unavailable"
    exit = Exit.MISSING


class ModelMissing(BackendError):
    """The backend is there, the model is not: no such file, not pulled, unknown to the provider."""

    code = "AS702"
    exit = Exit.MISSING
    fatal = True


class ModelBroken(BackendError):
    """The model file exists but cannot be loaded."""

    code = "AS703"
    exit = Exit.MISSING
    fatal = True


class ContextOverflow(BackendError):
    """The prompt, or prompt and answer, exceed the model's context."""

    code = "AS704"


class RateLimited(BackendError):
    """The provider refuses for now.

    Attributes:
        retry_after_s: seconds to wait, when the provider says so.
    """

    code = "AS705"
    kind = "rate_limit"

    def __init__(self, message: str, *, hint: str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class BackendTimeout(BackendError):
    """The provider did not answer in time."""

    code = "AS706"
    kind = "timeout"


class BackendRefused(BackendError):
    """The provider refuses for good: a missing or wrong key, a request it does not allow."""

    code = "AS707"


class InvalidAnswer(BackendError):
    """A model's answer does not fit the node's `output:` type, also after repair.

    Attributes:
        usages: what the calls that led to it have used, each an `agentspec.api.messages.Usage`.
    """

    code = "AS708"
    kind = "invalid"

    def __init__(self, message: str, *, hint: str | None = None, usages: tuple[Any, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.usages = usages


class NothingToChoose(AgentspecError):
    """A value must be taken from a text, and the text has none of its kind."""

    code = "AS710"


class CircuitOpen(BackendUnavailable):
    """A model failed several times in a row and is left alone for a while: no call was made.

    Attributes:
        retry_after_s: seconds until one call tries it again.
    """

    code = "AS711"

    def __init__(self, message: str, *, hint: str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class OfflineRefused(BackendError):
    """`--offline` forbids this backend, which talks to another machine."""

    code = "AS709"
    exit = Exit.MISSING
    fatal = True
