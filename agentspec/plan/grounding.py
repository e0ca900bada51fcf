"""Grounded answers: what each word of the type is taken from, and whether that is a text which the prompt reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from agentspec.api.messages import Schema
from agentspec.plan.grounded_words import GroundedWords, Word, words_in
from agentspec.plan.infer import follow
from agentspec.plan.scope import Scope
from agentspec.plan.texts import Text, Texts
from agentspec.plan.typing.kinds import kind, not_null, options
from agentspec.plan.typing.names import type_name
from agentspec.plan.work import Grounding
from agentspec.spec.expressions import Reference

Path = tuple[str | int, ...]

_STEP = re.compile(r"\[(\d+)\]|(\w+)")
_TIMES = ("date", "date-time")


def grounding_of(
    texts: Texts, words: GroundedWords, prompt: Iterable[Text], output: Schema, scope: Scope, node: str
) -> Grounding | None:
    """What a node's answer is grounded in, with problems reported; None when nothing of its type is.

    `prompt` are the texts of the node's messages, `output` is the type of its answer, written with `words`.
    """
    wanted = words_in(output)
    if not wanted:
        return None
    read = _read(texts, prompt, scope)
    sources: dict[str, tuple[Path, ...]] = {"": tuple(read)}
    for word in wanted:
        if word.source:
            sources[word.source] = (_path(word.source),)
            _check_source(texts, words, word, read, scope)
        elif not any(_holds_text(schema) for schema in read.values()):
            message = f"the prompt of `{node}` reads no text that could be quoted"
            words.report(texts, word, "AS441", message, "read one: `${{ … }}`")
    reference = next((path for path, schema in read.items() if not_null(schema).get("format") in _TIMES), None)
    return Grounding({source: paths for source, paths in sources.items() if source or _quotes(wanted)}, reference)


def _quotes(words: Iterable[Word]) -> bool:
    return any(not word.source for word in words)


def _read(texts: Texts, prompt: Iterable[Text], scope: Scope) -> dict[Path, Schema]:
    """The values that a prompt reads, with their types. How a node ran is no text of anybody."""
    found: dict[Path, Schema] = {}
    for text in prompt:
        expression = texts.parse(text)
        for reference in expression.references if expression else ():
            if reference.path[0] != "meta":
                found[reference.path] = follow(reference, scope, text.raw)[0]
    return found


def _check_source(texts: Texts, words: GroundedWords, word: Word, read: Iterable[Path], scope: Scope) -> None:
    place = words.place(word)
    path = _path(word.source)
    start = place.start if place else 0
    written = place.text if place else word.source
    schema, problems = follow(Reference(path, start, start + len(word.source)), scope, written)
    unknown = [one for one in problems if one.code != "AS310"]  # what is null is a text that is not there
    for one in unknown:
        at = None if place is None else replace(place, start=one.start, end=one.end)
        words.report(texts, word, one.code, one.message, one.label, at=at, fix=one.fix)
    if unknown:
        return
    if not _is_text(schema):
        message = f"`{word.source}` is no text: it is {type_name(schema)}"
        words.report(texts, word, "AS440", message, "name a text, or a list of texts")
    elif not any(_covers(path, one) or _covers(one, path) for one in read):
        message = f"the prompt does not read `{word.source}`, so the model could not know what it says"
        words.report(texts, word, "AS443", message, f"put `${{{{ {word.source} }}}}` into the prompt")


def _covers(path: Sequence[Any], other: Sequence[Any]) -> bool:
    return tuple(other[: len(path)]) == tuple(path)


def _path(source: str) -> Path:
    return tuple(int(number) if number else name for number, name in _STEP.findall(source))


def _is_text(schema: Schema) -> bool:
    """Tell whether a value is a text, or a list of texts, or may be one where its type is not known."""
    found = [one for one in options(schema) if kind(one) != "null"]
    return bool(found) and all(
        not one or kind(one) == "string" or (kind(one) == "array" and _is_text(one.get("items") or {})) for one in found
    )


def _holds_text(schema: Schema) -> bool:
    """Tell whether there may be a text somewhere in a value."""
    for one in options(schema):
        if not one or kind(one) == "string":
            return True
        if kind(one) == "array" and _holds_text(one.get("items") or {}):
            return True
        if kind(one) == "object":
            others = one.get("additionalProperties", {})
            inside = [*(one.get("properties") or {}).values(), *(() if others is False else (others,))]
            if any(_holds_text(part) for part in inside):
                return True
    return False
