"""What must hold of a GGUF file's header before llama.cpp may have it."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path

from agentspec.api import ModelBroken, ModelMissing
from agentspec_pocket.gguf_read import Array, GgufError, Header, Tensor, read

_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 40),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82),
    23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2),
    34: (256, 54), 35: (256, 66), 39: (32, 17), 40: (64, 36), 41: (128, 18),
}  # fmt: skip
"""ggml's tensor kinds: numbers in a block, bytes of a block (gguf.constants.GGML_QUANT_SIZES)."""

_LIMITS = {
    "context_length": (64, 1 << 24),
    "embedding_length": (1, 1 << 17),
    "block_count": (1, 1 << 10),
    "vocab_size": (1, 1 << 24),
}
_HEADS = ("attention.head_count", "attention.head_count_kv")
_MAX_HEADS = 1 << 12
_STRING = 8


def checked(path: Path) -> Header:
    """Read and check the header. Raises `ModelMissing` and `ModelBroken`, with path and first reason."""
    try:
        header = read(path)
    except FileNotFoundError as error:
        raise ModelMissing(f"there is no file `{path}`") from error
    except OSError as error:
        raise ModelBroken(f"`{path}` cannot be read: {error.strerror}") from error
    except GgufError as error:
        raise _broken(path, str(error)) from error
    for problem in problems(header):
        raise _broken(path, problem)
    return header


def _broken(path: Path, problem: str) -> ModelBroken:
    return ModelBroken(
        f"`{path}` {problem}",
        hint="get the file again, and compare its size or hash with the source's",
    )


def problems(header: Header) -> Iterator[str]:
    """Yield what is wrong, each the end of a sentence that begins with the path."""
    yield from _metadata_problems(header)
    yield from _tokenizer_problems(header)
    if not header.tensors and (header.number("split.count") or 0) < 2:
        yield "holds no tensors"
    names = set()
    for tensor in header.tensors:
        if tensor.name in names:
            yield f"holds the tensor `{tensor.name}` twice"
        names.add(tensor.name)
        yield from _tensor_problems(tensor, header)


def _metadata_problems(header: Header) -> Iterator[str]:
    family = header.text("general.architecture")
    if not family:
        yield "does not say which architecture it is of"
    if family == "clip" or header.text("general.type") not in ("", "model"):
        yield "holds a part of a model (a projector, an adapter), not a model"
    for name, (least, most) in _LIMITS.items():
        key = f"{family}.{name}"
        count = header.number(key)
        if key in header.values and (count is None or not least <= count <= most):
            yield f"has an impossible `{key}`"
        if name != "vocab_size" and key not in header.values:
            yield f"lacks `{key}`"
    for name in _HEADS:
        heads = header.values.get(f"{family}.{name}", 1)
        counts = heads.items if isinstance(heads, Array) else (heads,)
        if not counts or not all(isinstance(count, int) and 0 <= count <= _MAX_HEADS for count in counts):
            yield f"has an impossible `{family}.{name}`"
    for key, value in header.values.items():
        if key.endswith("_epsilon") and not (isinstance(value, float) and 0 <= value < 1):
            yield f"has an impossible `{key}`"


def _tokenizer_problems(header: Header) -> Iterator[str]:
    words = header.values.get("tokenizer.ggml.tokens")
    if not header.text("tokenizer.ggml.model") or not isinstance(words, Array) or words.kind != _STRING:
        yield "has no tokenizer"
        return
    if not words.length:
        yield "has a tokenizer without words"
    if not words.distinct:
        yield "has a tokenizer that holds a word twice"
    for name in ("token_type", "scores"):
        other = header.values.get(f"tokenizer.ggml.{name}")
        if other is not None and (not isinstance(other, Array) or other.length != words.length):
            yield f"has a tokenizer whose `{name}` do not match its words"
    merges = header.values.get("tokenizer.ggml.merges")
    if merges is not None and (not isinstance(merges, Array) or merges.kind != _STRING):
        yield "has a tokenizer with broken merges"
    for key, value in header.values.items():
        if key.startswith("tokenizer.ggml.") and key.endswith("_token_id"):
            number = header.number(key)
            if number is None or (number >= words.length and number != (1 << 32) - 1):
                yield f"names a token that it does not have (`{key}` is {value})"


def _tensor_problems(tensor: Tensor, header: Header) -> Iterator[str]:
    name = tensor.name[:80]
    numbers = prod(tensor.shape)
    if not tensor.shape or numbers < 1 or numbers >= 1 << 62:
        yield f"holds the tensor `{name}` of an impossible shape"
        return
    if tensor.kind not in _BLOCKS:
        yield f"holds the tensor `{name}` of a kind that is not known"
        return
    per_block, block_bytes = _BLOCKS[tensor.kind]
    if tensor.shape[0] % per_block:
        yield f"holds the tensor `{name}` whose rows are no whole blocks"
    end = header.data_start + tensor.offset + numbers // per_block * block_bytes
    if end > header.size:
        yield f"is cut off: `{name}` ends at byte {end:,}, and the file has {header.size:,}"
