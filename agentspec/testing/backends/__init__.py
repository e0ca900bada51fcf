"""What a backend has to do, as numbered rules that can be run against any backend.

kit         `check_backend`, and the class for pytest
rule        a rule and its violation           subject     the backend under test, and how it is asked
watching    sockets, output, what is left open
factories   B01-B07: the factory               abilities   B08-B13: declared capabilities are true
replies     B14-B20: what a reply holds        texts       B21-B24: what goes in comes out
calls       B25-B33: cancelling, concurrency, closing
"""

from agentspec.testing.backends.kit import RULES, BackendConformance, check_backend
from agentspec.testing.backends.rule import Rule, Violation

__all__ = ["RULES", "BackendConformance", "Rule", "Violation", "check_backend"]
