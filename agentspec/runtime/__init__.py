"""The asyncio shell.

driver   steps in workers         session  one run from inputs to outcome
inputs   complete and typed       record   what a run used and did
"""

from agentspec.runtime.session import Outcome, Run, RunOptions, arun, run

__all__ = ["Outcome", "Run", "RunOptions", "arun", "run"]
