"""`python -m agentspec`, for when another package owns the command `agentspec`."""

from agentspec.cli.main import main

main()
