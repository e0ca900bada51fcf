"""What litellm knows about a model: parameters, context, price.

Its tables raise plain `Exception` for what they do not list, hence the blind handlers here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_OPENAI_LIKE = frozenset({"openai", "custom_openai", "openai_like", "text-completion-openai"})


@dataclass(frozen=True, slots=True)
class Abilities:
    """What is known of a model.

    Attributes:
        parameters: the parameters that it takes, None for providers that litellm cannot name.
        context_tokens: the longest prompt, None where unknown.
        priced: whether litellm's price list speaks of this model; not so behind another address.
    """

    parameters: frozenset[str] | None
    context_tokens: int | None
    priced: bool

    def takes(self, parameter: str) -> bool:
        """Tell whether the model takes a parameter; the unknown is worth a try."""
        return self.parameters is None or parameter in self.parameters


def abilities(litellm: Any, model: str, base_url: str | None) -> Abilities:
    """Ask litellm's tables; no network. Unknown models give what is unknown, never an error."""
    try:
        name, provider, *_ = litellm.get_llm_provider(model=model, api_base=base_url)
        parameters = litellm.get_supported_openai_params(model=name, custom_llm_provider=provider)
    except Exception:
        return Abilities(None, None, priced=False)
    # `openai/gpt-4.1-mini` behind another address is somebody else's model at somebody else's price.
    priced = base_url is None or provider not in _OPENAI_LIKE
    context: int | None = None
    if priced:
        try:
            context = litellm.get_model_info(model).get("max_input_tokens")
        except Exception:
            context = None
    return Abilities(frozenset(parameters) if parameters else None, context, priced)


def price(litellm: Any, model: str, response: Any) -> float | None:
    """Return the costs of a reply in USD, None where litellm does not know the price."""
    try:
        return float(litellm.completion_cost(completion_response=response, model=model))
    except Exception:
        return None
