"""`inputs:`, `models:` and `tools:` of a spec, checked against the plugins that they name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from agentspec.api.backend import Options
from agentspec.api.errors import PluginBroken, PluginMissing
from agentspec.api.messages import Schema
from agentspec.api.tool import Toolset
from agentspec.api.validate import problems_of
from agentspec.plan.catalogue import Catalogue
from agentspec.plan.model import Binding, Input
from agentspec.plan.scope import Scope, closed_object
from agentspec.plan.texts import Texts
from agentspec.spec.model import Spec
from agentspec.spec.shapes import COMPOSITES
from agentspec.spec.shorthand import TypeProblem, parse_type, parse_types
from agentspec.spec.source import Source, Span, Where


class Bindings:
    """The named things that a spec declares above its nodes."""

    def __init__(self, spec: Spec, catalogue: Catalogue, texts: Texts) -> None:
        self.spec = spec
        self.catalogue = catalogue
        self.texts = texts
        self.types, problems = parse_types(spec.fields.types)
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
            return parse_type(raw, self.types)
        except TypeProblem as problem:
            self._report_type(problem, where)
            return {}

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
        """Find the models, after `--profile` and `--bind` have had their say."""
        for name, raw in self.spec.fields.models.items():
            self._bind_model(name, raw, ("models", name))
        if profile is not None:
            for name, raw in self.spec.fields.profiles[profile].models.items():
                self._bind_model(name, raw, ("profiles", profile, "models", name))
        for name, use in bind.items():
            for one in list(self.models) if name == "*" else [name]:
                given = Source(name=f"--bind {one}={use}", text=use)
                self.models[one] = Binding(one, use, {}, given, Span(1, 1, 1, len(use) + 1))

    def _bind_model(self, name: str, raw: Any, where: Where) -> None:
        if isinstance(raw, Mapping) and COMPOSITES.intersection(raw):
            return
        binding = self._binding(name, raw, where)
        if binding is None:
            return
        self.models[name] = binding
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
