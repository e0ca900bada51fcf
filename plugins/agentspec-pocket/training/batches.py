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
from .practice import practice_row
from .tokenizer import BOS, END, PAD, render

# Few, fixed shapes: the CPU kernels for bfloat16 are compiled anew for every shape (seconds each).
_LENGTHS = (80, 104, 128, 160, 208, 288, 448)
_ANSWER = 32  # tokens of an answer at most, the closing one included
_OPENING = '{"category":"'


@dataclass(frozen=True, slots=True)
class Batch:
    """`tokens` (batch, length), padded at the right.

    `asked` (batch, 32) holds the positions that predict the answer and `targets` what they should predict,
    -100 past its end. `decision` (batch,) is the place in `asked` that predicts the category; `intents`
    (batch,) are numbers.
    """

    tokens: Tensor
    asked: Tensor
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
        numbers = tokenizer.get_vocab()
        self._bos, self._end = numbers[BOS], numbers[END]
        self.pad = numbers[PAD]
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
            rows.append(Encoded(ids, start, self._opening, intent))
        return rows

    def encode_practice(self, count: int, rng: random.Random) -> list[Encoded]:
        """Token ids of copying practice, without category or intent."""
        rows = [practice_row(rng) for _ in range(count)]
        prompts = self._tokenizer.encode_batch([prompt for prompt, _ in rows])
        answers = self._tokenizer.encode_batch([answer for _, answer in rows])
        return [
            Encoded([self._bos, *prompt.ids, *answer.ids, self._end], 1 + len(prompt.ids), 0, -100)
            for prompt, answer in zip(prompts, answers, strict=True)
        ]

    def batch(self, rows: list[Encoded], length: int = 0) -> Batch:
        """Pad to `length` (or to the longest row) and stack."""
        length = length or max(len(row.ids) for row in rows) - 1
        tokens = torch.full((len(rows), length), self.pad)
        targets = torch.full((len(rows), _ANSWER), -100)
        asked = torch.zeros((len(rows), _ANSWER), dtype=torch.long)
        for number, row in enumerate(rows):
            answer = row.ids[row.prompt_length :]
            tokens[number, : len(row.ids) - 1] = torch.tensor(row.ids[:-1])
            targets[number, : len(answer)] = torch.tensor(answer)
            asked[number, : len(answer)] = torch.arange(row.prompt_length - 1, len(row.ids) - 1)
        decision = torch.tensor([row.decision for row in rows])
        return Batch(tokens, asked, targets, decision, torch.tensor([row.intent for row in rows]))

    def stream(
        self, messages: Iterator[Message], tokens_per_batch: int, practice: int, rng: random.Random
    ) -> Iterator[Batch]:
        """Endless batches of about `tokens_per_batch` tokens; the few messages that are too long drop out.

        `practice` rows of copying are mixed into every 512 messages.
        """
        waiting: dict[int, list[Encoded]] = {length: [] for length in _LENGTHS}
        while True:
            rows = self.encode(list(islice(messages, 512)))
            if practice:
                rows += self.encode_practice(practice, rng)
                rng.shuffle(rows)
            for row in rows:
                length = next((length for length in _LENGTHS if len(row.ids) - 1 <= length), None)
                if length is None:
                    continue
                waiting[length].append(row)
                if len(waiting[length]) == tokens_per_batch // length:
                    yield self.batch(waiting[length], length)
                    waiting[length] = []
