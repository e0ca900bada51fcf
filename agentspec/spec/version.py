"""Which language a file is written in."""

from __future__ import annotations

from typing import Any

from agentspec.api.version import LANGUAGE_VERSION
from agentspec.spec.report import Reporter


def report_foreign(reporter: Reporter) -> bool:
    """Report a file that is no spec of this version, before anybody complains about each of its keys."""
    data = reporter.document.data
    if "agentspec_version" in data and "agentspec" not in data:
        text = "this file is written in Oracle's Open Agent Specification, which is another language"
        label = "specs of this project start with `agentspec: 1`"
        reporter.report("AS205", text, ("agentspec_version",), label, key=True)
    version = data.get("agentspec")
    if type(version) in (int, str) and version != LANGUAGE_VERSION:
        written = f'"{version}"' if isinstance(version, str) else version
        text = f"language version {written} is not known here, this release reads version {LANGUAGE_VERSION}"
        label = "`agentspec migrate` rewrites the file" if is_old(version) else "install a newer release, or write 1"
        reporter.report("AS206", text, ("agentspec",), label)
    return bool(reporter.problems)


def is_old(version: Any) -> bool:
    """Tell whether this is what early drafts have under `agentspec:`, if they have it at all."""
    return type(version) in (int, str) and version in (0, "0", "1")
