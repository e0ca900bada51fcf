"""Hostile files by the thousand: random bytes, broken specs, well-formed nonsense, things at and beyond the caps."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

Make = Callable[[random.Random, Sequence[bytes]], bytes]

_YAML = r"""[ ] { } : , - ? | > # & * ! % @ ` ' " \ ~ = <<: !!str !x &a *a ? --- ... |+2 >- %YAML %TAG null .inf .nan"""
_BREAKS = ["\n", "\n  ", "\n    ", ": ", "- ", "\t", "\r\n", "\r", "1e999", "0x", "0777", "12:30"]
_SIGNS = ["\x00", "\x07", "\x7f", "\x85", "\xa0", "\u200b", "\u200e", "\u2028", "\u2029", "\ufeff", "\ufffe", "\ud7ff"]
_SIGNS += ["é", "e\u0301", "ß", "İ", "日本", "\U0001f600", "\U0001f468\u200d\U0001f469", "\u202e", "\U0010ffff", "Ω"]
_EXPRESSION = r"""
    ${{ }} {{ {% %} {# #} if else elif endif for in endfor set raw endraw not and or is none true ( ) [ ] { } | . , :
    = == != < >= + - * ** / // % ~ 'a' "b 1 0.5 01 99999999999999999999 inputs node item loop previous meta env
    upper default length map select attribute= join tojson first __class__ _x range lipsum a.b a[0] a['b'] \
"""
_TYPES = """
    string integer number boolean date datetime path any null quote | [ ] { } from a b-c true 1 word Mail
    array object enum $ref #/$defs/x -
"""
_KEYS = """
    agentspec name description inputs types models tools limits nodes result output profiles tests extends include
    allow_unreviewed lm tool controller prompt system messages with when after timeout retry on_error cache repair
    temperature max_tokens stop seed max_turns sample memory examples over as concurrency keep_going until while max
    on cases default start max_steps next goal replan approve show choices by on_timeout spec call args use cascade
    accept fallback route split shadow usd lm_calls tokens steps wall times wait backoff file role content type expect
"""
_TEXTS = """
    x small fake/echo desk desk.tickets map switch loop machine plan approve agent code desk/x end 30s inputs.text
    ${{ }} ${{inputs.text|upper}} ${{a}} [string] string ../../etc/passwd ./agent.yaml . \u202e 😀 a|b date|null
"""
_YAML_PIECES = [*_YAML.split(), *_BREAKS]
_EXPRESSION_PIECES = [*_EXPRESSION.split(), "\n", " "]
_TYPE_PIECES = _TYPES.split()
_WORDS = _KEYS.split()
_VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    3,
    10**17,
    0.5,
    -0.0,
    1e308,
    "",
    "{% for x in a %}${{ x }}{% endfor %}",
]
_VALUES += [[], {}, [[]], [{}], {"": ""}, {"a": {"a": {}}}, *_TEXTS.split()]


def random_bytes(rng: random.Random, specs: Sequence[bytes]) -> bytes:
    """Any bytes."""
    return rng.randbytes(rng.randrange(300))


def odd_text(rng: random.Random, specs: Sequence[bytes]) -> bytes:
    """Signs that matter to YAML, to terminals and to Unicode."""
    pieces = [*_YAML_PIECES, *_SIGNS, "agentspec: 1", "nodes:", "a", "b"]
    return "".join(rng.choice(pieces) for _ in range(rng.randrange(1, 80))).encode("utf-8", "surrogatepass")


def cut_and_pasted(rng: random.Random, specs: Sequence[bytes]) -> bytes:
    """A good spec with stretches removed, doubled, moved, swapped with those of another, or with bits flipped."""
    text = bytearray(rng.choice(specs))
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(text) + 1)
        end = min(len(text), at + rng.choice((1, 1, 2, 5, 20, 200)))
        other = rng.choice(specs)
        take = rng.randrange(len(other))
        way = rng.randrange(6)
        if way == 0:
            del text[at:end]
        elif way == 1:
            text[at:at] = text[at:end]
        elif way == 2:
            text[at:end] = other[take : take + end - at]
        elif way == 3 and text:
            text[at % len(text)] ^= 1 << rng.randrange(8)
        elif way == 4:
            text[at:at] = bytes([rng.randrange(256)])
        else:
            del text[at:]
    return bytes(text)


def broken_spec(rng: random.Random, specs: Sequence[bytes]) -> bytes:
    """A good spec with hostile pieces in it."""
    text = rng.choice(specs).decode("utf-8")
    for _ in range(rng.randrange(1, 5)):
        piece = rng.choice(rng.choice((_YAML_PIECES, _SIGNS, _EXPRESSION_PIECES, _TYPE_PIECES)))
        at = rng.randrange(len(text) + 1)
        text = text[:at] + piece + text[at + rng.choice((0, 0, len(piece))) :]
    return text.encode("utf-8", "surrogatepass")


def broken_lines(rng: random.Random, specs: Sequence[bytes]) -> bytes:
    """A good spec with lines indented otherwise, moved or doubled."""
    lines = rng.choice(specs).decode("utf-8").split("\n")
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(lines))
        way = rng.randrange(4)
        if way == 0:
            lines[at] = " " * rng.randrange(1, 5) + lines[at]
        elif way == 1:
            lines[at] = lines[at][rng.randrange(1, 5) :]
        elif way == 2:
            lines.insert(rng.randrange(len(lines)), lines[at])
        else:
            del lines[at]
        lines = lines or [""]
    return "\n".join(lines).encode()


def reshaped_spec(rng: random.Random, specs: Sequence[bytes]) -> bytes:
    """Well-formed YAML: the data of a good spec with parts exchanged, renamed, removed or of another kind."""
    data = _data(rng, specs)
    for _ in range(rng.randrange(1, 5)):
        owner, key = rng.choice(list(_slots(data)))
        way = rng.randrange(5)
        if way == 0:
            owner[key] = _value(rng)
        elif way == 1:
            other, name = rng.choice(list(_slots(data)))
            owner[key] = copy.deepcopy(other[name])
        elif way == 2:
            owner[key] = _nonsense(rng, 3)
        elif isinstance(owner, dict) and way == 3:
            owner[rng.choice(_WORDS)] = owner.pop(key)
        elif isinstance(owner, dict):
            owner[rng.choice(_WORDS)] = _nonsense(rng, 2)
        else:
            owner.append(_value(rng))
    return _written(rng, data)


def nonsense_spec(rng: random.Random, specs: Sequence[bytes]) -> bytes:
    """The words of the language in no order, below a head that is right."""
    data = {"agentspec": 1, "name": "x", "models": {"small": "fake/echo"}, "tools": {"desk": "desk"}}
    nodes = {rng.choice("abcdefgh") + rng.choice(("", "1")): _nonsense_node(rng) for _ in range(rng.randrange(1, 6))}
    return _written(rng, {**data, "inputs": {"text": "string"}, "nodes": nodes, "result": _value(rng)})


def odd_expression(rng: random.Random, specs: Sequence[bytes]) -> bytes:
    """A spec whose texts are expressions in no order."""
    text = rng.choice(("", " ")).join(rng.choice(_EXPRESSION_PIECES) for _ in range(rng.randrange(1, 25)))
    texts = [text, "${{ " + text + " }}", "{% if " + text + " %}x{% endif %}", "${{ a." + text + " }}"]
    field = rng.choice(("prompt", "when", "system", "description"))
    node = {"lm": "small", "prompt": "x", field: rng.choice(texts)}
    nodes = {"a": {"lm": "small", "prompt": "x", "output": {"b": "string", "c": "[integer]"}}, "node": node}
    return _written(rng, {"agentspec": 1, "name": "x", "models": {"small": "fake/echo"}, "nodes": nodes})


def odd_type(rng: random.Random, specs: Sequence[bytes]) -> bytes:
    """A spec whose types are words in no order."""
    text = rng.choice(("", " ")).join(rng.choice(_TYPE_PIECES) for _ in range(rng.randrange(1, 9)))
    kinds = [text, [text], {"a": text}, {"type": text, "default": _value(rng)}, {"enum": [text]}, {"$ref": text}]
    keyword = rng.choice(("type", "items", "properties", "anyOf", "required", "pattern", "examples", "default"))
    kinds += [{keyword: rng.choice([text, [text]])}, {"type": "string", keyword: _value(rng)}, _references(rng)]
    node = {"lm": "small", "prompt": "${{ inputs.x }}", "output": rng.choice(kinds)}
    head = {"agentspec": 1, "name": "x", "inputs": {"x": rng.choice(kinds)}, "types": {"Mail": rng.choice(kinds)}}
    return _written(rng, {**head, "models": {"small": "fake/echo"}, "nodes": {"a": node}})


def _references(rng: random.Random) -> Any:
    """A schema whose definitions refer to each other, each to several, perhaps in a circle."""
    depth, width = rng.choice(((2, 2), (5, 3), (8, 10), (30, 2), (60, 1)))
    names = [f"d{level}" for level in range(depth)]
    made = {
        name: {rng.choice(("allOf", "anyOf")): [{"$ref": f"#/$defs/{after}"}] * width}
        for name, after in pairwise([*names, rng.choice(("last", "d0", "none"))])
    }
    return {"$ref": "#/$defs/d0", "$defs": {**made, "last": {"type": "string"}}}


def deep(rng: random.Random, specs: Sequence[bytes]) -> bytes:
    """Levels: brackets, blocks, expressions, types, maps in maps."""
    depth = rng.choice((10, 60, 63, 64, 65, 200, 3_000))
    opening, closing = rng.choice((("[", "]"), ("{a: ", "}"), ("[{a: ", "}]"), ("- ", ""), ("? ", ""), ("&a [", "]")))
    kind = rng.randrange(5)
    if kind == 0:
        return ("a: " + opening * depth + "1" + closing * rng.choice((depth, 0))).encode()
    if kind == 1:
        return "\n".join(" " * level + "a:" for level in range(min(depth, 1_000))).encode()
    if kind == 2:
        sign, end = rng.choice((("(", ")"), ("[", "]"), ("not ", ""), ("-", ""), ("a | map(", ")"), ("{'a': ", "}")))
        text = sign * depth + "a" + end * depth
        return f"agentspec: 1\nname: x\nnodes: {{a: {{lm: m, prompt: {json.dumps('${{ ' + text + ' }}')}}}}}\n".encode()
    if kind == 3:
        text = json.dumps("[" * depth + "string" + "]" * depth)
        return f"agentspec: 1\nname: x\ntypes: {{A: {text}}}\nnodes: {{}}\n".encode()
    inside = "{lm: m, prompt: x}"
    for level in range(min(depth, 70)):
        inside = f"{{controller: map, over: a, as: v{level}, nodes: {{n{level}: {inside}}}}}"
    return f"agentspec: 1\nname: x\nnodes: {{a: {inside}}}\n".encode()


def aliases(rng: random.Random, specs: Sequence[bytes]) -> bytes:
    """Aliases that multiply, nest, or name themselves."""
    width, depth = rng.choice(((2, 20), (10, 7), (100, 4), (1, 70), (3, 11)))
    lines = ["a0: &a0 " + rng.choice(("[x, x]", "{k: x}", "x", "{lm: m, prompt: '${{ a }}'}"))]
    for level in range(1, depth):
        names = [f"*a{level - 1}"] * width
        many = "{" + ", ".join(f"k{at}: {name}" for at, name in enumerate(names)) + "}"
        lines.append(f"a{level}: &a{level} " + rng.choice((f"[{', '.join(names)}]", many)))
    if rng.random() < 0.3:
        lines.append(rng.choice(("b: &b [*b]", "b: &b {b: *b}", "b: *c", "? *a0\n: 1", "<<: *a0", "nodes: *a1")))
    return ("agentspec: 1\nname: x\n" + "\n".join(lines) + "\n").encode()


def large(rng: random.Random, specs: Sequence[bytes]) -> bytes:
    """Much of one thing: long words, lines, keys, prompts, expressions, lists, up to and beyond the caps."""
    size = rng.choice((1_000, 10_000, 100_000, 400_000))
    spec = "agentspec: 1\nname: x\nmodels: {m: fake/echo}\nnodes:\n  a:\n    lm: m\n    prompt: "
    kinds = (
        lambda: "a" * size,
        lambda: "a: " + "b" * size,
        lambda: "a" * size + ": b",
        lambda: "a: '" + "''" * (size // 2) + "'",
        lambda: 'a: "' + "\\u00e9" * (size // 6) + '"',
        lambda: spec + "|\n" + "      word\n" * (size // 11),
        lambda: spec + json.dumps("${{ a }}" * (size // 8)),
        lambda: spec + json.dumps("${{ " + " ~ ".join(["inputs"] * (size // 10)) + " }}"),
        lambda: spec + json.dumps("{% if a %}" * (size // 10)),
        lambda: "a: [" + "1," * (size // 2) + "]",
        lambda: "\n".join(f"k{at}: {at}" for at in range(size // 12)),
        lambda: "\n".join("k: 1" for _ in range(size // 5)),
        lambda: "#" + "x" * size,
        lambda: "\n" * size,
        lambda: "- " * (size // 2),
        lambda: (
            spec + "x\n" + "\n".join(f"  n{at}: {{lm: m, prompt: '${{{{ n{at - 1} }}}}'}}" for at in range(size // 40))
        ),
        lambda: "agentspec: 1\nname: x\ntypes:\n" + "\n".join(f"  T{at}: [T{at + 1}]" for at in range(size // 15)),
        lambda: "agentspec: 1\nname: x\ninputs: {a: " + " | ".join(f"w{at}" for at in range(size // 8)) + "}",
    )
    return rng.choice(kinds)().encode()


KINDS: tuple[tuple[int, Make], ...] = (
    (10, random_bytes),
    (15, odd_text),
    (20, cut_and_pasted),
    (20, broken_spec),
    (15, broken_lines),
    (40, reshaped_spec),
    (25, nonsense_spec),
    (25, odd_expression),
    (20, odd_type),
    (3, deep),
    (2, aliases),
    (1, large),
)
"""The kinds of input, and how often each comes."""


def inputs(count: int, seed: int, specs: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    """`count` inputs with the names of their kinds; the same ones for the same seed."""
    rng = random.Random(seed)
    weights, makers = zip(*KINDS, strict=True)
    for make in rng.choices(makers, weights, k=count):
        yield make.__name__, make(rng, specs)


def _data(rng: random.Random, specs: Sequence[bytes]) -> Any:
    from agentspec.spec.source import Source
    from agentspec.spec.text.loader import load

    return copy.deepcopy(load(Source("good", rng.choice(specs).decode("utf-8-sig"))).data)


def _slots(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in the data: its owner, and its key or index there."""
    for key in list(data) if isinstance(data, dict) else range(len(data)):
        yield data, key
        if isinstance(data[key], (dict, list)):
            yield from _slots(data[key])


def _value(rng: random.Random) -> Any:
    return copy.deepcopy(rng.choice(_VALUES))


def _nonsense(rng: random.Random, depth: int) -> Any:
    if depth == 0 or rng.random() < 0.4:
        return _value(rng)
    if rng.random() < 0.3:
        return [_nonsense(rng, depth - 1) for _ in range(rng.randrange(3))]
    return {rng.choice(_WORDS): _nonsense(rng, depth - 1) for _ in range(rng.randrange(4))}


def _nonsense_node(rng: random.Random) -> dict[str, Any]:
    controller = {"controller": rng.choice(("map", "switch", "loop", "machine", "plan", "approve", "agent", "code"))}
    kind = rng.choice(({"lm": "small", "prompt": "x"}, {"tool": "desk.tickets"}, controller, controller))
    blocks = {
        "map": {"over": "inputs.text", "nodes": {}},
        "loop": {"max": 2, "nodes": {}},
        "machine": {"start": "a", "max_steps": 3, "nodes": {}, "next": {"a": "end"}},
        "switch": {"on": "inputs.text", "cases": {}},
    }
    node = dict(kind) | copy.deepcopy(blocks.get(kind.get("controller", ""), {}))
    for key in ("nodes", "cases"):
        if key in node:
            node[key] = {rng.choice("abxyz"): {"lm": "small", "prompt": "${{ a }}"} for _ in range(rng.randrange(1, 3))}
    for _ in range(rng.randrange(4)):
        node[rng.choice(_WORDS)] = _nonsense(rng, 2)
    return node


def _written(rng: random.Random, data: Any) -> bytes:
    """The data as JSON, which is YAML, on one line or on many."""
    text = json.dumps(data, indent=rng.choice((None, 1, 2)), ensure_ascii=rng.random() < 0.5)
    return text.encode("utf-8", "surrogatepass")
