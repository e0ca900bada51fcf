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
        # several files, the environment
        "AS210": "a file that the spec extends or includes cannot be used",
        "AS211": "a file outside the project",
        "AS212": "files that name each other in a circle",
        "AS213": "too many files",
        "AS214": "an included file with more than types, models and tools",
        "AS215": "a name that two files define differently",
        "AS216": "the environment is read without naming a variable",
        "AS217": "an environment variable is missing",
        "AS218": "a `.env` file that cannot be read",
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
        "AS313": "a filter or test that cannot take the value",
        "AS314": "an operator that cannot take the values",
        "AS315": "an index, slice or loop that cannot be used with the value",
        # control flow
        "AS401": "nodes wait for each other in a circle",
        "AS402": "a switch that does not cover every case",
        "AS403": "a node that nothing reads",
        "AS404": "a block whose value is not clear",
        "AS405": "an agent that calls itself",
        "AS406": "a state that is never reached",
        "AS407": "a state without a way on",
        "AS408": "a machine that cannot end",
        "AS409": "an offer that a model cannot call",
        # models that are made of others
        "AS430": "models that are made of each other",
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
        "AS611": "a machine that did not come to its end",
        "AS612": "a model that makes no progress",
        "AS613": "a plan that may not be run",
        "AS614": "a call that a controller may not make",
        "AS615": "a resumed run that goes another way",
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
