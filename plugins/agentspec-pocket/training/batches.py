"""Messages to batches of tokens, of like length, of about equal size."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from tokenizers import Tokenizer
from torch import Tensor

from .message import Message
from .tokenizer import BOS, END, PAD, render

_WINDOW = 2048  # messages that are sorted by length together
_OPENING = '{"category":"'


@dataclass(frozen=True, slots=True)
class Batch:
    """`tokens` (batch, length), padded at the right; `targets` the same shape, -100 where nothing is asked.

    `decision` (batch,) is the position whose next token is the category; `intents` (batch,) numbers the intents.
    """

    tokens: Tensor
    targets: Tensor
    decision: Tensor
    intents: Tensor


@dataclass(frozen=True, slots=True)
class Encoded:
    """One message as token ids: prompt, then answer."""

    ids: list[int]
    prompt_length: int
    decision: int
    intent: int


class Encoder:
    """Turns messages into token ids."""

    def __init__(self, tokenizer: Tokenizer, intents: list[str]) -> None:
        self._tokenizer = tokenizer
        self._numbers = {name: number for number, name in enumerate(intents)}
        self._bos, self._end = tokenizer.token_to_id(BOS), tokenizer.token_to_id(END)
        self.pad: int = tokenizer.token_to_id(PAD)
        self._opening = len(tokenizer.encode(_OPENING).ids)

    def encode(self, messages: list[Message]) -> list[Encoded]:
        """Token ids of many messages at once."""
        prompts = self._tokenizer.encode_batch([render(message.prompt) for message in messages])
        answers = self._tokenizer.encode_batch([message.answer for message in messages])
        rows = []
        for message, prompt, answer in zip(messages, prompts, answers, strict=True):
            ids = [self._bos, *prompt.ids, *answer.ids, self._end]
            start = 1 + len(prompt.ids)
            intent = self._numbers.get(message.intent, -100)
            rows.append(Encoded(ids, start, start + self._opening - 1, intent))
        return rows

    def batch(self, rows: list[Encoded]) -> Batch:
        """Pad and stack."""
        length = max(len(row.ids) for row in rows) - 1
        tokens = torch.full((len(rows), length), self.pad)
        targets = torch.full((len(rows), length), -100)
        for number, row in enumerate(rows):
            tokens[number, : len(row.ids) - 1] = torch.tensor(row.ids[:-1])
            targets[number, row.prompt_length - 1 : len(row.ids) - 1] = torch.tensor(row.ids[row.prompt_length :])
        decision = torch.tensor([row.decision for row in rows])
        return Batch(tokens, targets, decision, torch.tensor([row.intent for row in rows]))

    def stream(self, messages: Iterator[Message], tokens_per_batch: int, seed: int) -> Iterator[Batch]:
        """Endless batches of about `tokens_per_batch` tokens."""
        rng = random.Random(seed)
        while True:
            rows = sorted(self.encode(list(islice(messages, _WINDOW))), key=lambda row: len(row.ids))
            groups: list[list[Encoded]] = [[]]
            for row in rows:
                if (len(groups[-1]) + 1) * len(row.ids) > tokens_per_batch:
                    groups.append([])
                groups[-1].append(row)
            rng.shuffle(groups)
            yield from (self.batch(group) for group in groups if group)
