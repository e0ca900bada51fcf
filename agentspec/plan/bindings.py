"""`inputs:`, `models:` and `tools:` of a spec, checked against the plugins that they name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from agentspec.api.backend import Options
from agentspec.api.errors import PluginBroken, PluginMissing
from agentspec.api.messages import Schema
from agentspec.api.schema import closed_object, is_grounded
from agentspec.api.tool import Tool, Toolset
from agentspec.api.validate import problems_of
from agentspec.plan.agents import Agents
from agentspec.plan.composites import Composites, composite_of
from agentspec.plan.grounded_words import report_astray
from agentspec.plan.model import Binding, Composite, Input
from agentspec.plan.scope import Scope
from agentspec.plan.texts import Text, Texts
from agentspec.spec.diagnostics import Diagnostic, did_you_mean
from agentspec.spec.model import Spec
from agentspec.spec.model_shapes import ModelShape
from agentspec.spec.source import Source, Span, Where
from agentspec.spec.types.shorthand import TypeProblem, parse_type, parse_types

OUTSIDE = ("env", "secrets")
"""Names that options may read beside `inputs`: variables of the environment."""
_TEXTS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}


class Bindings:
    """The named things that a spec declares above its nodes."""

    def __init__(self, spec: Spec, agents: Agents, texts: Texts) -> None:
        self.spec = spec
        self.catalogue = agents.catalogue
        self.agents = agents
        self.texts = texts
        self._prefix = agents.prefix
        self._read: dict[Where, Schema] = {}
        self.types, problems = parse_types(spec.fields.types)
        texts.types = self.types
        for problem in problems:
            self._report_type(problem, ("types",))
        self.inputs = tuple(self._input(name, raw) for name, raw in spec.fields.inputs.items())
        schemas = {one.name: one.schema for one in self.inputs}
        inputs = closed_object(schemas)
        self.scope = Scope(variables={"inputs": inputs, **dict.fromkeys(OUTSIDE, _TEXTS)})
        self.scope_of_nodes = Scope(variables={"inputs": inputs})
        self.toolsets: dict[str, Toolset | None] = {}
        self.models: dict[str, Binding | Composite] = {}
        self.composites = Composites(self)
        self.tools: dict[str, Binding] = {}

    def key(self, name: str) -> str:
        """The key of a model or toolset in the plan; see `Plan.models`."""
        return self._prefix + name

    def find_tools(self, word: str, where: Where) -> list[Tool]:
        """The tools that `<toolset>.<tool>` or `<toolset>.*` names; what is wrong with the word is reported.

        Empty, too, for a toolset whose plugin is missing: that was reported where it is bound.
        """
        local, _, function = word.partition(".")
        if local not in self.spec.fields.tools:
            text = f"there is no toolset `{local}` under `tools:`"
            known = [f"{name}.{function}" if function else name for name in self.tools]
            if known:
                self.texts.report_unknown("AS305", text, word, known, where)
            else:
                self.texts.report("AS305", text, where, f"declare it: `tools: {{{local}: TOOLSET}}`")
            return []
        toolset = self.toolsets.get(local)
        if toolset is None:
            return []
        if function == "*":
            return list(toolset.tools.values())
        tool = toolset.tools.get(function)
        if tool is None:
            lacks = f"`{local}` has no tool `{function}`"
            text = lacks if function else f"`{local}` is a toolset, name one of its tools"
            known = [f"{local}.{name}" for name in toolset.tools]
            self.texts.report_unknown("AS305", text, word, known, where)
            return []
        return [tool]

    def read_type(self, raw: Any, where: Where, *, answered: bool = False) -> Schema:
        """Parse a type; a broken one is reported, once, and gives an unknown type.

        `answered` says that it is the type of a model's answer: no other may be grounded.
        """
        if where not in self._read:
            self._read[where] = self._parse_type(raw, where, answered)
        return self._read[where]

    def _parse_type(self, raw: Any, where: Where, answered: bool) -> Schema:
        try:
            schema = parse_type(raw, self.types)
        except TypeProblem as problem:
            self._report_type(problem, where)
            return {}
        if is_grounded(schema) and not answered:
            report_astray(self.texts, raw, where, self.spec.fields.types, schema)
        return schema

    def _report_type(self, problem: TypeProblem, where: Where) -> None:
        place = (*where, *problem.where)
        label = did_you_mean(problem.suggestion)
        if problem.at_key or not problem.end:
            key, fix = problem.at_key, problem.suggestion
            self.texts.report(problem.code, problem.message, place, label, key=key, fix=fix)
        else:
            start, end = problem.start, problem.end
            self.texts.report_inside(problem.code, problem.message, place, start, end, label, problem.suggestion)

    def _input(self, name: str, raw: Any) -> Input:
        where: Where = ("inputs", name)
        schema = self.read_type(raw, where)
        described = isinstance(raw, Mapping) and "type" in raw and "type" not in schema.get("properties", {})
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

    def bind_models(self) -> None:
        """Find the models that the run will use, after `--profile` and `--bind` have had their say.

        What is bound over is not looked for: its plugin may be missing.
        """
        for name, (raw, where) in self._chosen(self.agents.profile_of(self.spec)).items():
            use = self.agents.bind_of(name)
            if use is not None:
                self._bind_word(name, use)
            else:
                self.bind_model(name, raw, where)
        self.composites.check_circles()

    def bind_model(self, name: str, raw: Any, where: Where, *, key: bool = False, chosen: bool = True) -> None:
        """Bind one model, or one that is made of others with all that is written inside it.

        `key` says that the model is written as a key. One that is not `chosen` for the run is only looked at:
        its plugin may be missing.
        """
        kind = composite_of(raw)
        if kind is not None:
            composite = self.composites.compile(name, kind, raw, where, chosen)
            if composite is not None and chosen:
                self.models[name] = composite
            return
        if isinstance(raw, Mapping) and "use" not in raw:
            self.composites.report_shapeless(raw, where)
            return
        binding = self._with_terms(self._binding(name, raw, where), where)
        if binding is not None:
            self._refuse_inputs(binding, where)
            if chosen:
                self.models[name] = binding
                self._find_backend(binding, raw, where, key)

    def _with_terms(self, binding: Binding | None, where: Where) -> Binding | None:
        """The binding with what the core takes apart from the options of the backend; None for wrong terms."""
        if binding is None or not (keys := binding.options.keys() & ModelShape.model_fields.keys()):
            return binding
        try:
            terms = ModelShape.model_validate({"use": binding.use, **{key: binding.options[key] for key in keys}})
        except ValidationError as error:
            self.texts.report_shape(ModelShape, error, where)
            return None
        options = {key: value for key, value in binding.options.items() if key not in keys}
        return replace(binding, options=options, terms=terms)

    def _refuse_inputs(self, binding: Binding, where: Where) -> None:
        """Report inputs in the options of a called agent's model: a model is opened once, for all visits."""
        for text in self.texts.texts_in(binding.options, where) if self._prefix else ():
            expression = self.texts.parse(text)
            for reference in expression.references if expression else ():
                if reference.path[0] == "inputs":
                    message = "the models of an agent that another one calls cannot read its inputs"
                    self.texts.report_inside("AS302", message, text.where, reference.start, reference.end)

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
                    self.bind_model(name, raw, where, chosen=False)
        return chosen

    def _bind_word(self, name: str, use: str) -> None:
        """Bind a model as the command line says, and report problems as there."""
        given = Source(name="--bind", text=f"{name}={use}")
        span = Span(1, len(name) + 2, 1, len(name) + len(use) + 2)
        self.models[name] = Binding(name, use, {}, given, span, self.spec.folder)
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

    def _find_backend(self, binding: Binding, raw: Any, where: Where, key: bool) -> None:
        backend, slash, model = binding.use.partition("/")
        if not slash or not model:
            text = f"`{binding.use}` names no model: it is written `<backend>/<model>`"
            self.texts.report("AS203", text, where if isinstance(raw, str) else (*where, "use"), key=key)
            return
        try:
            factory = self.catalogue.backend(backend)
        except (PluginMissing, PluginBroken) as error:
            self._report_use(error, raw, where, key=key)
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
            self._refuse_whole(text)
        document = self.spec.document
        return Binding(name, use, options, document.source_at(where), document.span(where), self.spec.folder)

    def _refuse_whole(self, text: Text) -> None:
        """Report an expression that reads the environment as a whole, or a variable that it computes.

        Which variables a run reads is known from the spec alone: so are the secrets to mask.
        """
        expression = self.texts.parse(text)
        for reference in expression.references if expression else ():
            if reference.path[0] in OUTSIDE and len(reference.path) < 2:
                word = reference.path[0]
                self.texts.report_inside(
                    "AS216",
                    f"`{word}` is read without the name of a variable",
                    text.where,
                    reference.start,
                    reference.end,
                    f"write `{word}.NAME`",
                )

    def _report_use(self, error: PluginMissing | PluginBroken, raw: Any, where: Where, *, key: bool = False) -> None:
        place = where if isinstance(raw, str) else (*where, "use")
        self.texts.report(error.code, error.message, place, error.hint or "", key=key)

    def _check_options(self, options: type[Options], binding: Binding, where: Where) -> None:
        self.check_config(options, binding.options, binding.use, where)

    def check_config(self, options: type[Options], given: Mapping[str, Any], use: str, where: Where) -> None:
        """Check what can be known now: options that hold expressions are checked when they have values."""
        try:
            options.model_validate(given)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                key = str(detail["loc"][0]) if detail["loc"] else ""
                if "${{" in str(given.get(key, "")):
                    continue
                place = (*where, key) if key in given else where
                if detail["type"] == "extra_forbidden":
                    known = [field.alias or name for name, field in options.model_fields.items()]
                    text = f"`{use}` takes no option `{key}`"
                    self.texts.report_unknown("AS503", text, key, known, place, key=True)
                else:
                    self.texts.report("AS503", f"`{key}` of `{use}`: {detail['msg']}", place)


def _optional(schema: Schema) -> bool:
    return {"type": "null"} in schema.get("anyOf", ())
