"""The asyncio shell.

session    one run, inputs to outcome   outcome    how it ended
driver     does what the kernel says    workers    run its steps
inputs     read from a command line     files      that a run has written
questions  asked of persons             recalls    what a caller gets again
recording  a run into its journal       replay     a run from its journal
resuming   finding a run and going on   statistics what all recorded runs used
record     what a run used and did      usage      the same of one model
trajectory LM, T and C in their order   masking    no secrets in what is told
agent      all of it from Python
"""

from agentspec.runtime.outcome import Outcome
from agentspec.runtime.session import Run, RunOptions, arun

__all__ = ["Outcome", "Run", "RunOptions", "arun"]
