"""Which file is meant, and what happens when it is none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from asking import ask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_gguf import write_tiny

from agentspec.api import BackendFactory, BackendUnavailable, ModelBinding, ModelBroken, ModelMissing
from agentspec.api.backend import Backend
from agentspec_pocket.gguf_check import checked
from agentspec_pocket.gguf_read import read

Open = Callable[..., Backend]

LOAD = """
import asyncio, sys
from pathlib import Path
from agentspec.api import BackendError, Message, ModelBinding, Request
from agentspec_pocket.plugin import agentspec_register_backends
[factory] = agentspec_register_backends()
for path in sys.argv[1:]:
    try:
        backend = factory.create(ModelBinding(path, factory.options(), Path.cwd()))
        ask = Request((Message("user", "Hello there"),), output={"type": "boolean"}, max_tokens=9)
        asyncio.run(backend.generate(ask))
        asyncio.run(backend.close())
    except BackendError:
        pass
print("alive")
"""


def test_a_name_without_slash_is_a_shipped_model(open_model: Open) -> None:
    with pytest.raises(ModelMissing) as caught:
        open_model("no-such-model")
    assert "no-such-model" in caught.value.message
    assert "shipped models" in (caught.value.hint or "")


@pytest.mark.parametrize("name", ["./models/own.gguf", "models/own.gguf", "models/../models/own.gguf"])
def test_relative_files_are_meant_from_the_spec_folder(open_model: Open, tmp_path: Path, name: str) -> None:
    (tmp_path / "models").mkdir()
    write_tiny(tmp_path / "models" / "own.gguf")
    assert open_model(name).capabilities.context_tokens == 512


def test_a_missing_file_is_named_in_full(open_model: Open, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing) as caught:
        open_model("./gone.gguf")
    assert str(tmp_path / "gone.gguf") in caught.value.message


def test_a_folder_is_no_model(open_model: Open, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="is no file"):
        open_model(str(tmp_path))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cut off"),
        (b"hello, I am a text file", "no GGUF file"),
        (
            b"GGUF" + (3).to_bytes(4, "little") + os.urandom(4000),
            "cut off|holds more|too long|unknown|not UTF-8",
        ),
        (b"GGUF" + (9).to_bytes(4, "little"), "version 9"),
        (b"GGUF" + (3).to_bytes(4, "little") + (2**63).to_bytes(8, "little") * 2, "holds more than it can"),
    ],
)
def test_a_file_that_is_no_model_is_refused(open_model: Open, tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelBroken, match=reason) as caught:
        open_model(path)
    assert str(path) in caught.value.message


def test_a_truncated_model_says_where_it_ends(open_model: Open, tiny: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes(tiny.read_bytes()[:-100])
    with pytest.raises(ModelBroken, match="cut off"):
        open_model(path)


def test_a_model_that_only_llama_cpp_finds_broken(open_model: Open, tiny: Path, tmp_path: Path) -> None:
    path = tmp_path / "odd.gguf"
    path.write_bytes(tiny.read_bytes().replace(b"output_norm.weight", b"output_harm.weight"))
    with pytest.raises(ModelBroken, match="could not load"):
        ask(open_model(path))


def test_without_xllamacpp_the_backend_says_how_to_get_it(
    factory: BackendFactory, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentspec_pocket.backend.find_spec", lambda name: None)
    with pytest.raises(BackendUnavailable) as caught:
        factory.create(ModelBinding(str(tiny), factory.options(), tiny.parent))
    assert "pip install xllamacpp" in (caught.value.hint or "")


def test_an_xllamacpp_that_does_not_load_is_unavailable(
    open_model: Open, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = open_model(tiny)
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(BackendUnavailable):
        ask(backend)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(data=st.data())
def test_no_damage_to_a_header_gets_past_as_another_error(tiny: Path, tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "damaged.gguf"
    path.write_bytes(damaged(tiny.read_bytes(), read(tiny).data_start, data.draw))
    with suppress(ModelBroken):
        assert checked(path).tensors


def test_damage_that_looks_harmless_never_ends_the_process(tiny: Path, tmp_path: Path) -> None:
    whole, start = tiny.read_bytes(), read(tiny).data_start
    paths: list[str] = []
    words = [b"\x00" * 4, b"\x01\x00\x00\x00", b"\xff" * 4, b"\xff\xff\xff\x7f"]
    for number, at in enumerate(range(24, start, 29)):
        path = tmp_path / f"{number}.gguf"
        path.write_bytes(whole[:at] + words[number % len(words)] + whole[at + 4 :])
        try:
            checked(path)
        except ModelBroken:
            path.unlink()
            continue
        paths.append(str(path))
    assert len(paths) > 10
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *paths],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env=os.environ | {"GGML_NO_BACKTRACE": "1"},
    )
    assert done.stdout == "alive\n", done.stderr[-500:]


def damaged(whole: bytes, start: int, draw: Callable[[st.SearchStrategy[int]], int]) -> bytes:
    """Change some bytes before `start`, leave some out, or cut the file off."""
    at = draw(st.integers(0, start - 1))
    match draw(st.integers(0, 3)):
        case 0:
            return whole[:at] + bytes([draw(st.integers(0, 255))]) + whole[at + 1 :]
        case 1:
            number = draw(st.sampled_from([0, 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1]))
            return whole[:at] + number.to_bytes(8, "little") + whole[at + 8 :]
        case 2:
            return whole[:at] + whole[at + draw(st.integers(1, 16)) :]
        case _:
            return whole[: draw(st.integers(0, len(whole)))]
