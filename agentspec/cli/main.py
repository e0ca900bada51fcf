"""The command `agentspec`: finds the command's module, and turns errors into messages and exit codes."""

from __future__ import annotations

import errno
import gc
import importlib
import os
import sys
import threading
from pathlib import Path
from typing import NoReturn

import click

from agentspec.api.version import VERSION

_COMMANDS = {
    "check": "Find all that is wrong with a spec, before anything runs.",
    "config": "Print a spec as one file, with everything applied.",
    "doctor": "Tell what is installed and whether it works.",
    "explain": "Explain an error code or a field of a spec.",
    "graph": "Draw an agent.",
    "init": "Make a folder with an agent that runs at once.",
    "migrate": "Rewrite a file of an older version of the language.",
    "models": "List models, and tell how they did in recorded runs.",
    "plan": "Show what would run, and call nobody.",
    "resume": "Go on with a run that was paused or cut off.",
    "run": "Run an agent.",
    "runs": "List and show the runs of a project.",
    "schema": "Print the JSON Schema of specs, for editors.",
}


_NO_MORE = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Why a file, a pipe or a terminal takes nothing more: no defect of ours."""


class _Commands(click.Group):
    """Imports a command's module only when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command = importlib.import_module(f"agentspec.cli.{name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            import difflib

            close = difflib.get_close_matches(args[0], _COMMANDS, 1)
            tail = f" Did you mean '{close[0]}'?" if close else ""
            ctx.fail(f"No such command '{args[0]}'.{tail}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="agentspec")
def cli() -> None:
    """Declarative agents on small language models."""


def main() -> NoReturn:
    """Run the command line and exit."""
    # Imports and plans make many objects and no garbage: collecting costs a fifth of a short command's time.
    gc.disable()
    # Python leaves these out where the process was started without them (`agentspec run desk >&-`).
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115
    _warn_of_namesake()
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        _leave(130)
    except click.FileError as error:
        error.show()
        _leave(2)
    except click.ClickException as error:
        error.show()
        _leave(error.exit_code)
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        _leave(130)
    except OSError as error:
        if error.errno not in _NO_MORE:
            raise
        _leave(1, lost=error)
    except Exception as error:
        from agentspec.api.errors import AgentspecError
        from agentspec.cli.render.errors import show_error

        if not isinstance(error, AgentspecError):
            raise
        show_error(error)
        _leave(int(error.exit))
    _leave(code if isinstance(code, int) else 0)


def _leave(code: int, lost: OSError | None = None) -> NoReturn:
    """Exit; with 1 at least where what was said could not all be written, which is told unless nobody listens."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            lost = error
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    if lost is not None:
        code = code or 1
        if lost.errno != errno.EPIPE:
            click.echo(f"error: the output cannot be written: {lost.strerror}", err=True)
    if threading.active_count() > 1 and code != 0:
        # A tool that blocks in a thread must not hold up a run that has ended, least of all after Ctrl-C.
        os._exit(code)
    sys.exit(code)


def _warn_of_namesake() -> None:
    """Another project on PyPI is called `agentspec` and installs the same package and command."""
    folder = Path(__file__).parents[2]
    try:
        names = [entry.name for entry in folder.iterdir()]
    except OSError:
        return
    if any(name.startswith("agentspec-") and name.endswith(".dist-info") for name in names):
        click.echo(
            "warning: the unrelated package `agentspec` is installed beside `agentspec-slm` and overwrites its files;"
            "\n         pip uninstall agentspec && pip install --force-reinstall agentspec-slm",
            err=True,
        )
