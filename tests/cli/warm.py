"""Starts the command line in processes of its own, without waiting for Python and its imports each time.

Reads lines of JSON `[folder, stdout file, words…]` and answers with the process's id, then with its exit code.
"""

from __future__ import annotations

import json
import os
import sys

import agentspec.cli.resume
import agentspec.cli.run
import agentspec.plan.draw  # noqa: F401
from agentspec.cli.main import main


def serve() -> None:
    for line in sys.stdin:
        folder, out, *words = json.loads(line)
        child = os.fork()
        if not child:
            os.chdir(folder)
            file = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            for descriptor in (1, 2):
                os.dup2(file, descriptor)
            sys.argv = ["agentspec", *words]
            main()
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


serve()
