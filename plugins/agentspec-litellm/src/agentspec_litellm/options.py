"""What may stand beside `use: litellm/...` in a spec."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from agentspec.api import Options

# What a call is made of, and what would send it elsewhere or repeat it behind the core's back.
_OURS = frozenset(
    [
        "model",
        "messages",
        "tools",
        "tool_choice",
        "response_format",
        "stream",
        "stream_options",
        "logprobs",
        "temperature",
        "max_tokens",
        "max_completion_tokens",
        "seed",
        "stop",
        "n",
        "timeout",
        "api_key",
        "api_base",
        "base_url",
        "api_version",
        "organization",
        "client",
        "num_retries",
        "max_retries",
        "fallbacks",
        "custom_llm_provider",
        "extra_body",
        "extra_headers",
    ]
)


class LitellmOptions(Options):
    """Options of one remote model. Settings of a node win over those here."""

    key: SecretStr | None = Field(None, description='Key of the provider: "${{ env.OPENAI_API_KEY }}".')
    base_url: str | None = Field(None, description="An OpenAI-compatible server, or a provider's other address.")
    api_version: str | None = Field(None, description="For Azure.")
    organization: str | None = Field(None, description="For OpenAI.")
    temperature: float | None = Field(None, ge=0)
    max_tokens: int | None = Field(None, ge=1)
    seed: int | None = None
    timeout_s: float = Field(120.0, gt=0, description="Longest silence of the provider.")
    context_tokens: int | None = Field(None, ge=1, description="Context of a model that litellm does not know.")
    extra: dict[str, Any] = Field(default_factory=dict, description="Settings that only this provider has.")

    @field_validator("base_url")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        if value is not None and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname):
            raise ValueError("write it like http://127.0.0.1:8080/v1")
        return value

    @field_validator("extra")
    @classmethod
    def _not_ours(cls, value: dict[str, Any]) -> dict[str, Any]:
        taken = sorted(name for name in value if name in _OURS or name.startswith("_"))
        if taken:
            raise ValueError(f"{', '.join(taken)} cannot be set under `extra`")
        return value
