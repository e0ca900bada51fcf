"""Torch weights to a GGUF file for llama.cpp: `python -m training.export build/triage triage.gguf`.

Matrices become q8_0 (blocks of 32 weights and one scale), norms stay float32. The file appears under its name
only when it is complete.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from tokenizers import Tokenizer

from .model import Shape
from .tokenizer import ANSWER, BOS, END, PAD, PRE_TOKENIZER, SPECIAL, SYSTEM, USER, read_tokenizer

# The server reads special tokens anywhere in a rendered prompt, so the template breaks `<|` in what people
# write. Text of a system message goes in front under its own mark (the model never saw one in training).
CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- set text = message['content'] | replace('<|', '< |') -%}"
    f"{{%- if message['role'] == 'system' -%}}{{{{- '{SYSTEM}\\n' + text + '\\n' -}}}}"
    f"{{%- elif message['role'] == 'assistant' -%}}{{{{- '{ANSWER}\\n' + text + '{END}' -}}}}"
    f"{{%- else -%}}{{{{- '{USER}\\n' + text + '\\n' -}}}}{{%- endif -%}}"
    "{%- endfor -%}"
    f"{{%- if add_generation_prompt -%}}{{{{- '{ANSWER}\\n' -}}}}{{%- endif -%}}"
)
_LAYER_NAMES = {
    "attn_norm": "attn_norm", "q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output",
    "ffn_norm": "ffn_norm", "gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down",
}  # fmt: skip


def gguf_name(name: str) -> str | None:
    """Name of a weight in the file; None for weights that only training needs."""
    if name == "embed.weight":
        return "token_embd.weight"
    if name == "norm.weight":
        return "output_norm.weight"
    if name.startswith("blocks."):
        _, layer, part, _ = name.split(".")
        return f"blk.{layer}.{_LAYER_NAMES[part]}.weight"
    return None


def _add_shape(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_name("agentspec triage")
    writer.add_license("Apache-2.0")
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)


def _add_tokenizer(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    numbers = tokenizer.get_vocab()
    tokens = sorted(numbers, key=numbers.__getitem__)
    kinds = [gguf.TokenType.CONTROL if token in SPECIAL else gguf.TokenType.NORMAL for token in tokens]
    merges: list[Any] = json.loads(tokenizer.to_str())["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(PRE_TOKENIZER)
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    writer.add_bos_token_id(numbers[BOS])
    writer.add_eos_token_id(numbers[END])
    writer.add_pad_token_id(numbers[PAD])
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def export(build: Path, target: Path) -> None:
    """Write the model of the folder `build` (model.pt, tokenizer.json) to `target`."""
    saved = torch.load(build / "model.pt", weights_only=True)
    unfinished = target.with_suffix(".part")
    writer = gguf.GGUFWriter(unfinished, "llama")
    _add_shape(writer, Shape(**saved["shape"]))
    _add_tokenizer(writer, read_tokenizer(build / "tokenizer.json"))
    for name, weight in saved["state"].items():
        if (new := gguf_name(name)) is None:
            continue
        values = weight.float().numpy()
        if values.ndim == 1:
            writer.add_tensor(new, values.astype(np.float32))
        else:
            blocks = gguf.quants.quantize(values, gguf.GGMLQuantizationType.Q8_0)
            writer.add_tensor(new, blocks, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    unfinished.replace(target)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    export(options.build, options.target)
    print(f"{options.target}: {options.target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
