"""The command `agentspec config SPEC`."""

from __future__ import annotations

from typing import Any

import click

from agentspec.cli.loading import binding_options, bindings_of, profile_of, spec_path
from agentspec.spec.formats.data import dumps
from agentspec.spec.model import Spec
from agentspec.spec.parse import parse_file
from agentspec.spec.report import keys
from agentspec.spec.shapes import SpecShape
from agentspec.spec.source import Where
from agentspec.spec.text.emit import emit


@click.command("config")
@click.argument("spec")
@click.option("--origin", is_flag=True, help="Say beside each value where it comes from.")
@click.option("--format", "form", type=click.Choice(["yaml", "json"]), default="yaml", help="Form of the answer.")
@binding_options
def command(spec: str, origin: bool, form: str, profile: str | None, bind: tuple[str, ...]) -> None:
    """Print a spec as one file: with all that it extends and includes, its profile and its bindings applied.

    Expressions are printed as they are written: no variable of the environment is read.
    """
    if origin and form == "json":
        raise click.UsageError("--origin writes comments, which JSON does not have.")
    resolved = Resolved(parse_file(spec_path(spec)), profile, bind)
    if form == "json":
        click.echo(dumps(resolved.data))
    else:
        click.echo(emit(resolved.data, resolved.origin if origin else lambda where: ""), nl=False)


class Resolved:
    """The data of a spec with the models that a profile and the command line put in place.

    Raises usage errors for a profile or a model that the spec does not have.
    """

    def __init__(self, spec: Spec, profile: str | None, bind: tuple[str, ...]) -> None:
        self._document = spec.document
        self._profile = profile_of(spec, profile)
        self._bound = bindings_of(spec, bind)
        overlay = spec.fields.profiles[profile].models if profile is not None else {}
        self._overlay = overlay.keys() & spec.fields.models.keys()
        ordered = [key for key in keys(SpecShape) if key in spec.document.data]
        self.data: dict[str, Any] = {key: spec.document.data[key] for key in ordered}
        if spec.fields.models:
            models = {**spec.fields.models, **{name: overlay[name] for name in self._overlay}}
            self.data["models"] = {name: self._word(name) or raw for name, raw in models.items()}

    def origin(self, where: Where) -> str:
        """Say where the value at a place comes from, as `file:line` or `--bind`."""
        name = str(where[1]) if len(where) > 1 and where[0] == "models" else ""
        if name and self._word(name):
            return "--bind"
        if name in self._overlay:
            where = ("profiles", str(self._profile), *where)
        return f"{self._document.source_at(where).name}:{self._document.span(where).line}"

    def _word(self, name: str) -> str | None:
        return self._bound.get(name, self._bound.get("*"))
