"""Train the decoder: `python -m training.train --seed 7 --steps 640 --out build/triage`.

Two processes of one thread each share the work and average their gradients once a step: on a machine that
others use as well, that loses far less than two threads that wait for each other at every operation.

Every message is seen once: the generator makes new ones for as long as training lasts. Matrices of the blocks
are turned by Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/), embeddings and norms by
AdamW.
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
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor
from torch.nn import functional

from .batches import Batch, Encoder
from .generate import HERE, hand_written, intent_names, messages
from .grammar import read_phrases
from .message import Message
from .model import Decoder, Shape
from .tokenizer import read_tokenizer, train_tokenizer

_TOKENIZER_MESSAGES = 20_000
_INTENT_WEIGHT = 0.3
_WARM_UP = 0.03  # share of the steps


def losses(model: Decoder, batch: Batch, dropout: float, smoothing: float) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the answer tokens (mean per token), and of the intent at the decision."""
    hidden = model(batch.tokens, batch.asked, dropout)
    logits = model.logits(hidden).float()
    answer = functional.cross_entropy(logits.flatten(0, 1), batch.targets.flatten(), label_smoothing=smoothing)
    at_decision = hidden[torch.arange(len(hidden)), batch.decision]
    guesses = model.intent_head(at_decision).float()
    intent = functional.cross_entropy(guesses, batch.intents, reduction="sum")
    return answer, intent / max(1, int((batch.intents >= 0).sum()))


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
        best = model.logits(model(batch.tokens, batch.asked)).argmax(-1)
        right += int(((best == batch.targets) | (batch.targets == -100)).all(-1).sum())
    model.train()
    return right / len(rows)


def average_gradients(model: Decoder, workers: int) -> None:
    """Give every process the mean gradient."""
    if workers == 1:
        return
    gradients = [weight.grad for weight in model.parameters() if weight.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    for gradient, part in zip(gradients, flat.div_(workers).split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def run(rank: int, options: argparse.Namespace) -> None:
    """Tokenizer, training, checkpoint; the process `rank` is one of `options.workers`."""
    torch.manual_seed(options.seed)  # the same weights in every process
    torch.set_num_threads(1)
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    if options.init is None:
        sample = islice(messages("train", options.seed + 1), _TOKENIZER_MESSAGES)
        texts = (f"{message.prompt}\n{message.answer}" for message in sample)
        tokenizer = train_tokenizer(texts, options.vocabulary)
    else:
        tokenizer = read_tokenizer(options.init / "tokenizer.json")
    if rank == 0:
        tokenizer.save(str(out / "tokenizer.json"))
    intents = intent_names(read_phrases(HERE / "phrases"))
    encoder = Encoder(tokenizer, intents)
    shape = Shape(
        tokenizer.get_vocab_size(),
        options.width,
        options.layers,
        options.heads,
        options.kv_heads,
        options.hidden,
    )
    model = Decoder(shape, len(intents))
    if options.init is not None:
        model.load_state_dict(torch.load(options.init / "model.pt", weights_only=True)["state"])
    if rank == 0:
        print(f"{sum(p.numel() for p in model.parameters()):,} weights, {len(intents)} intents", flush=True)
    checks = {
        "iid": list(islice(messages("iid", options.seed + 2), 200)),
        "vocab": list(islice(messages("vocab", options.seed + 3), 200)),
        "ood_dev": hand_written("dev"),
    }
    if options.workers > 1:
        store = f"file://{(out / 'meeting-point').resolve()}"
        dist.init_process_group("gloo", init_method=store, rank=rank, world_size=options.workers)
    _loop(model, encoder, options, checks, rank)
    if rank != 0:
        return
    save(model, out)


def save(model: Decoder, out: Path) -> None:
    """Write `model.pt` whole or not at all."""
    state = {name: weight.contiguous() for name, weight in model.state_dict().items()}
    torch.save({"shape": dataclasses.asdict(model.shape), "state": state}, out / "model.part")
    (out / "model.part").replace(out / "model.pt")


def _loop(
    model: Decoder, encoder: Encoder, options: argparse.Namespace, checks: dict[str, list[Message]], rank: int
) -> None:
    stream = messages("train", options.seed + 10_000 * rank)
    batches: Iterator[Batch] = encoder.stream(
        stream, options.tokens, options.practice, random.Random(options.seed + rank)
    )
    pair = optimizers(model, options.muon_rate, options.adam_rate)
    full = [group["lr"] for optimizer in pair for group in optimizer.param_groups]
    started, seen, mails = time.monotonic(), 0, 0
    model.train()
    for step, batch in enumerate(islice(batches, options.stop or options.steps)):
        share = rate_at(step, options.steps)
        for group, rate in zip((g for o in pair for g in o.param_groups), full, strict=True):
            group["lr"] = rate * share
        with torch.autocast("cpu", torch.bfloat16, enabled=options.bf16):
            answer, intent = losses(model, batch, options.dropout, options.smoothing)
        (answer + _INTENT_WEIGHT * intent).backward()  # type: ignore[no-untyped-call]
        average_gradients(model, options.workers)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in pair:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        seen += batch.tokens.numel()
        mails += len(batch.tokens)
        if rank == 0 and ((step + 1) % options.report == 0 or step + 1 == options.steps):
            row = {
                "step": step + 1, "mails": mails * options.workers, "tokens": seen * options.workers,
                "seconds": round(time.monotonic() - started),
                "answer": round(answer.item(), 4), "intent": round(intent.item(), 3),
            }  # fmt: skip
            if (step + 1) % (options.report * 4) == 0 or step + 1 == options.steps:
                save(model, options.out)
                row |= {name: round(exact_share(model, encoder, rows), 3) for name, rows in checks.items()}
            print(json.dumps(row), flush=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--steps", type=int, default=640)
    parser.add_argument("--stop", type=int, default=0, help="leave the schedule of `--steps` here")
    parser.add_argument("--init", type=Path, help="go on from the model of this folder")
    parser.add_argument("--practice", type=int, default=0, help="rows of copying to every 512 messages")
    parser.add_argument("--tokens", type=int, default=3072, help="per step and process")
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread")
    parser.add_argument("--vocabulary", type=int, default=2048)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--heads", type=int, default=6)
    parser.add_argument("--kv-heads", type=int, default=3)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--smoothing", type=float, default=0.0)
    parser.add_argument("--muon-rate", type=float, default=0.02)
    parser.add_argument("--adam-rate", type=float, default=0.003)
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--report", type=int, default=50)
    parser.add_argument("--out", type=Path, default=Path("build/triage"))
    options = parser.parse_args()
    (options.out / "meeting-point").unlink(missing_ok=True)
    mp.spawn(run, args=(options,), nprocs=options.workers)


if __name__ == "__main__":
    main()
