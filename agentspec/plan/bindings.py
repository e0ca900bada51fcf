"""`inputs:`, `models:` and `tools:` of a spec, checked against the plugins that they name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from agentspec.api.backend import Options
from agentspec.api.errors import PluginBroken, PluginMissing
from agentspec.api.messages import Schema
from agentspec.api.schema import is_grounded
from agentspec.api.tool import Toolset
from agentspec.api.validate import problems_of
from agentspec.plan.catalogue import Catalogue
from agentspec.plan.model import Binding, Input
from agentspec.plan.scope import Scope, closed_object
from agentspec.plan.texts import Texts
from agentspec.spec.diagnostics import Diagnostic
from agentspec.spec.model import Spec
from agentspec.spec.shapes import COMPOSITES
from agentspec.spec.source import Source, Span, Where
from agentspec.spec.types.shorthand import TypeProblem, parse_type, parse_types


class Bindings:
    """The named things that a spec declares above its nodes."""

    def __init__(self, spec: Spec, catalogue: Catalogue, texts: Texts) -> None:
        self.spec = spec
        self.catalogue = catalogue
        self.texts = texts
        self.types, problems = parse_types(spec.fields.types)
        texts.types = self.types
        for problem in problems:
            self._report_type(problem, ("types",))
        self.inputs = tuple(self._input(name, raw) for name, raw in spec.fields.inputs.items())
        schemas = {one.name: one.schema for one in self.inputs}
        inputs = closed_object(schemas)
        self.scope = Scope(variables={"inputs": inputs, "env": {"type": "object"}})
        self.scope_of_nodes = Scope(variables={"inputs": inputs})
        self.toolsets: dict[str, Toolset | None] = {}
        self.models: dict[str, Binding] = {}
        self.tools: dict[str, Binding] = {}

    def read_type(self, raw: Any, where: Where) -> Schema:
        """Parse a type; a broken one is reported and gives an unknown type."""
        try:
            schema = parse_type(raw, self.types)
        except TypeProblem as problem:
            self._report_type(problem, where)
            return {}
        if is_grounded(schema):
            text = "`quote` and `… from …` are part of the language, but this release does not hold answers to them yet"
            self.texts.report("AS207", text, where)
        return schema

    def _report_type(self, problem: TypeProblem, where: Where) -> None:
        place = (*where, *problem.where)
        label = f"did you mean `{problem.suggestion}`?" if problem.suggestion else ""
        self.texts.report_inside(problem.code, problem.message, place, problem.start, problem.end, label)

    def _input(self, name: str, raw: Any) -> Input:
        where: Where = ("inputs", name)
        schema = self.read_type(raw, where)
        described = isinstance(raw, Mapping) and isinstance(raw.get("type"), str | list)
        required = not (described and "default" in raw) and not _optional(schema)
        default = raw.get("default") if described else None
        if described and "default" in raw:
            for problem in problems_of(default, schema):
                self.texts.report("AS308", f"the default of `{name}` does not fit: {problem}", (*where, "default"))
        plain = {key: value for key, value in schema.items() if key not in ("default", "description")}
        description = str(raw.get("description", "")) if described else ""
        return Input(name, plain, required, default, description)

    def bind_tools(self) -> None:
        """Find the toolsets. One that is missing is reported once, here."""
        for name, raw in self.spec.fields.tools.items():
            where: Where = ("tools", name)
            binding = self._binding(name, raw, where)
            if binding is None:
                continue
            self.tools[name] = binding
            try:
                self.toolsets[name] = toolset = self.catalogue.toolset(binding.use)
            except (PluginMissing, PluginBroken) as error:
                self.toolsets[name] = None
                self._report_use(error, raw, where)
            else:
                self._check_options(toolset.options, binding, where)

    def bind_models(self, profile: str | None, bind: Mapping[str, str]) -> None:
        """Find the models that the run will use, after `--profile` and `--bind` have had their say.

        What is bound over is not looked for: its plugin may be missing.
        """
        for name, (raw, where) in self._chosen(profile).items():
            use = bind.get(name, bind.get("*"))
            if use is not None:
                self._bind_word(name, use)
            elif not isinstance(raw, Mapping) or not COMPOSITES.intersection(raw):
                binding = self._binding(name, raw, where)
                if binding is not None:
                    self.models[name] = binding
                    self._find_backend(binding, raw, where)

    def _chosen(self, profile: str | None) -> dict[str, tuple[Any, Where]]:
        """The raw bindings with those of the profile in place; the other profiles are only read."""
        fields = self.spec.fields
        chosen: dict[str, tuple[Any, Where]] = {name: (raw, ("models", name)) for name, raw in fields.models.items()}
        for one, overlay in fields.profiles.items():
            for name, raw in overlay.models.items():
                where: Where = ("profiles", one, "models", name)
                if name not in fields.models:
                    text = f"there is no model `{name}` under `models:` that this could replace"
                    self.texts.report_unknown("AS304", text, name, fields.models, where, key=True)
                elif one == profile:
                    chosen[name] = (raw, where)
                else:
                    self._binding(name, raw, where)
        return chosen

    def _bind_word(self, name: str, use: str) -> None:
        """Bind a model as the command line says, and report problems as there."""
        given = Source(name="--bind", text=f"{name}={use}")
        span = Span(1, len(name) + 2, 1, len(name) + len(use) + 2)
        self.models[name] = Binding(name, use, {}, given, span)
        backend, slash, model = use.partition("/")
        code, text, hint = "AS203", f"`{use}` names no model: it is written `<backend>/<model>`", ""
        if slash and model:
            try:
                self.catalogue.backend(backend)
            except (PluginMissing, PluginBroken) as error:
                code, text, hint = error.code, error.message, error.hint or ""
            else:
                return
        self.texts.problems.append(Diagnostic(code, text, given, span, hint))

    def _find_backend(self, binding: Binding, raw: Any, where: Where) -> None:
        backend, slash, model = binding.use.partition("/")
        if not slash or not model:
            text = f"`{binding.use}` names no model: it is written `<backend>/<model>`"
            self.texts.report("AS203", text, where if isinstance(raw, str) else (*where, "use"))
            return
        try:
            factory = self.catalogue.backend(backend)
        except (PluginMissing, PluginBroken) as error:
            self._report_use(error, raw, where)
        else:
            self._check_options(factory.options, binding, where)

    def _binding(self, name: str, raw: Any, where: Where) -> Binding | None:
        if isinstance(raw, str):
            use, options = raw, {}
        elif isinstance(raw, Mapping) and isinstance(raw.get("use"), str):
            use, options = raw["use"], {key: value for key, value in raw.items() if key != "use"}
        else:
            self.texts.report("AS203", f"`{name}` must be a name, or a mapping with `use`", where)
            return None
        for text in self.texts.texts_in(options, where):
            self.texts.compiled(text, self.scope)
        return Binding(name, use, options, self.spec.document.source, self.spec.document.span(where))

    def _report_use(self, error: PluginMissing | PluginBroken, raw: Any, where: Where) -> None:
        place = where if isinstance(raw, str) else (*where, "use")
        self.texts.report(error.code, error.message, place, error.hint or "")

    def _check_options(self, options: type[Options], binding: Binding, where: Where) -> None:
        """Check what can be known now: options that hold expressions are checked when they have values."""
        try:
            options.model_validate(binding.options)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                key = str(detail["loc"][0]) if detail["loc"] else ""
                if "${{" in str(binding.options.get(key, "")):
                    continue
                place = (*where, key) if key in binding.options else where
                if detail["type"] == "extra_forbidden":
                    known = [field.alias or name for name, field in options.model_fields.items()]
                    text = f"`{binding.use}` takes no option `{key}`"
                    self.texts.report_unknown("AS503", text, key, known, place, key=True)
                else:
                    self.texts.report("AS503", f"`{key}` of `{binding.use}`: {detail['msg']}", place)


def _optional(schema: Schema) -> bool:
    return {"type": "null"} in schema.get("anyOf", ())
