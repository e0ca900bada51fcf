"""What a spec may set beside `use: pocket/…`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agentspec.api.backend import Options


class PocketOptions(Options):
    """How a model is loaded (the first four), and how it answers unless a node says otherwise."""

    threads: Annotated[int, Field(ge=1, le=256)] | None = Field(
        default=None, description="CPU threads; default 1 for files under 50 MB, else one per physical core"
    )
    context: Annotated[int, Field(ge=64, le=1 << 20)] | None = Field(
        default=None,
        description="tokens of prompt and answer; default what the model was trained for, at most 8,192",
    )
    parallel: Annotated[int, Field(ge=1, le=64)] = Field(
        default=1, description="calls that are worked on at the same time; each has a context of its own"
    )
    gpu_layers: Annotated[int, Field(ge=0, le=1024)] = Field(
        default=0, description="layers to put on a GPU, where xllamacpp was built for one"
    )
    temperature: Annotated[float, Field(ge=0, le=5)] = Field(
        default=0.0, description="0 takes the likeliest token each time, and repeats itself exactly"
    )
    max_tokens: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="longest answer; default what the context has room for"
    )
    seed: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="makes sampling repeatable; without it every call draws anew"
    )
    thinking: bool = Field(
        default=False, description="let a reasoning model think before free text; never before a typed answer"
    )
