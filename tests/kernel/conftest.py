"""Hypothesis profiles: a quick one by default, a long one with AGENTSPEC_TESTS=deep."""

import os

from hypothesis import HealthCheck, settings

slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile("quick", max_examples=60, deadline=None, suppress_health_check=slow)
settings.register_profile("deep", max_examples=2_000, deadline=None, suppress_health_check=slow)
settings.load_profile("deep" if os.environ.get("AGENTSPEC_TESTS") == "deep" else "quick")
