"""The command `agentspec doctor`."""

from __future__ import annotations

import platform
import sys
from importlib import metadata

import click

from agentspec.api.errors import AgentspecError, Exit
from agentspec.api.version import API_VERSION, LANGUAGE_VERSION, VERSION
from agentspec.registry import Registry

_CORE = ("click", "jinja2", "jsonschema-rs", "networkx", "pluggy", "pydantic", "pyyaml", "rich")


@click.command("doctor")
def command() -> int:
    """Tell what is installed and whether it works. Every plugin is imported; nothing is called.

    Exit code 7 when a plugin cannot be used.
    """
    click.echo(f"agentspec {VERSION}  language {LANGUAGE_VERSION}, plugin API {API_VERSION}")
    click.echo(f"python {platform.python_version()}  {sys.executable}")
    click.echo("  ".join(f"{name} {_version(name)}" for name in _CORE))
    broken = 0
    registry = Registry()
    for namespace, distribution in registry.namespaces().items():
        try:
            words = registry.describe(namespace)
        except AgentspecError as error:
            broken += 1
            click.echo(f"{click.style('✗', fg='red')} {namespace:10} {error.message}")
            if error.hint:
                click.echo(f"             {error.hint}")
        else:
            click.echo(
                f"{click.style('✓', fg='green')} {namespace:10} {distribution} {_version(distribution)}: {words}"
            )
    return Exit.MISSING if broken else Exit.OK


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "?"
