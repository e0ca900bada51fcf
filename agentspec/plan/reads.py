"""What a node reads: all its texts, its own and those of the blocks that it owns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from agentspec.plan.model import Use
from agentspec.plan.texts import Text, Texts
from agentspec.spec.controller_shapes import (
    AgentShape,
    ApproveShape,
    CodeShape,
    Controller,
    LoopShape,
    MachineShape,
    MapShape,
    PlanShape,
    PluginShape,
    SwitchShape,
)
from agentspec.spec.diagnostics import SpecInvalid
from agentspec.spec.expressions import plain_references
from agentspec.spec.model import Block, Node, Spec
from agentspec.spec.shapes import FileText, LmShape, ToolShape
from agentspec.spec.source import Source, Where
from agentspec.spec.text.loader import read


@dataclass(slots=True)
class Reads:
    """Names that a node reads.

    Attributes:
        firmly: those without a default for the case that they are skipped.
        previous: nodes whose value of the last round is read; they are not waited for.
    """

    names: set[str] = field(default_factory=set)
    firmly: set[str] = field(default_factory=set)
    previous: set[str] = field(default_factory=set)


class Reader:
    """Lists texts and names. Prompt files are read here, once each."""

    def __init__(self, spec: Spec, texts: Texts) -> None:
        self.spec = spec
        self.texts = texts
        self._files: dict[tuple[Path, str], Source | None] = {}

    def reads(self, node: Node) -> Reads:
        """Collect the names that a node and its blocks refer to."""
        found = Reads()
        self._collect(self.texts_of(node), found)
        return found

    def result_reads(self, block: Block) -> set[str]:
        """The names that a block's `result:` refers to."""
        found = Reads()
        self._collect(self.texts.texts_in(block.result, (*block.where, "result")), found)
        return found.names

    def uses(self, node: Node) -> tuple[Use, ...]:
        """Every name that a node's own texts use."""
        return self._uses(self._own_texts(node), len(node.where))

    def result_uses(self, block: Block) -> tuple[Use, ...]:
        """Every name that a block's `result:` uses."""
        return self._uses(self.texts.texts_in(block.result, (*block.where, "result")), len(block.where))

    def _uses(self, texts: Iterable[Text], depth: int) -> tuple[Use, ...]:
        parsed = [(text, self.texts.parse(text)) for text in texts]
        return tuple(Use(text.where[depth:], one.path) for text, found in parsed if found for one in found.references)

    def condition_reads(self, fields: LoopShape, where: Where) -> set[str]:
        """The names that the conditions of a loop refer to."""
        found = Reads()
        for raw, key in ((fields.until, "until"), (fields.while_, "while")):
            self._collect(self.bare(raw, (*where, key)), found)
        return found.names | found.previous

    def _collect(self, texts: Iterable[Text], found: Reads) -> None:
        for text in texts:
            expression = self.texts.parse(text)
            for reference in plain_references(text.raw) if expression is None else expression.references:
                path = reference.path
                word = str(path[1]) if path[0] == "meta" and len(path) > 1 else str(path[0])
                found.names.add(word)
                if path[0] == "previous" and len(path) > 1:
                    found.previous.add(str(path[1]))
                if not reference.guarded:
                    found.firmly.add(word)

    def texts_of(self, node: Node) -> Iterator[Text]:
        """Every text of a node, those of its blocks included."""
        yield from self._own_texts(node)
        for block in node.blocks:
            yield from self.texts.texts_in(block.result, (*block.where, "result"))
            for child in block.nodes.values():
                yield from self.texts_of(child)

    def _own_texts(self, node: Node) -> Iterator[Text]:
        """The texts of a node that stand outside of its blocks, the conditions of cases included."""
        fields, where = node.fields, node.where
        yield from self.bare(fields.when, (*where, "when"))
        if isinstance(fields, LmShape):
            yield from (text for _, text in self.messages(fields, where))
            if fields.sample is not None:
                yield from self.bare(fields.sample.check, (*where, "sample", "check"))
        elif isinstance(fields, ToolShape | AgentShape | CodeShape):
            yield from self.texts.texts_in(fields.with_, (*where, "with"))
        else:
            yield from self._texts_of_controller(fields, where)
        for block in node.blocks:
            yield from self.bare(block.when, (*block.where, "when"))

    def _texts_of_controller(self, fields: Controller, where: Where) -> Iterator[Text]:
        if isinstance(fields, SwitchShape):
            yield from self.bare(fields.on, (*where, "on"))
        elif isinstance(fields, MapShape):
            yield from self.bare(fields.over, (*where, "over"))
        elif isinstance(fields, LoopShape):
            yield from self.bare(fields.until, (*where, "until"))
            yield from self.bare(fields.while_, (*where, "while"))
        elif isinstance(fields, MachineShape):
            for name, ways in fields.next.items():
                for number, way in enumerate(ways if isinstance(ways, list) else ()):
                    yield from self.bare(way.when, (*where, "next", name, number, "when"))
        elif isinstance(fields, ApproveShape):
            yield from self.texts.texts_in(fields.show, (*where, "show"))
        elif isinstance(fields, PlanShape):
            yield from (text for _, text in self.prompt("user", fields.goal, (*where, "goal")))
        elif isinstance(fields, PluginShape):
            yield from self.texts.texts_in(fields.config, where)

    def bare(self, raw: object, where: Where) -> Iterator[Text]:
        """The text of a field that always holds an expression; true, false and numbers are ones, too."""
        if raw is not None:
            written = raw if isinstance(raw, str) else str(raw).lower()
            yield Text(written, where, bare=True)

    def messages(self, fields: LmShape, where: Where) -> Iterator[tuple[str, Text]]:
        """Role and text of each message of an LM node, in order."""
        yield from self.prompt("system", fields.system, (*where, "system"))
        yield from self.prompt("user", fields.prompt, (*where, "prompt"))
        for index, turn in enumerate(fields.messages or ()):
            yield turn.role, Text(turn.content, (*where, "messages", index, "content"), statements=True)

    def prompt(self, role: str, raw: str | FileText | None, where: Where) -> Iterator[tuple[str, Text]]:
        """A text that may stand in a file of its own, with its role; nothing when it is absent or unreadable."""
        if isinstance(raw, str):
            yield role, Text(raw, where, statements=True)
        elif isinstance(raw, FileText):
            source = self._file(raw.file, (*where, "file"))
            if source is not None:
                yield role, Text(source.text, where, statements=True, file=source)

    def _file(self, name: str, where: Where) -> Source | None:
        """Read a file that is named relative to the file which names it, once."""
        folder = (self.texts.document.source_at(where).folder or self.spec.folder).resolve()
        if (folder, name) not in self._files:
            self._files[folder, name] = None
            path = (folder / name).resolve()
            if not path.is_relative_to(folder):
                self.texts.report("AS311", f"`{name}` lies outside the folder of the spec", where)
            else:
                try:
                    self._files[folder, name] = read(path)
                except SpecInvalid as error:
                    self.texts.report("AS311", f"`{name}` cannot be read: {error.message}", where)
        return self._files[folder, name]
