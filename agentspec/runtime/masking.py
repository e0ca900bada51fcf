"""Events on their way to observers, and questions on their way to persons, without secrets."""

from __future__ import annotations

from agentspec.api.events import Event, Observer, Question, TextStreamed
from agentspec.models.secrets import Masker
from agentspec.nodes.services import Ask


def masked_ask(ask: Ask | None, masker: Masker) -> Ask | None:
    """Return a way of asking that shows no secrets."""
    if ask is None or not masker:
        return ask

    async def asked(path: str, question: Question) -> str | None:
        return await ask(path, question._replace(show=masker.data(question.show)))

    return asked


class MaskedEvents:
    """Passes events on with their secrets masked.

    A model's text comes in pieces, and a secret may begin in one and end in the next. So the end of a piece that may
    be such a beginning is kept until more is known.
    """

    def __init__(self, masker: Masker, tell: Observer) -> None:
        self._masker = masker
        self._tell = tell
        self._kept: dict[str, str] = {}

    def __call__(self, event: Event) -> None:
        """Take in one event."""
        if not self._masker:
            self._tell(event)
        elif isinstance(event, TextStreamed):
            self._stream(event)
        else:
            rest = self._kept.pop(getattr(event, "path", ""), "")
            if rest:
                self._tell(TextStreamed(getattr(event, "path", ""), self._masker.text(rest)))
            self._tell(self._masker.data(event))

    def _stream(self, event: TextStreamed) -> None:
        shown, self._kept[event.path] = self._masker.piece(self._kept.get(event.path, "") + event.text)
        if shown:
            self._tell(TextStreamed(event.path, shown))
