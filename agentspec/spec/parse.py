"""Document -> Spec: every problem of shape is found and located."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from agentspec.spec.collector import collector_resting
from agentspec.spec.compose import compose
from agentspec.spec.controller_shapes import CONTROLLERS, FreeShape, MapShape, PluginShape, SwitchShape
from agentspec.spec.diagnostics import SpecInvalid, did_you_mean, suggest
from agentspec.spec.model import Block, Kind, Node, Spec
from agentspec.spec.report import Reporter
from agentspec.spec.shapes import CaseShape, LmShape, Shape, SpecShape, ToolShape
from agentspec.spec.source import Source, Where
from agentspec.spec.text.document import Document
from agentspec.spec.text.loader import load, read
from agentspec.spec.version import report_foreign

_IN_EXPRESSIONS = {"true", "false", "none", "null", "and", "or", "not", "in", "is", "if", "else"}
_OF_SPECS = {"inputs", "env", "secrets", "meta", "loop", "previous", "args", "result", "end"}
RESERVED = frozenset(_OF_SPECS | _IN_EXPRESSIONS | {"True", "False", "None"})
"""Names that mean something of their own, in a spec or in an expression."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
"""The name of an agent or a model; it is never part of an expression."""
_KINDS: tuple[Kind, ...] = ("lm", "tool", "controller")
_S = TypeVar("_S", bound=Shape)


def parse_file(path: Path) -> Spec:
    """Read and parse a spec file. Raises `SpecInvalid` with every problem of text or shape."""
    return parse(load(read(path)), folder=path.resolve().parent)


def parse_text(text: str, name: str = "<spec>", folder: Path = Path()) -> Spec:
    """Parse a spec held as text. Raises `SpecInvalid`."""
    return parse(load(Source(name=name, text=text)), folder=folder)


def parse(document: Document, folder: Path) -> Spec:
    """Give a loaded document its shape, with all that it extends and includes. Raises `SpecInvalid`."""
    walker = _Walker(document)
    with collector_resting():
        spec = None if report_foreign(walker) else walker.spec(document, folder)
    if spec is None:
        raise SpecInvalid(walker.problems)
    return spec


class _Walker(Reporter):
    """Walks down the raw data, collecting problems instead of stopping at the first."""

    def spec(self, document: Document, folder: Path) -> Spec | None:
        """Parse the whole file with those that it names; None when something is wrong."""
        self.document = compose(document, folder)
        data = self.document.data
        fields = self.shape(SpecShape, data, ())
        block = self.block(data, ())
        self._check_declarations()
        if fields is None or self.problems:
            return None
        return Spec(document=self.document, fields=fields, block=block, folder=folder)

    def _check_declarations(self) -> None:
        """Check the names of what is declared above the nodes."""
        data = self.document.data
        if isinstance(data.get("name"), str):
            self._check_label(data["name"], ("name",), key=False)
        for section in ("inputs", "types", "tools", "models"):
            declared = data.get(section)
            for name in declared if isinstance(declared, Mapping) else ():
                if section == "models":
                    self._check_label(name, (section, name), key=True)
                elif not _NAME.fullmatch(name):
                    self._report_name(name, "`_`", (section, name), key=True)

    def block(self, data: Mapping[str, Any], where: Where, label: str = "", when: Any = None) -> Block:
        """Parse `nodes:` of a mapping that stands for a block."""
        nodes = data.get("nodes")
        if nodes is not None and not isinstance(nodes, Mapping):
            return Block(where, {}, label, when)
        nodes = nodes or {}
        if not nodes and "nodes" in data:
            self.report("AS203", "a block needs at least one node", (*where, "nodes"))
        parsed = {}
        for name, raw in nodes.items():
            place = (*where, "nodes", name)
            self._check_name(name, place, key=True)
            node = self.node(name, raw, place)
            if node is not None:
                parsed[name] = node
        result, output = data.get("result"), data.get("output")
        return Block(where, parsed, label, when, result, "result" in data, output)

    def node(self, name: str, raw: Any, where: Where) -> Node | None:
        """Parse one node with all that it owns."""
        if not isinstance(raw, Mapping):
            self.report("AS203", f"node `{name}` must be a mapping with `lm`, `tool` or `controller`", where)
            return None
        kinds = [kind for kind in _KINDS if kind in raw]
        if kinds == ["lm", "controller"] and raw["controller"] == "plan":
            kinds = ["controller"]  # the model that writes the plan
        if len(kinds) != 1:
            self._report_kinds(name, raw, where, kinds)
            return None
        if kinds[0] == "controller":
            return self._controller(name, raw, where)
        fields = self.shape(LmShape, raw, where) if kinds[0] == "lm" else self.shape(ToolShape, raw, where)
        return None if fields is None else Node(name, kinds[0], where, fields)

    def _controller(self, name: str, raw: Mapping[str, Any], where: Where) -> Node | None:
        word = raw["controller"]
        if isinstance(word, str) and "/" in word:
            return self._plugin_controller(name, raw, where)
        shape = CONTROLLERS.get(word) if isinstance(word, str) else None
        if shape is None:
            place = (*where, "controller")
            self.report_unknown("AS209", f"there is no controller `{word}`", str(word), CONTROLLERS, place)
            return None
        fields = self.shape(shape, raw, where)
        if shape is SwitchShape:
            blocks = tuple(self._cases(raw, where))
        else:
            blocks = (self.block(raw, where),) if "nodes" in shape.model_fields and "nodes" in raw else ()
        if isinstance(fields, MapShape) and "as" in raw:
            self._check_name(fields.as_, (*where, "as"), key=False)
        return None if fields is None else Node(name, "controller", where, fields, blocks)

    def _plugin_controller(self, name: str, raw: Mapping[str, Any], where: Where) -> Node | None:
        """Which keys a plugin's controller takes beside the common ones is for the plugin to say."""
        common = {"controller", *(field.alias or key for key, field in FreeShape.model_fields.items())}
        own = {key: value for key, value in raw.items() if key not in common}
        fields = self.shape(PluginShape, {key: raw[key] for key in raw if key in common} | {"config": own}, where)
        blocks = (self.block(raw, where),) if "nodes" in raw else ()
        return None if fields is None else Node(name, "controller", where, fields, blocks)

    def _cases(self, raw: Mapping[str, Any], where: Where) -> Iterator[Block]:
        cases = raw.get("cases")
        if isinstance(cases, Mapping):
            for label, case in cases.items():
                yield self._branch(label, case, (*where, "cases", label))
        elif isinstance(cases, list):
            for index, case in enumerate(cases):
                place = (*where, "cases", index)
                when = case.get("when") if isinstance(case, Mapping) else None
                if isinstance(case, Mapping) and when is None:
                    self.report("AS202", "a case without `on` needs `when`", place)
                elif when is not None and not isinstance(when, str | bool | int | float):
                    self.report("AS203", "`when` must be an expression", (*place, "when"))
                rest = {key: value for key, value in case.items() if key != "when"} if when is not None else case
                yield self._branch(str(index + 1), rest, place, when)
        if raw.get("default") is not None:
            yield self._branch("default", raw["default"], (*where, "default"))

    def _branch(self, label: str, raw: Any, where: Where, when: Any = None) -> Block:
        """A case is one node, or a mapping with `nodes`, or only a `result`."""
        if isinstance(raw, Mapping) and ("nodes" in raw or "result" in raw) and not any(kind in raw for kind in _KINDS):
            self.shape(CaseShape, raw, where)
            return self.block(raw, where, label, when)
        node = self.node(label, raw, where)
        return Block(where, {} if node is None else {label: node}, label, when, single=True)

    def shape(self, shape: type[_S], raw: Mapping[str, Any], where: Where) -> _S | None:
        """Hold a mapping to its shape; problems are reported and give None."""
        for key in raw:
            if key in shape.later:
                text = f"`{key}` is part of the language, but this release does not run it yet"
                self.report("AS207", text, (*where, key), key=True)
        try:
            return shape.model_validate({key: raw[key] for key in raw if key not in shape.later})
        except ValidationError as error:
            self.report_shape(shape, error, where)
            return None

    def _check_name(self, name: str, where: Where, *, key: bool) -> None:
        if not _NAME.fullmatch(name):
            self._report_name(name, "`_`", where, key=key)
        elif name in RESERVED:
            self.report("AS208", f"`{name}` has a meaning of its own and cannot be a name", where, key=key)

    def _check_label(self, name: str, where: Where, *, key: bool) -> None:
        if not _LABEL.fullmatch(name):
            self._report_name(name, "`_` and `-`", where, key=key)

    def _report_name(self, name: str, signs: str, where: Where, *, key: bool) -> None:
        text = f"`{name}` cannot be a name: letters, digits, {signs}, starting with a letter"
        self.report("AS208", text, where, key=key)

    def _report_kinds(self, name: str, raw: Mapping[str, Any], where: Where, kinds: list[Kind]) -> None:
        if kinds:
            text = f"node `{name}` has {' and '.join(f'`{kind}`' for kind in kinds)}"
            self.report("AS204", text, (*where, kinds[1]), "a node is one thing", key=True)
            return
        for key in raw:
            close = suggest(key, _KINDS)
            if close:
                place, label = (*where, key), did_you_mean(close)
                self.report("AS204", f"node `{name}` has no kind", place, label, key=True, fix=close)
                return
        self.report("AS204", f"node `{name}` needs one of `lm`, `tool` or `controller`", where, key=True)
