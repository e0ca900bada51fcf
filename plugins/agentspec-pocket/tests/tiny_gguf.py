"""A random Llama of a few kilobytes with a byte-level vocabulary: honest noise to test a backend with.

The vocabulary leaves out the bytes that only occur in ill-formed UTF-8 (overlong forms, surrogates, code
points past U+10FFFF). llama.cpp's grammars look at code points, not at bytes, so a model made of pure noise
could spell a quote in two bytes; no trained model does.
"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

SIZE = 32
FEED_FORWARD = 64
HEADS = 2
LAYERS = 2
SPECIAL = ("<|pad|>", "<|start|>", "<|end|>")
MERGES = ("h e", "he l", "l o", "i n", "e r", "Ġ t", '" :', '" ,', '{ "', '" }', "t r", "tr u", "tru e")
TEMPLATE = (
    "{% for message in messages %}<|start|>{{ message['role'] }}\n{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)


def byte_names() -> dict[int, str]:
    """Map each byte to its printable name, as GPT-2's tokenizer does."""
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    names = {byte: chr(byte) for byte in plain}
    others = (byte for byte in range(256) if byte not in names)
    return names | {byte: chr(256 + place) for place, byte in enumerate(others)}


def vocabulary() -> list[str]:
    ill_formed = {0xC0, 0xC1, 0xE0, 0xED, *range(0xF0, 0x100)}
    letters = [name for byte, name in sorted(byte_names().items()) if byte not in ill_formed]
    return [*SPECIAL, *letters, *(merge.replace(" ", "") for merge in MERGES)]


def write_tiny(path: Path, *, seed: int = 0, context: int = 512, template: str | None = TEMPLATE) -> Path:
    """Write the model to `path`; the same seed gives the same bytes."""
    tokens = vocabulary()
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(context)
    writer.add_embedding_length(SIZE)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(SIZE // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_token_types([control if token in SPECIAL else normal for token in tokens])
    writer.add_token_merges(list(MERGES))
    writer.add_pad_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(False)
    if template is not None:
        writer.add_chat_template(template)
    for name, shape in _shapes(len(tokens)):
        noise = np.random.default_rng([seed, len(name), *name.encode()])
        values = np.ones(shape) if len(shape) == 1 else noise.normal(0, 0.3, shape)
        writer.add_tensor(name, values.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _shapes(words: int) -> list[tuple[str, tuple[int, ...]]]:
    shapes: list[tuple[str, tuple[int, ...]]] = [
        ("token_embd.weight", (words, SIZE)),
        ("output_norm.weight", (SIZE,)),
        ("output.weight", (words, SIZE)),
    ]
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        shapes += [(f"{block}{name}.weight", (SIZE, SIZE)) for name in ("attn_q", "attn_k", "attn_v", "attn_output")]
        shapes += [(f"{block}{name}.weight", (SIZE,)) for name in ("attn_norm", "ffn_norm")]
        shapes += [(f"{block}{name}.weight", (FEED_FORWARD, SIZE)) for name in ("ffn_gate", "ffn_up")]
        shapes.append((f"{block}ffn_down.weight", (SIZE, FEED_FORWARD)))
    return shapes
