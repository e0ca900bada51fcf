"""The schema admits what the checker admits, and refuses what the parser refuses."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema_rs
import pytest

from agentspec.api import BackendFactory, Options
from agentspec.api.controller import ControllerFactory
from agentspec.registry import Registry
from agentspec.spec.diagnostics import SpecInvalid
from agentspec.spec.editor_schema import names_of, spec_schema
from agentspec.spec.installed import Installed
from agentspec.spec.parse import parse_text
from agentspec.spec.source import Source
from agentspec.spec.text.loader import load

from .specs import good_specs

SPECS = good_specs()
INSTALLED = Registry().installed()[0]
VALIDATOR = jsonschema_rs.Draft202012Validator(spec_schema(INSTALLED))


def data_of(text: str) -> dict[str, Any]:
    return load(Source("test.yaml", text)).data


def whole(nodes: str, more: str = "") -> dict[str, Any]:
    return data_of(f"agentspec: 1\nname: test\n{more}\nnodes:\n{nodes}")


def problems(data: Any) -> list[str]:
    return [f"{'/'.join(map(str, error.instance_path))}: {error.message}" for error in VALIDATOR.iter_errors(data)]


def test_there_are_many_good_specs() -> None:
    assert len(SPECS) > 10


@pytest.mark.parametrize("source", SPECS, ids=lambda source: source.name)
def test_a_good_spec_is_admitted(source: Source) -> None:
    data = load(source).data
    assert problems(data) == []
    own = jsonschema_rs.Draft202012Validator(spec_schema(INSTALLED, names_of(data)))
    assert own.is_valid(data)


def test_the_schema_is_itself_valid_and_refers_only_to_what_it_has() -> None:
    schema = spec_schema(INSTALLED)
    jsonschema_rs.meta.validate(schema)
    references = {part["$ref"] for part in parts(schema) if "$ref" in part}
    assert references <= {f"#/$defs/{name}" for name in schema["$defs"]}


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from parts(inner)


def misspelt(word: str, chance: random.Random) -> str:
    """One slip: a letter left out, doubled, exchanged with the next one, or another one in its place."""
    at = chance.randrange(len(word))
    slips = [
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
        word[:at] + word[at : at + 2][::-1] + word[at + 2 :],
        word[:at] + chance.choice("aeinrst") + word[at + 1 :],
    ]
    return chance.choice([slip for slip in slips if slip and slip != word])


def places(part: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    for key, inner in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        if isinstance(key, str):
            yield where, key
        yield from places(inner, (*where, key))


def with_slip(data: Any, where: tuple[Any, ...], key: str, chance: random.Random) -> Any:
    changed = copy.deepcopy(data)
    inner = changed
    for step in where:
        inner = inner[step]
    wrong = misspelt(key, chance)
    renamed = {wrong if name == key else name: value for name, value in inner.items()}
    inner.clear()
    inner.update(renamed)
    return changed


def parsed(data: Any) -> bool:
    try:
        parse_text(json.dumps(data, ensure_ascii=False))
    except SpecInvalid:
        return False
    return True


def slips() -> Iterator[Any]:
    chance = random.Random(7)
    for source in SPECS:
        data = load(source).data
        if not data.keys() & {"extends", "include"}:  # those read other files
            found = list(places(data))
            for where, key in chance.sample(found, min(len(found), 15)):
                yield with_slip(data, where, key, chance)


def test_a_misspelt_key_that_the_parser_refuses_is_refused() -> None:
    refused = [data for data in slips() if not parsed(data)]
    missed = [data for data in refused if VALIDATOR.is_valid(data)]
    assert len(refused) > 200
    assert missed == []


LM = "  a: {lm: s, prompt: x%s}"


@pytest.mark.parametrize(
    ("nodes", "place"),
    [
        (LM % ", on_error: skp", "nodes/a/on_error"),
        (LM % ", timeout: 3 minutes", "nodes/a/timeout"),
        (LM % ", timeout: 5", "nodes/a/timeout"),
        (LM % ", retry: {times: 30}", "nodes/a/retry"),
        (LM % ", retry: {on: [tmeout]}", "nodes/a/retry"),
        (LM % ", temperature: 3", "nodes/a/temperature"),
        (LM % ", seed: '7'", "nodes/a/seed"),
        (LM % ", sample: {n: 5, pick: most}", "nodes/a/sample"),
        (LM % ", tool: mail.read", "nodes/a"),
        ("  a: {prompt: x}", "nodes/a"),
        ("  a-b: {lm: s, prompt: x}", "nodes"),
        ("  a: {controller: mpa, over: x, nodes: {b: {lm: s, prompt: x}}}", "nodes/a/controller"),
        ("  a: {controller: map, nodes: {b: {lm: s, prompt: x}}}", "nodes/a"),
        ("  a: {controller: map, over: x, nodes: {b: {lm: s, promt: x}}}", "nodes/a/nodes/b"),
        ("  a: {controller: switch, cases: [{lm: s, prompt: x}]}", "nodes/a/cases"),
        ("  a: {controller: switch, on: x, cases: {b: {lm: s, promt: x}}}", "nodes/a/cases"),
        ("  a: {tool: mail.read, with: {pth: x}}", "nodes/a/with"),
        ("  a: {tool: mail.read}", "nodes/a"),
        ("  a: {tool: cal.read, with: {limit: many}}", None),
        ("  a: {tool: mail.read, with: {path: x, limit: many}}", "nodes/a/with/limit"),
        ("  a: {tool: mail.read, with: {path: x, limit: '${{ inputs.n }}'}}", None),
        (LM % ", max_tokens: 2_000, timeout: 1h30m, on_error: {value: 3}, retry: 2, when: true, after: b", None),
        (LM % ", examples: [{input: x, output: 3}, {input: y, output: [a, b]}]", None),
        ("  a: {controller: office/best_of, n: 3, nodes: {b: {lm: s, prompt: x}}}", None),
    ],
)
def test_a_wrong_value_is_refused_at_its_place(nodes: str, place: str | None) -> None:
    found = problems(whole(nodes))
    assert [one.split(":")[0] for one in found][:1] == ([] if place is None else [place]), found


@pytest.mark.parametrize(
    ("models", "admitted"),
    [
        ("pocket/triage", True),
        ("{use: pocket/triage, threads: 2}", True),
        ('{use: pocket/triage, threads: "${{ env.THREADS }}"}', True),
        ("{use: pocket/triage, threads: two}", False),
        ("{use: pocket/triage, treads: 2}", False),
        ("{use: not_installed/model, anything: 2}", True),
        ("{usee: pocket/triage}", False),
        ("{cascade: [small, {use: pocket/triage, threads: 2}], accept: confidence >= 0.8}", True),
        ("{cascade: [small, {use: pocket/triage, treads: 2}], accept: confidence >= 0.8}", False),
        ("{cascade: [small], accept: true}", False),
        ("{cascade: [small, large]}", False),
        ("{route: [{when: x, use: a}, {fallback: [a, b]}]}", False),
        ("{route: [{when: x, use: a}, {use: {fallback: [a, b]}}]}", True),
        ("{split: {a: 95, b: 5}}", True),
        ("{split: {a: 95, b: 0}}", False),
        ("{shadow: a, with: pocket/triage}", True),
        ("{shadow: a, wth: b}", False),
        ("{use: ollama/qwen3:8b, num_ctx: 4_096}", True),
        ("{use: litellm/ollama/qwen3, api_version: '1'}", True),
        ("3", False),
    ],
)
def test_the_options_of_a_backend_are_known(models: str, admitted: bool) -> None:
    found = problems(whole(LM % "", f"models: {{s: {models}}}"))
    assert (found == []) is admitted, found


def test_a_toolset_without_options_takes_none() -> None:
    assert problems(whole(LM % "", "tools: {mail: {use: mail}}")) == []
    assert problems(whole(LM % "", "tools: {mail: {use: mail, file: x}}"))


def test_a_spec_that_extends_another_may_hold_any_part_of_it() -> None:
    part = (
        "agentspec: 1\nextends: ./base.yaml\nnodes: {sort: {prompt: Another one.}, old: null, each: {nodes: {a: {}}}}\n"
    )
    assert problems(data_of(part)) == []
    assert problems(data_of(part.replace("nodes:", "nods:")))


class Wanted(Options):
    """Options that pydantic can describe."""

    depth: int


class Strange(Options):
    """Options that it cannot."""

    call: Callable[[], None] | None = None


@pytest.mark.parametrize(("options", "admitted"), [(Wanted, False), (Strange, True)])
def test_options_that_cannot_be_described_are_not_checked(options: type[Options], admitted: bool) -> None:
    factory = BackendFactory("new", create=lambda binding: pytest.fail("nothing is made"), options=options)
    validator = jsonschema_rs.Draft202012Validator(spec_schema(Installed({"new": factory})))
    assert validator.is_valid(whole(LM % "", "models: {s: {use: new/x, width: 3}}")) is admitted
    assert validator.is_valid(whole(LM % "", "models: {s: {use: new/x, depth: 3}}"))


@pytest.mark.parametrize(
    ("keys", "admitted"),
    [
        ("depth: 3, nodes: {b: {lm: s, prompt: x}}, max_calls: 5, timeout: 3s", True),
        ('depth: "${{ inputs.n }}"', True),
        ("nodes: {b: {lm: s, prompt: x}}", False),
        ("depth: 3, dpth: 4", False),
        ("depth: deep", False),
        ("depth: 3, nodes: {b: {lm: s, promt: x}}", False),
    ],
)
def test_the_keys_of_a_plugins_controller_are_known(keys: str, admitted: bool) -> None:
    async def run(children: object, config: object) -> None: ...

    installed = Installed(controllers={"new/deep": ControllerFactory("deep", run, config=Wanted)})
    validator = jsonschema_rs.Draft202012Validator(spec_schema(installed))
    assert validator.is_valid(whole(f"  a: {{controller: new/deep, {keys}}}")) is admitted
    assert validator.is_valid(whole(f"  a: {{controller: other/deep, {keys}}}")) is ("promt" not in keys)


def test_the_names_of_a_spec_are_offered_and_its_tools_known_by_their_local_names() -> None:
    data = whole(
        "  a: {controller: loop, max: 2, nodes: {b: {lm: s, prompt: x}}}", "tools: {post: mail}\nmodels: {s: x}"
    )
    names = names_of(data)
    assert (names.models, names.nodes, names.tools) == (("s",), ("a", "b"), {"post": "mail"})
    schema = spec_schema(INSTALLED, names)
    offered = {one["label"] for one in schema["$defs"]["tool_call"]["properties"]["tool"]["defaultSnippets"]}
    assert offered == {"post.read", "post.draft"}
    validator = jsonschema_rs.Draft202012Validator(schema)
    assert not validator.is_valid(whole("  a: {tool: post.read, with: {pth: x}}"))
    assert validator.is_valid(whole("  a: {tool: mail.read, with: {pth: x}}"))
