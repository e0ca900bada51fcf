"""A decoder of the Llama family: RMSNorm, rotary positions, SwiGLU, tied embeddings.

Rotary positions turn neighbouring pairs (2i, 2i + 1), which is what llama.cpp does for the architecture
`llama`, so that the weights go into a GGUF file as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of the network. `width` is a multiple of 32, the block of q8_0."""

    vocabulary: int = 2048
    width: int = 192
    layers: int = 4
    heads: int = 6
    kv_heads: int = 3
    hidden: int = 512
    context: int = 1024
    rope_base: float = 10000.0
    epsilon: float = 1e-5

    @property
    def head_width(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads


def rotary(shape: Shape, length: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines, each (length, head_width / 2). Su et al. 2021, RoFormer, section 3.2.2."""
    steps = torch.arange(0, shape.head_width, 2).float() / shape.head_width
    angles = torch.outer(torch.arange(length).float(), shape.rope_base**-steps)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn neighbouring pairs of the last axis of x (batch, heads, length, head_width)."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


class Block(nn.Module):
    """Attention and feed-forward, each with a norm before and a way around."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        kv_width = shape.kv_heads * shape.head_width
        self.attn_norm = nn.RMSNorm(shape.width, shape.epsilon)
        self.q = nn.Linear(shape.width, shape.width, bias=False)
        self.k = nn.Linear(shape.width, kv_width, bias=False)
        self.v = nn.Linear(shape.width, kv_width, bias=False)
        self.o = nn.Linear(shape.width, shape.width, bias=False)
        self.ffn_norm = nn.RMSNorm(shape.width, shape.epsilon)
        self.gate = nn.Linear(shape.width, shape.hidden, bias=False)
        self.up = nn.Linear(shape.width, shape.hidden, bias=False)
        self.down = nn.Linear(shape.hidden, shape.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, dropout: float, asked: Tensor | None = None) -> Tensor:
        """x: (batch, length, width). With `asked` (batch, count) only those go on: (batch, count, width)."""
        batch, length, _ = x.shape
        size = self.shape.head_width
        normed = self.attn_norm(x)
        k = rotate(self.k(normed).view(batch, length, -1, size).transpose(1, 2), cos, sin)
        v = self.v(normed).view(batch, length, -1, size).transpose(1, 2)
        mask = None
        if asked is not None:
            rows = torch.arange(batch)[:, None]
            x, normed = x[rows, asked], normed[rows, asked]
            mask = (torch.arange(length) <= asked[:, :, None])[:, None]
            cos, sin = cos[asked][:, None], sin[asked][:, None]
        q = rotate(self.q(normed).view(batch, x.shape[1], -1, size).transpose(1, 2), cos, sin)
        seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None, enable_gqa=True)
        x = x + functional.dropout(self.o(seen.transpose(1, 2).reshape(x.shape)), dropout, self.training)
        normed = self.ffn_norm(x)
        return x + functional.dropout(
            self.down(functional.silu(self.gate(normed)) * self.up(normed)), dropout, self.training
        )


class Decoder(nn.Module):
    """Tokens in, hidden states out; `logits` gives scores over the vocabulary."""

    def __init__(self, shape: Shape, intents: int = 0) -> None:
        super().__init__()
        self.shape = shape
        self.embed = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, shape.epsilon)
        # Which intent of the grammar made the message: a second, richer task at the first token of the
        # answer. It is left behind at export.
        self.intent_head = nn.Linear(shape.width, max(intents, 1))
        cos, sin = rotary(shape, shape.context)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.apply(self._start)
        for block in self.blocks:
            for last in (block.o, block.down):
                nn.init.normal_(last.weight, std=0.02 / (2 * shape.layers) ** 0.5)

    @staticmethod
    def _start(module: nn.Module) -> None:
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)

    def forward(self, tokens: Tensor, asked: Tensor | None = None, dropout: float = 0.0) -> Tensor:
        """tokens: (batch, length) -> hidden states (batch, length, width), after the last norm.

        With `asked` (batch, count) only for those positions; the last block then skips all others (a sixth of
        the work of an e-mail of usual length).
        """
        length = tokens.shape[1]
        cos, sin = self.cos[:length], self.sin[:length]
        x = functional.dropout(self.embed(tokens), dropout, self.training)
        for block in self.blocks[:-1]:
            x = block(x, cos, sin, dropout)
        x = self.blocks[-1](x, cos, sin, dropout, asked)
        return self.norm(x)

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores over the vocabulary, (…, vocabulary)."""
        return functional.linear(hidden, self.embed.weight)
