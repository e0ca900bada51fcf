"""What may stand beside `use: ollama/...` in a spec."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from agentspec.api import Options


class OllamaOptions(Options):
    """Options of one Ollama model. Settings of a node win over those here."""

    host: str | None = Field(None, description="Server; by default $OLLAMA_HOST, else 127.0.0.1:11434.")
    num_ctx: int | None = Field(None, ge=16, description="Context in tokens; by default as large as needed.")
    keep_alive: str | float | None = Field(None, description="How long the model stays loaded: 10m, -1, 0.")
    temperature: float | None = Field(None, ge=0)
    max_tokens: int | None = Field(None, ge=1, description="Longest answer (`num_predict`).")
    seed: int | None = None
    stop: tuple[str, ...] = ()
    think: bool | Literal["low", "medium", "high"] | None = Field(None, description="Reason before answering.")
    timeout_s: float = Field(300.0, gt=0, description="Longest silence; loading a model is silence, too.")
