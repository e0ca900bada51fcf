"""Compiles the work of single nodes: LM and tool nodes, and the conditions of controllers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentspec.api.messages import Role, Schema, as_text
from agentspec.api.schema import closed_object, nullable
from agentspec.api.validate import problems_of
from agentspec.plan.agents import Agents
from agentspec.plan.bindings import Bindings
from agentspec.plan.fits import name as type_name
from agentspec.plan.grounded_words import GroundedWords
from agentspec.plan.grounding import grounding_of
from agentspec.plan.infer import ANY, INTEGER, NUMBER, STRING
from agentspec.plan.offers import Offers, single_block
from agentspec.plan.proof.lengths import longest_text, longest_value
from agentspec.plan.reads import Reader
from agentspec.plan.scope import Scope
from agentspec.plan.texts import Texts
from agentspec.plan.work import AgencyWork, Compiled, Grounding, LmWork, Sampling, Settings, ToolWork, TurnWork
from agentspec.spec.expressions.values import text as text_of
from agentspec.spec.model import Node
from agentspec.spec.shapes import LmShape, Sample, ToolShape
from agentspec.spec.source import Where

Given = Mapping[str, tuple[Compiled, Schema]]
"""What a node gives to a tool or an agent: function and type by parameter."""


class Leaves:
    """Compiles nodes that own no block. Each method returns the work and the type of the node's value."""

    def __init__(self, texts: Texts, bindings: Bindings, reader: Reader, agents: Agents) -> None:
        self.texts = texts
        self.bindings = bindings
        self.reader = reader
        self.agents = agents
        self.offers = Offers(texts, bindings, agents)

    def condition(self, raw: Any, where: Where, scope: Scope) -> Compiled | None:
        """Compile a field that always holds an expression; None when the field is absent."""
        for text in self.reader.bare(raw, where):
            return self.texts.compiled(text, scope)[0]
        return None

    def lm(self, node: Node, fields: LmShape, scope: Scope) -> tuple[LmWork | AgencyWork, Schema]:
        """Compile an LM node: one answer, or turns with tools in between."""
        model = self.model(fields.lm, (*node.where, "lm"))
        output = None if fields.output is None else self._output(fields, node)
        value = STRING if output is None else output
        self.bindings.composites.check_answers(fields.lm, nullable(value) if fields.tools else value)
        messages = self._messages(node, fields, value, scope)
        grounding = None if output is None else self._grounding(node, fields, output, scope)
        stop = (fields.stop,) if isinstance(fields.stop, str) else tuple(fields.stop)
        settings = Settings(fields.temperature, fields.max_tokens, stop, fields.seed)
        if not fields.tools:
            sampling = None if fields.sample is None else self._sampling(fields.sample, node.where, value, scope)
            most = self._most_bytes(node, fields, scope)
            return LmWork(model, messages, output, fields.repair, settings, sampling, most, grounding), value
        offers = self.offers.read(fields.tools, (*node.where, "tools"))
        turn = TurnWork(model, output, fields.repair, settings, offers, grounding=grounding)
        block = single_block("lm", "lm", turn, value, self.texts, node.where)
        assert fields.max_turns is not None
        return AgencyWork(messages, fields.max_turns, block, offers), value

    def declared(self, node: Node) -> Schema:
        """The type of a node as far as it is known before it is compiled."""
        fields = node.fields
        if isinstance(fields, LmShape):
            return STRING if fields.output is None else self._output(fields, node)
        if isinstance(fields, ToolShape):
            local, _, function = fields.tool.partition(".")
            toolset = self.bindings.toolsets.get(local)
            tool = None if toolset is None else toolset.tools.get(function)
            return ANY if tool is None else tool.returns
        return ANY

    def _output(self, fields: LmShape, node: Node) -> Schema:
        return self.bindings.read_type(fields.output, (*node.where, "output"), answered=True)

    def _grounding(self, node: Node, fields: LmShape, output: Schema, scope: Scope) -> Grounding | None:
        """What grounded parts of the answer are taken from."""
        words = GroundedWords(fields.output, (*node.where, "output"), self.bindings.spec.fields.types)
        texts = [text for _, text in self.reader.messages(fields, node.where)]
        return grounding_of(self.texts, words, texts, output, scope, node.id)

    def model(self, name: str, where: Where) -> str:
        """The key of a model; an unknown name is reported."""
        known = self.bindings.spec.fields.models
        if name not in known:
            text = f"there is no model `{name}` under `models:`"
            if "/" in name:
                self.texts.report("AS304", text, where, "give it a name under `models:`, and write that name here")
            else:
                self.texts.report_unknown("AS304", text, name, known, where)
        return self.bindings.key(name)

    def _messages(self, node: Node, fields: LmShape, value: Schema, scope: Scope) -> tuple[tuple[Role, Compiled], ...]:
        """The messages of a node, with its examples as earlier turns: after what the system says."""
        messages: list[tuple[Any, Compiled]] = []
        for role, text in self.reader.messages(fields, node.where):
            messages.append((role, worded(self.texts.compiled(text, scope)[0])))
        shown: list[tuple[Any, Compiled]] = []
        for number, example in enumerate(fields.examples):
            what = f"the answer of example {number + 1}"
            self.fits_constant(example.output, value, what, (*node.where, "examples", number, "output"))
            shown += [("user", _text(example.input)), ("assistant", _text(example.output))]
        start = next((place for place, (role, _) in enumerate(messages) if role != "system"), len(messages))
        return (*messages[:start], *shown, *messages[start:])

    def _most_bytes(self, node: Node, fields: LmShape, scope: Scope) -> int | None:
        """How long all messages together can get; see `LmWork`."""
        texts = [self.texts.parse(text) for _, text in self.reader.messages(fields, node.where)]
        shown = [part for example in fields.examples for part in (example.input, example.output)]
        found = [None if text is None else longest_text(text, scope) for text in texts]
        found += [longest_value({"const": part}) for part in shown]
        return None if None in found else sum(length for length in found if length is not None)

    def _sampling(self, sample: Sample, where: Where, value: Schema, scope: Scope) -> Sampling:
        place = (*where, "sample")
        judge = "" if sample.judge is None else self.model(sample.judge, (*place, "judge"))
        self.bindings.composites.check_answers(sample.judge or "", closed_object({"best": INTEGER}))
        seen = Scope(scope, variables={"output": value, "confidence": NUMBER})
        return Sampling(sample.n, sample.pick, judge, self.condition(sample.check, (*place, "check"), seen))

    def tool(self, node: Node, fields: ToolShape, scope: Scope) -> tuple[ToolWork | None, Schema]:
        """Compile a tool node; None when its tool is not known."""
        where = (*node.where, "tool")
        given = self.given(fields.with_, (*node.where, "with"), scope)
        found = self.bindings.find_tools(fields.tool, where)
        if fields.tool.endswith(".*"):
            self.texts.report("AS305", f"`{fields.tool}` is no single tool", where, "name one of its tools")
            return None, {}
        if not found:
            return None, {}
        self.check_arguments(f"`{fields.tool}`", found[0].parameters, given, (*node.where, "with"), where)
        key = self.bindings.key(fields.tool.partition(".")[0])
        return ToolWork(key, found[0], arguments(given)), found[0].returns

    def given(self, raw: Mapping[str, Any], where: Where, scope: Scope) -> Given:
        """Compile `with:`."""
        return {key: self.texts.value(value, (*where, key), scope) for key, value in raw.items()}

    def check_arguments(self, what: str, parameters: Schema, given: Given, where: Where, owner: Where) -> None:
        """Report arguments that are unknown, missing or of the wrong type; `where` is the place of `with:`."""
        known = parameters.get("properties", {})
        for key, (_, schema) in given.items():
            place = (*where, key)
            if key not in known:
                self.texts.report_unknown("AS309", f"{what} takes no `{key}`", key, known, place, key=True)
            elif set(schema) == {"const"}:
                self.fits_constant(schema["const"], known[key], f"`{key}` of {what}", place)
            else:
                self.texts.expect(schema, known[key], f"`{key}` of {what}", place)
        for key in parameters.get("required", ()):
            if key not in given:
                self.texts.report("AS309", f"{what} needs `{key}`: {type_name(known[key])}", owner)

    def fits_constant(self, value: Any, wanted: Schema, what: str, where: Where) -> None:
        """Report a value, written in the spec, that its type does not admit."""
        if problems_of(value, wanted):
            self.texts.report("AS308", f"{what} must be {type_name(wanted)}", where)


def arguments(given: Given) -> Compiled:
    """The function that fills in all arguments."""
    parts = tuple((key, part[0]) for key, part in given.items())
    return lambda lookup: {key: part(lookup) for key, part in parts}


def worded(compiled: Compiled) -> Compiled:
    """A prompt is a text, also where it is one lone expression that gives something else."""
    return lambda lookup: text_of(compiled(lookup))


def _text(value: Any) -> Compiled:
    text = as_text(value)
    return lambda lookup: text
