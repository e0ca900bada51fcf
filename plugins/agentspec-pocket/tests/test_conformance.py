"""The rules for backends, against the model that is shipped.

Not against noise: a random model spells bytes that are no text, and what it says cannot be stopped at a word.
"""

from __future__ import annotations

from agentspec.testing.backends import BackendConformance
from agentspec_pocket.plugin import agentspec_register_backends


class TestShipped(BackendConformance):
    [factory] = agentspec_register_backends()
    model = "triage"
