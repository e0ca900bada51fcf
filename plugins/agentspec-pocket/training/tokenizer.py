"""Byte-level BPE, trained on generated messages.

The splitting rule is the one that llama.cpp calls `qwen2`: digits stand alone (a date is copied digit by
digit), and a word takes the blank before it along.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

PRE_TOKENIZER = "qwen2"
BOS, END, USER, SYSTEM, ANSWER, PAD = "<|bos|>", "<|end|>", "<|user|>", "<|system|>", "<|answer|>", "<|pad|>"
SPECIAL = [BOS, END, USER, SYSTEM, ANSWER, PAD]
# The pattern of llama.cpp's `LLAMA_VOCAB_PRE_TYPE_QWEN2` (src/llama-vocab.cpp).
_PATTERN = (
    r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# What the chat template of `export` renders around the text of a user; `parity` counts the tokens of both.
PROMPT = f"{USER}\n{{text}}\n{ANSWER}\n"


def train_tokenizer(texts: Iterable[str], size: int) -> Tokenizer:
    """Learn `size` entries, the special ones and all 256 bytes included."""
    tokenizer = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(_PATTERN), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def read_tokenizer(path: Path) -> Tokenizer:
    """Load what `Tokenizer.save` wrote."""
    return Tokenizer.from_file(str(path))


def render(text: str) -> str:
    """What the chat template makes of one user message, without the first token."""
    return PROMPT.format(text=text.replace("<|", "< |"))
