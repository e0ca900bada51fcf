"""Does llama.cpp compute what torch computed? `python -m training.parity build/triage triage.gguf`.

Compares token ids (chat template and splitting rule) and the log-probability of each answer token, greedy,
without a grammar. Weights of torch are float32, those of the file q8_0, so small differences are expected.
"""

from __future__ import annotations

import argparse
import math
from itertools import islice
from pathlib import Path
from statistics import mean
from typing import Any

import torch
import xllamacpp

from . import serve
from .generate import hand_written, messages
from .model import Decoder, Shape
from .tokenizer import BOS, read_tokenizer, render


def free_answer(server: xllamacpp.Server, prompt: str) -> dict[str, Any]:
    """A greedy chat completion without a schema, with log-probabilities."""
    request = {
        "messages": [{"role": "user", "content": prompt}],
        "temperature": 0.0, "max_tokens": 40, "logprobs": True, "top_logprobs": 1, "cache_prompt": False,
    }  # fmt: skip
    reply: dict[str, Any] = server.handle_chat_completions(request)
    return reply


def main() -> None:
    """Print the largest and the mean difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--count", type=int, default=40)
    options = parser.parse_args()
    torch.set_num_threads(1)
    saved = torch.load(options.build / "model.pt", weights_only=True)
    model = Decoder(Shape(**saved["shape"]), saved["state"]["intent_head.weight"].shape[0])
    model.load_state_dict(saved["state"], strict=False)
    model.eval()
    tokenizer = read_tokenizer(options.build / "tokenizer.json")
    server = serve.start(options.model)
    gaps: list[float] = []
    same_count = same_tokens = 0
    sample = [*islice(messages("vocab", 5), options.count // 2), *hand_written("dev")[: options.count // 2]]
    for message in sample:
        reply = free_answer(server, message.prompt)
        ids = [tokenizer.token_to_id(BOS), *tokenizer.encode(render(message.prompt)).ids]
        same_count += reply["usage"]["prompt_tokens"] == len(ids)
        served = reply["choices"][0]["logprobs"]["content"]
        agree = True
        for token in served:
            with torch.no_grad():
                logs = model.logits(model(torch.tensor([ids])))[0, -1].log_softmax(-1)
            best = int(logs.argmax())
            agree = agree and best == token["id"]
            gaps.append(abs(math.exp(float(logs[token["id"]])) - math.exp(token["logprob"])))
            ids.append(token["id"])
        same_tokens += agree
    print(f"{len(sample)} prompts: same number of tokens {same_count}, same greedy answer {same_tokens}")
    print(f"probability of {len(gaps)} answer tokens: mean gap {mean(gaps):.5f}, largest {max(gaps):.4f}")


if __name__ == "__main__":
    main()
