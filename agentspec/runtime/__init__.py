"""The asyncio shell.

driver     steps in workers            session    one run from inputs to outcome
inputs     complete and typed          record     what a run used and did
questions  asked of persons            recording  a run into its journal
replay     a run from its journal      resuming   finding a run and going on
masking    no secrets in what is told  recalls    what a step gets again
"""

from agentspec.runtime.session import Outcome, Run, RunOptions, arun, run

__all__ = ["Outcome", "Run", "RunOptions", "arun", "run"]
