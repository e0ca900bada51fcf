"""The asyncio shell.

session    one run, inputs to outcome   outcome    how it ended
driver     does what the kernel says    workers    run its steps
questions  asked of persons             recalls    what a caller gets again
recording  a run into its journal       replay     a run from its journal
resuming   finding a run and going on   record     what a run used and did
masking    no secrets in what is told   agent      the same from Python
"""

from agentspec.runtime.outcome import Outcome
from agentspec.runtime.session import Run, RunOptions, arun, run

__all__ = ["Outcome", "Run", "RunOptions", "arun", "run"]
