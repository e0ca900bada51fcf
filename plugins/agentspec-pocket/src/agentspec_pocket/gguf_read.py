"""The header of a GGUF file, read with suspicion.

llama.cpp trusts a file more than one should: some broken headers end the whole process. So a file's shape is
read here first. Every count is compared with the bytes that are left before anything is made of it, and
nothing is read but the header. Layout: ggml, docs/gguf.md, version 2 and 3.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

_MAGIC: Final = b"GGUF"
_VERSIONS: Final = (2, 3)
_CHUNK: Final = 1 << 20
_MAX_HEADER: Final = 1 << 28
_MAX_KEYS: Final = 1 << 16
_MAX_TENSORS: Final = 1 << 16
_MAX_KEPT_TEXT: Final = 1 << 20
_MAX_KEPT_ITEMS: Final = 1 << 12
_MAX_NAME: Final = 1 << 10
_MAX_AXES: Final = 4
_STRING, _ARRAY = 8, 9
_SCALARS: Final = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}

Value = int | float | bool | str


class GgufError(Exception):
    """The file is no GGUF file, or not a whole one. The text ends a sentence that begins with its path."""


@dataclass(frozen=True, slots=True)
class Array:
    """An array of the header. `items` are kept when they are few, else empty.

    Attributes:
        distinct: whether no two texts are the same, empty ones aside; always true of numbers.
    """

    kind: int
    length: int
    items: tuple[Value, ...] = ()
    distinct: bool = True


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where a tensor's numbers are: `offset` counts from the start of the data part."""

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says about itself.

    Attributes:
        values: metadata, long arrays without their items.
        data_start: byte at which the tensors' data begin.
        size: bytes of the file.
    """

    values: dict[str, Value | Array]
    tensors: tuple[Tensor, ...]
    data_start: int
    size: int

    def number(self, key: str) -> int | None:
        """Return a whole number of the metadata, None when it is absent or of another kind."""
        value = self.values.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def text(self, key: str) -> str:
        """Return a text of the metadata, empty when it is absent or of another kind."""
        value = self.values.get(key)
        return value if isinstance(value, str) else ""


def read(path: Path) -> Header:
    """Read the header of `path`. Raises `GgufError` and `OSError`."""
    size = path.stat().st_size
    with path.open("rb") as file:
        cursor = _Cursor(file, size)
        if cursor.take(4) != _MAGIC:
            raise GgufError("is no GGUF file")
        version = cursor.scalar("I")
        if version not in _VERSIONS:
            raise GgufError(f"has GGUF version {version}, and only 2 and 3 are known")
        tensor_count, key_count = cursor.count(_MAX_TENSORS, 24), cursor.count(_MAX_KEYS, 13)
        values: dict[str, Value | Array] = {}
        for _ in range(key_count):
            key = cursor.string(_MAX_NAME)
            if key in values:
                raise GgufError(f"has the key `{key[:80]}` twice")
            values[key] = cursor.value(cursor.scalar("I"))
        tensors = tuple(cursor.tensor() for _ in range(tensor_count))
        alignment = values.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment < 1 or alignment & (alignment - 1) or alignment > _CHUNK:
            raise GgufError("has an alignment that is no power of two")
        return Header(values, tensors, -(-cursor.place // alignment) * alignment, size)


class _Cursor:
    """A place in the header; the file is read in chunks as the place moves on."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file = file
        self.left = min(size, _MAX_HEADER)
        self.chunk = b""
        self.at = 0
        self.place = 0

    def take(self, size: int) -> bytes:
        self._require(size)
        end = self.at + size
        piece = self.chunk[self.at : end]
        self.at = end
        self.place += size
        return piece

    def _require(self, size: int) -> None:
        have = len(self.chunk) - self.at
        if have >= size:
            return
        if size - have > self.left:
            raise GgufError("is cut off inside its header")
        more = self.file.read(min(self.left, max(_CHUNK, size - have)))
        self.left -= len(more)
        self.chunk, self.at = self.chunk[self.at :] + more, 0
        if len(self.chunk) < size:
            raise GgufError("is cut off inside its header")

    def scalar(self, code: str) -> int:
        number: int = struct.unpack("<" + code, self.take(struct.calcsize("<" + code)))[0]
        return number

    def count(self, most: int, least_bytes: int) -> int:
        """Read a count of things that take at least so many bytes each."""
        number = self.scalar("Q")
        if number > most or number * least_bytes > self.left + len(self.chunk) - self.at:
            raise GgufError("is cut off inside its header, or says that it holds more than it can")
        return number

    def string(self, most: int) -> str:
        size = self.scalar("Q")
        if size > most:
            raise GgufError("has a name or text in its header that is too long")
        try:
            return self.take(size).decode()
        except UnicodeDecodeError as error:
            raise GgufError("has a text in its header that is not UTF-8") from error

    def value(self, kind: int) -> Value | Array:
        if kind == _ARRAY:
            return self.array()
        if kind == _STRING:
            return self.string(_MAX_KEPT_TEXT)
        if kind not in _SCALARS:
            raise GgufError("has a value of an unknown kind in its header")
        return self.scalar(_SCALARS[kind])

    def array(self) -> Array:
        kind = self.scalar("I")
        if kind == _STRING:
            length = self.count(_MAX_HEADER, 8)
            texts = [self.take(self.scalar("Q")) for _ in range(length)]
            # llama.cpp ends a text at its first zero byte
            filled = [text for text in (text.partition(b"\0")[0] for text in texts) if text]
            return Array(kind, length, distinct=len(set(filled)) == len(filled))
        if kind not in _SCALARS:
            raise GgufError("has an array of an unknown kind in its header")
        width = struct.calcsize("<" + _SCALARS[kind])
        length = self.count(_MAX_HEADER, width)
        packed = self.take(length * width)
        items = struct.unpack(f"<{length}{_SCALARS[kind]}", packed) if length <= _MAX_KEPT_ITEMS else ()
        return Array(kind, length, items)

    def tensor(self) -> Tensor:
        name = self.string(_MAX_NAME)
        axes = self.scalar("I")
        if axes > _MAX_AXES:
            raise GgufError(f"has the tensor `{name[:80]}` of {axes} axes")
        shape = tuple(self.scalar("Q") for _ in range(axes))
        return Tensor(name, shape, self.scalar("I"), self.scalar("Q"))
