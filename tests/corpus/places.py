"""Where a spec can be changed so that it must become wrong: keys of the language, references, types, values.

What is left out, because a changed spec would be as good as the one before, or wrong elsewhere:

- declarations: the name of a node, an input, a type, a field of a type, a model, a word of a choice. Where they are
  used, the name is a reference, and references are changed.
- free text and free mappings: keys of `result:`, constants, cases named after numbers, variables of the environment;
- fields that take a value of any kind, such as `result:` and `default:`;
- texts that the file writes in another way than they read (folded, with escapes), aliases and what they name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agentspec.spec.source import Where
from agentspec.spec.text.document import Document

_PART = re.compile(r"\$\{\{(.*?)\}\}|\{%(.*?)%\}", re.DOTALL)
_RAW = re.compile(r"\{%-? *raw.*?endraw *-?%\}", re.DOTALL)
_TOKEN = re.compile(r"'[^']*'|\"[^\"]*\"|[^\W\d]\w*|\d[\w.]*|==|!=|<=|>=|\S")
_KEYWORDS = frozenset(
    re.findall(r"\w+", "and or not in is if else elif endif for endfor set true false none null True False None loop")
)
_BY_ATTRIBUTE = frozenset({"selectattr", "rejectattr", "groupby"})
_SCALARS = frozenset({"string", "integer", "number", "boolean", "date", "datetime", "path", "any"})
_JSON_TYPES = frozenset({"string", "integer", "number", "boolean", "null", "object", "array"})
_SCHEMA_WORDS = frozenset({"$ref", "$defs", "oneOf", "anyOf", "allOf", "enum"})
_ANNOTATIONS = frozenset({"description", "default", "examples", "title"})

COMPOSITES = frozenset({"cascade", "fallback", "route", "split", "shadow"})
BARE = frozenset({"when", "until", "while", "over", "on", "accept", "check"})
TEXTS = frozenset({"prompt", "system", "content", "goal", "show"})
KINDS: Mapping[str, str] = {
    **dict.fromkeys(("name", "description", "lm", "tool", "prompt", "system", "over", "as", "role", "content"), "text"),
    **dict.fromkeys(("controller", "use", "file", "judge", "start", "spec", "call", "goal"), "text"),
    **dict.fromkeys(
        ("max", "concurrency", "repair", "temperature", "max_tokens", "seed", "times", "backoff"), "number"
    ),
    **dict.fromkeys(("usd", "lm_calls", "tokens", "steps", "agentspec", "max_turns", "max_steps", "n"), "number"),
    **dict.fromkeys(("max_calls", "replan"), "number"),
    **dict.fromkeys(("timeout", "wait", "wall"), "duration"),
    **dict.fromkeys(("keep_going", "cache", "approve"), "boolean"),
    **dict.fromkeys(("tests", "messages", "examples", "choices", "cascade", "fallback", "route"), "list"),
    **dict.fromkeys(("inputs", "types", "models", "tools", "limits", "nodes", "profiles", "with", "retry"), "mapping"),
    **dict.fromkeys(("cases", "next", "split", "sample"), "mapping"),
    **dict.fromkeys(("when", "until", "while", "on", "accept", "check"), "expression"),
    **dict.fromkeys(("after", "stop", "extends", "include"), "words"),
    "output": "type",
    "on_error": "word",
}
"""What the fields of the language take; a field that is not here takes anything."""


@dataclass(frozen=True)
class Place:
    """A stretch of a value, or of a key, and what stands there.

    Attributes:
        kind: of key, value or reference; the failures are grouped by it.
        takes: for a whole value, what it has to be.
    """

    kind: str
    where: Where
    start: int = 0
    end: int = 0
    at_key: bool = False
    takes: str = ""


def places(document: Document) -> Iterator[Place]:
    """Every place of a spec."""
    data = document.data
    yield from _fields(data, ())
    types = frozenset(data.get("types", {}))
    for section in ("inputs", "types"):
        for name, raw in data.get(section, {}).items():
            yield from _type(raw, (section, name), types)
    for section in ("models", "tools"):
        for name, raw in data.get(section, {}).items():
            yield from _binding(raw, (section, name))
    allowed = data.get("allow_unreviewed", [])
    for index, word in enumerate([allowed] if isinstance(allowed, str) else allowed):
        yield from _tool(word, ("allow_unreviewed",) if isinstance(allowed, str) else ("allow_unreviewed", index))
    yield from _fields(data.get("limits", {}), ("limits",))
    for name, profile in data.get("profiles", {}).items():
        yield from _fields(profile, ("profiles", name))
        for model, raw in profile.get("models", {}).items():
            yield Place("model", ("profiles", name, "models", model), at_key=True)
            yield from _binding(raw, ("profiles", name, "models", model))
    for index, case in enumerate(data.get("tests", ())):
        yield from _fields(case, ("tests", index))
        for name in case.get("inputs", {}):
            yield Place("input", ("tests", index, "inputs", name), at_key=True)
        yield from _values(case["expect"], ("tests", index, "expect"), bare=True)
    yield from _block(data, (), types)


def _fields(data: Mapping[str, Any], where: Where, free: frozenset[str] = frozenset()) -> Iterator[Place]:
    """The keys of a mapping of the language, and the values whose kind is known."""
    for key in data:
        if key not in free:
            yield Place("key", (*where, key), at_key=True)
        if key in KINDS:
            yield Place("value", (*where, key), takes=KINDS[key])


def _binding(raw: Any, where: Where) -> Iterator[Place]:
    yield Place("value", where, takes="binding")
    if isinstance(raw, str):
        yield Place("plugin", where, 0, len(raw.split("/")[0]))
    elif COMPOSITES & raw.keys():
        yield from _composite(raw, where)
    else:
        yield from _fields(raw, where)
        yield Place("plugin", (*where, "use"), 0, len(raw["use"].split("/")[0]))
        for key, value in raw.items():
            yield from _values(value, (*where, key))


def _composite(raw: Mapping[str, Any], where: Where) -> Iterator[Place]:
    """A model that is made of others."""
    yield from _fields(raw, where)
    yield from _values(raw.get("accept"), (*where, "accept"), bare=True)
    for key in ("cascade", "fallback"):
        for index, member in enumerate(raw.get(key, ())):
            yield from _member(member, (*where, key, index))
    for index, way in enumerate(raw.get("route", ())):
        yield from _fields(way, (*where, "route", index))
        yield from _values(way.get("when"), (*where, "route", index, "when"), bare=True)
        yield from _member(way["use"], (*where, "route", index, "use"))
    for name in raw.get("split", ()):
        yield Place("model", (*where, "split", name), at_key=True)
    for key in ("shadow", "with"):
        if key in raw:
            yield from _member(raw[key], (*where, key))


def _member(raw: Any, where: Where) -> Iterator[Place]:
    if isinstance(raw, str) and "/" not in raw:
        yield Place("model", where, 0, len(raw))
    else:
        yield from _binding(raw, where)


def _block(data: Mapping[str, Any], where: Where, types: frozenset[str]) -> Iterator[Place]:
    for name, node in data.get("nodes", {}).items():
        yield from _node(node, (*where, "nodes", name), types)
    if "result" in data:
        yield from _values(data["result"], (*where, "result"))
    if "output" in data:
        yield from _type(data["output"], (*where, "output"), types)


def _node(node: Mapping[str, Any], where: Where, types: frozenset[str]) -> Iterator[Place]:
    yield from _fields(node, where)
    if isinstance(node.get("lm"), str):
        yield Place("model", (*where, "lm"), 0, len(node["lm"]))
    for key in ("tool", "call"):
        if isinstance(node.get(key), str):
            yield from _tool(node[key], (*where, key))
    if "controller" in node:
        yield Place("controller", (*where, "controller"), 0, len(node["controller"].split("/")[0]))
        yield from _controller(node, where)
    for key in BARE & node.keys():
        yield from _values(node[key], (*where, key), bare=True)
    for key in TEXTS & node.keys():
        yield from _values(node[key], (*where, key))
    for index, turn in enumerate(node.get("messages", ())):
        yield from _fields(turn, (*where, "messages", index))
        yield from _values(turn["content"], (*where, "messages", index, "content"))
    for index, example in enumerate(node.get("examples", ())):
        yield from _fields(example, (*where, "examples", index))
    for key, value in node.get("with", {}).items():
        yield Place("parameter", (*where, "with", key), at_key=True)
        yield Place("value", (*where, "with", key), takes="argument")
        yield from _values(value, (*where, "with", key))
    for key, kind in (("after", "node"), ("tools", "tool")):
        written = node.get(key, [])
        for index, word in enumerate([written] if isinstance(written, str) else written):
            place = (*where, key) if isinstance(written, str) else (*where, key, index)
            yield from [Place(kind, place, 0, len(word))] if kind == "node" else _tool(word, place)
    for key in ("retry", "on_error", "sample"):
        if isinstance(node.get(key), Mapping):
            yield from _fields(node[key], (*where, key))
    if isinstance(node.get("sample"), Mapping):
        yield from _values(node["sample"].get("check"), (*where, "sample", "check"), bare=True)
        if "judge" in node["sample"]:
            yield Place("model", (*where, "sample", "judge"), 0, len(node["sample"]["judge"]))
    yield from _cases(node, where, types)
    yield from _block(node, where, types)


def _tool(word: str, where: Where) -> Iterator[Place]:
    """The toolset and the tool in `<toolset>.<tool>`; names of files are left alone."""
    local, dot, function = word.partition(".")
    if local and "/" not in word:
        yield Place("tool", where, 0, len(local))
        if dot and function != "*":
            yield Place("tool", where, len(local) + 1, len(word))


def _controller(node: Mapping[str, Any], where: Where) -> Iterator[Place]:
    """What only some controllers have: the states of a machine, the choices of a person."""
    if "start" in node:
        yield Place("node", (*where, "start"), 0, len(node["start"]))
    for name, ways in node.get("next", {}).items():
        place = (*where, "next", name)
        yield Place("node", place, at_key=True)
        if isinstance(ways, str):
            yield Place("node", place, 0, len(ways))
            continue
        for index, way in enumerate(ways):
            yield from _fields(way, (*place, index))
            yield from _values(way.get("when"), (*place, index, "when"), bare=True)
            yield Place("node", (*place, index, "to"), 0, len(way["to"]))
    if "on_timeout" in node:
        yield Place("word", (*where, "on_timeout"), 0, len(node["on_timeout"]))
    if "/" in node["controller"]:
        for key in node.keys() - {"controller", "nodes"}:
            yield from _values(node[key], (*where, key))


def _cases(node: Mapping[str, Any], where: Where, types: frozenset[str]) -> Iterator[Place]:
    cases = node.get("cases", {})
    for label, case in cases.items() if isinstance(cases, Mapping) else enumerate(cases):
        place = (*where, "cases", label)
        if isinstance(label, str) and not label.isdigit():
            yield Place("word", place, at_key=True)
        yield from _case(case, place, types)
    if "default" in node and "controller" in node:
        yield from _case(node["default"], (*where, "default"), types)


def _case(case: Mapping[str, Any], where: Where, types: frozenset[str]) -> Iterator[Place]:
    if "nodes" in case or "result" in case:
        yield from _fields(case, where)
        yield from _values(case.get("when"), (*where, "when"), bare=True)
        yield from _block(case, where, types)
    else:
        yield from _node(case, where, types)


def _type(raw: Any, where: Where, types: frozenset[str]) -> Iterator[Place]:
    """The words of a type that name types, the keywords of a schema, and the type as a whole."""
    yield Place("value", where, takes="type")
    if isinstance(raw, str):
        words = [word for word in re.split(r"\s*\|\s*", raw.strip("[] ")) if word != "null"]
        if len(words) == 1 and (words[0] in _SCALARS or words[0] in types):
            start = raw.index(words[0])
            yield Place("type", where, start, start + len(words[0]))
    elif isinstance(raw, list):
        for index, item in enumerate(raw):
            yield from _type(item, (*where, index), types)
    elif isinstance(raw, Mapping):
        if _is_schema(raw):
            yield from _schema(raw, where)
        elif "type" in raw and raw.keys() - {"type"} and raw.keys() - {"type"} <= _ANNOTATIONS:
            yield Place("key", (*where, "type"), at_key=True)
            yield from _type(raw["type"], (*where, "type"), types)
        else:
            for key, item in raw.items():
                yield from _type(item, (*where, key), types)


def _is_schema(raw: Mapping[str, Any]) -> bool:
    return raw.get("type") in _JSON_TYPES if isinstance(raw.get("type"), str) else bool(_SCHEMA_WORDS & raw.keys())


def _schema(raw: Mapping[str, Any], where: Where) -> Iterator[Place]:
    for key, value in raw.items():
        yield Place("key", (*where, key), at_key=True)
        if key == "type" and isinstance(value, str):
            yield Place("type", (*where, key), 0, len(value))


def _values(raw: Any, where: Where, bare: bool = False) -> Iterator[Place]:
    """The references in every text of a value."""
    if isinstance(raw, str):
        hidden = [match.span() for match in _RAW.finditer(raw)]
        if bare and "${{" not in raw:
            yield from _references(raw, 0, where)
        for match in _PART.finditer(raw):
            if not any(start <= match.start() < end for start, end in hidden):
                group = 1 if match[1] is not None else 2
                yield from _references(match[group], match.start(group), where)
    elif isinstance(raw, Mapping):
        for key, item in raw.items():
            if key != "file":
                yield from _values(item, (*where, key))
    elif isinstance(raw, list):
        for index, item in enumerate(raw):
            yield from _values(item, (*where, index), bare)


def _references(text: str, offset: int, where: Where) -> Iterator[Place]:
    """The names in one expression or statement, by what stands before and behind them."""
    tokens = [(match.group(), match.start()) for match in _TOKEN.finditer(text)]
    targets = _targets([word for word, _ in tokens])
    for index, (word, start) in enumerate(tokens):
        before = [one for one, _ in tokens[:index]]
        behind = tokens[index + 1][0] if index + 1 < len(tokens) else ""
        kind = _kind(word, before, behind)
        if kind and index not in targets:
            quoted = word[0] in "'\""
            yield Place(kind, where, offset + start + quoted, offset + start + len(word) - quoted)


def _targets(words: list[str]) -> set[int]:
    """The places of names that a statement declares."""
    if words[:1] in (["for"], ["set"]):
        stop = words.index("in") if "in" in words else words.index("=") if "=" in words else len(words)
        return set(range(stop))
    return set()


def _kind(word: str, before: list[str], behind: str) -> str | None:
    last = before[-1] if before else ""
    if word[0] in "'\"":
        if behind == ":" or not word.strip("'\""):
            return None
        if before[-2:] == ["attribute", "="] or (last == "(" and before[-2:-1] and before[-2] in _BY_ATTRIBUTE):
            return None if "." in word else "field"
        return "word" if last in ("==", "!=") else None
    if not re.match(r"[^\W\d]", word) or (word in _KEYWORDS and last != "."):
        return None
    if last == "|":
        return "filter"
    if last == "is" or before[-2:] == ["is", "not"]:
        return "test"
    if last == ".":
        root = _root(before)
        return (
            None if root in ("env", "secrets") else "input" if root == "inputs" and before[-2] == "inputs" else "field"
        )
    return None if behind == "=" else "name"


def _root(before: list[str]) -> str:
    """The first name of the dotted path that ends before the last dot."""
    index = len(before) - 1
    while index > 1 and before[index] == "." and before[index - 2] == ".":
        index -= 2
    return before[index - 1]
