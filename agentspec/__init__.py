"""Declarative agents on small language models.

The floors, lowest first; each imports only from those above it in this list:

    api        all that a plugin may import          nodes     how lm and tool steps run
    spec       YAML text -> located, valid Spec      runtime   the asyncio shell
    plan       Spec -> graph -> frozen Plan          testing   conformance kits for plugins
    kernel     a run as a pure state machine         cli       one file per command
    registry   plugins, found lazily
    models     structured answers, confidence
"""
