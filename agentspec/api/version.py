"""Version numbers of the software, of the plugin API and of the spec language."""

VERSION = "0.1.0"

API_VERSION = 1
"""Raised when a plugin written for the number before would break."""

LANGUAGE_VERSION = 1
"""The value of `agentspec:` that this release reads."""
