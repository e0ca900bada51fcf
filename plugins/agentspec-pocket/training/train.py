"""Train the decoder: `python -m training.train --seed 7 --steps 1800 --out build/triage`.

Every message is seen once: the generator makes new ones for as long as training lasts. Matrices of the blocks are
turned by Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/), embeddings and norms by AdamW.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from .batches import Batch, Encoder
from .generate import HERE, hand_written, intent_names, messages
from .grammar import read_phrases
from .message import Message
from .model import Decoder, Shape
from .tokenizer import PAD, train_tokenizer

_TOKENIZER_MESSAGES = 20_000
_INTENT_WEIGHT = 0.3
_WARM_UP = 0.03  # share of the steps


def losses(model: Decoder, batch: Batch, dropout: float, smoothing: float) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the answer tokens (mean per token), and of the intent at the decision."""
    hidden = model(batch.tokens, dropout)
    asked = batch.targets != -100
    logits = model.logits(hidden[asked]).float()
    answer = F.cross_entropy(logits, batch.targets[asked], label_smoothing=smoothing)
    at_decision = hidden[torch.arange(len(batch.decision)), batch.decision]
    intent = F.cross_entropy(model.intent_head(at_decision).float(), batch.intents)
    return answer, intent


def optimizers(model: Decoder, muon_rate: float, adam_rate: float) -> list[torch.optim.Optimizer]:
    """Muon for matrices inside blocks, AdamW for the rest."""
    matrices = [weight for weight in model.blocks.parameters() if weight.ndim == 2]
    inside = {id(weight) for weight in matrices}
    rest = [weight for weight in model.parameters() if id(weight) not in inside]
    return [
        torch.optim.Muon(matrices, lr=muon_rate, weight_decay=0.02, momentum=0.95, nesterov=True),
        torch.optim.AdamW(rest, lr=adam_rate, betas=(0.9, 0.98), weight_decay=0.01),
    ]


def rate_at(step: int, steps: int) -> float:
    """Share of the full learning rate: a short warm-up, a plateau, a linear fall over the last 60 %."""
    warm = max(1, int(_WARM_UP * steps))
    return min(1.0, (step + 1) / warm, max(0.0, (steps - step) / (0.6 * steps)))


@torch.no_grad()
def exact_share(model: Decoder, encoder: Encoder, examples: list[Message]) -> float:
    """Share of messages whose whole answer is the most likely one, token by token (no grammar)."""
    model.eval()
    right = 0
    rows = encoder.encode(examples)
    for start in range(0, len(rows), 32):
        batch = encoder.batch(rows[start : start + 32])
        best = model.logits(model(batch.tokens)).argmax(-1)
        right += int(((best == batch.targets) | (batch.targets == -100)).all(-1).sum())
    model.train()
    return right / len(rows)


def run(options: argparse.Namespace) -> None:
    """Tokenizer, training, checkpoint."""
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    sample = islice(messages("train", options.seed + 1), _TOKENIZER_MESSAGES)
    tokenizer = train_tokenizer((f"{message.prompt}\n{message.answer}" for message in sample), options.vocabulary)
    tokenizer.save(str(out / "tokenizer.json"))
    intents = intent_names(read_phrases(HERE / "phrases"))
    encoder = Encoder(tokenizer, intents)
    shape = Shape(
        tokenizer.get_vocab_size(), options.width, options.layers, options.heads, options.kv_heads, options.hidden
    )
    model = Decoder(shape, len(intents))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights, {len(intents)} intents, pad {PAD}", flush=True)
    checks = {
        "iid": list(islice(messages("iid", options.seed + 2), 200)),
        "vocab": list(islice(messages("vocab", options.seed + 3), 200)),
        "ood_dev": hand_written("dev"),
    }
    _loop(model, encoder, options, checks)
    state = {name: weight.contiguous() for name, weight in model.state_dict().items()}
    torch.save({"shape": dataclasses.asdict(shape), "state": state}, out / "model.pt")


def _loop(model: Decoder, encoder: Encoder, options: argparse.Namespace, checks: dict[str, list[Message]]) -> None:
    batches: Iterator[Batch] = encoder.stream(messages("train", options.seed), options.tokens, options.seed)
    pair = optimizers(model, options.muon_rate, options.adam_rate)
    full = [group["lr"] for optimizer in pair for group in optimizer.param_groups]
    started, seen, mails = time.monotonic(), 0, 0
    random.seed(options.seed)
    model.train()
    for step, batch in enumerate(islice(batches, options.steps)):
        share = rate_at(step, options.steps)
        for group, rate in zip((g for o in pair for g in o.param_groups), full, strict=True):
            group["lr"] = rate * share
        with torch.autocast("cpu", torch.bfloat16, enabled=options.bf16):
            answer, intent = losses(model, batch, options.dropout, options.smoothing)
        (answer + _INTENT_WEIGHT * intent).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in pair:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        seen += batch.tokens.numel()
        mails += len(batch.tokens)
        if (step + 1) % options.report == 0 or step + 1 == options.steps:
            row = {
                "step": step + 1, "mails": mails, "tokens": seen, "seconds": round(time.monotonic() - started),
                "answer": round(answer.item(), 4), "intent": round(intent.item(), 3),
            }  # fmt: skip
            if (step + 1) % (options.report * 4) == 0 or step + 1 == options.steps:
                row |= {name: round(exact_share(model, encoder, rows), 3) for name, rows in checks.items()}
            print(json.dumps(row), flush=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--steps", type=int, default=1800)
    parser.add_argument("--tokens", type=int, default=6144, help="per batch")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--vocabulary", type=int, default=2048)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=5)
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument("--kv-heads", type=int, default=4)
    parser.add_argument("--hidden", type=int, default=640)
    parser.add_argument("--dropout", type=float, default=0.05)
    parser.add_argument("--smoothing", type=float, default=0.0)
    parser.add_argument("--muon-rate", type=float, default=0.02)
    parser.add_argument("--adam-rate", type=float, default=0.003)
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--report", type=int, default=50)
    parser.add_argument("--out", type=Path, default=Path("build/triage"))
    run(parser.parse_args())


if __name__ == "__main__":
    main()
