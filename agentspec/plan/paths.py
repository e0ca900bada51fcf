"""Addresses of steps: `each[3]/sort`, `polish#2/write`, `act:urgent`, `talk/mail.search#2`."""

from __future__ import annotations

import json
import re

from agentspec.api.messages import Json

_INDEX = re.compile(r"\[\d+\]|#\d+")
_ESCAPES = str.maketrans({char: f"%{ord(char):02X}" for char in "%/[#"})


def general(path: str) -> str:
    """A step's path without the indices of maps, rounds and calls: the node's own path."""
    return _INDEX.sub("", path)


def case_path(label: str) -> str:
    """What a case adds to its switch's path; a label cannot be taken for a further part of the path."""
    return f":{label.translate(_ESCAPES)}"


def label_of(value: Json) -> str:
    """A value as it is written as a case: words as they are, `true`, `3`, `null`."""
    return value if isinstance(value, str) else json.dumps(value)
