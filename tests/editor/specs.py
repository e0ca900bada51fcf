"""Specs that are known to be right: those of the docs, of the agents, and of the corpus."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agentspec.spec.source import Source
from agentspec.spec.text.loader import read
from tests.docs.fences import ROOT, blocks, pages


def good_specs() -> list[Source]:
    """Every whole spec that the checker finds nothing wrong with."""
    return [*_of_docs(), *(Source(str(path.relative_to(ROOT)), read(path).text) for path in _files())]


def _files() -> Iterator[Path]:
    yield from sorted(ROOT.glob("agents/*/agent.yaml"))
    for path in sorted(ROOT.glob("tests/corpus/good/**/*.yaml")):
        if "agentspec:" in path.read_text(encoding="utf-8"):
            yield path


def _of_docs() -> Iterator[Source]:
    for page in pages():
        for block in blocks(page):
            if block.language in ("yaml", "yml") and "agentspec:" in block.text and block.words[:1] != ("bad",):
                yield Source(str(block), block.text)
