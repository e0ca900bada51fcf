"""Every code that a message can carry, with its title. One page each in `docs/errors/`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CODES: Mapping[str, str] = MappingProxyType(
    {
        # text
        "AS101": "the file is not UTF-8 text",
        "AS102": "the file is too large",
        "AS103": "the file is not valid YAML",
        "AS104": "a tab is used for indentation",
        "AS105": "a key is written twice",
        "AS106": "aliases expand to too much data",
        "AS107": "the file is nested too deeply",
        "AS108": "the file does not hold one mapping",
        "AS109": "a YAML feature that specs do not use",
        "AS110": "the file cannot be read",
        # shape
        "AS201": "unknown key",
        "AS202": "missing key",
        "AS203": "a value of the wrong shape",
        "AS204": "a node needs exactly one of lm, tool, controller",
        "AS205": "a file of another project",
        "AS206": "a language version that this release does not read",
        "AS207": "a part of the language that this release does not run",
        "AS208": "a name that cannot be used",
        "AS209": "unknown controller",
        # references and types
        "AS300": "an expression that cannot be parsed",
        "AS301": "a field that its type does not have",
        "AS302": "an unknown name",
        "AS303": "an unknown type",
        "AS304": "an unknown model",
        "AS305": "an unknown tool",
        "AS306": "an expression that is not allowed",
        "AS307": "an unknown filter or test",
        "AS308": "a value of the wrong type",
        "AS309": "missing or unknown parameter of a tool",
        "AS310": "a value that may be missing",
        "AS311": "a file that the spec refers to is missing",
        "AS312": "a comparison that can never hold",
        # control flow
        "AS401": "nodes wait for each other in a circle",
        "AS402": "a switch that does not cover every case",
        "AS403": "a node that nothing reads",
        "AS404": "a block whose value is not clear",
        # plugins
        "AS501": "a plugin is missing",
        "AS502": "a plugin cannot be used",
        "AS503": "an option that the plugin does not take",
        # running
        "AS600": "the run failed",
        "AS601": "a tool failed",
        "AS602": "a path outside the folders that the run may touch",
        "AS603": "a value that does not fit its type",
        "AS604": "an expression failed",
        "AS605": "a step took too long",
        "AS606": "a plugin crashed",
        "AS610": "a limit was reached",
        # models
        "AS700": "a model call failed",
        "AS701": "a backend does not answer",
        "AS702": "a model is missing",
        "AS703": "a model file cannot be loaded",
        "AS704": "the prompt is longer than the model's context",
        "AS705": "the provider refuses for now",
        "AS706": "the provider did not answer in time",
        "AS707": "the provider refuses",
        "AS708": "an answer that does not fit its type",
        "AS709": "a remote backend in an offline run",
    }
)
