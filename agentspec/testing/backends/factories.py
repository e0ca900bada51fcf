"""Rules of the factory: what is known before a model is asked."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator

from pydantic import BaseModel, ValidationError

from agentspec.api.backend import Backend, Capabilities, Options
from agentspec.api.errors import AgentspecError, ModelMissing, OfflineRefused
from agentspec.testing.backends.rule import rule
from agentspec.testing.backends.subject import TIGHT, Subject, say
from agentspec.testing.backends.watching import addresses, elsewhere

_WORD = re.compile(r"[a-z][a-z0-9_-]*\Z")
_MOST_FOREIGN = 60
_MOST_FOREIGN_US = 1_500_000
_IMPORTED = re.compile(r"^import time:\s*(\d+) \|\s*(\d+) \|\s*(\S+)$", re.MULTILINE)
_NOBODY = "-that-is-not-there"


@rule("B01", "a factory has a name of one word, one line of description, options and names of models")
async def well_formed(subject: Subject) -> AsyncIterator[str]:
    """B01."""
    factory = subject.factory
    if not _WORD.match(factory.name):
        yield f"the name is `{factory.name}`"
    if not factory.description or "\n" in factory.description:
        yield f"the description is {factory.description!r}"
    if not (isinstance(factory.options, type) and issubclass(factory.options, BaseModel)):
        yield f"`options` is no model of options but {factory.options!r}"
    if not (isinstance(factory.models, tuple) and all(isinstance(name, str) for name in factory.models)):
        yield f"`models` is {factory.models!r}, and no tuple of names"


@rule("B02", "options refuse unknown keys")
async def closed_options(subject: Subject) -> AsyncIterator[str]:
    """B02."""
    key = "a_key_that_no_backend_has"
    try:
        subject.factory.options.model_validate({**subject.options, key: 1})
    except ValidationError:
        return
    yield f"`{subject.factory.options.__name__}` takes `{key}`; let it inherit from `agentspec.api.{Options.__name__}`"


@rule("B03", "importing the plugin is light: SDKs are imported in `create` or later")
async def light_import(subject: Subject) -> AsyncIterator[str]:
    """B03, in a fresh interpreter; third-party modules count that `agentspec.api` does not import anyway."""
    module = subject.factory.create.__module__
    base = "import agentspec.api, agentspec.api.backend, agentspec.api.errors, agentspec.api.hookspecs, json"
    script = f"import sys; sys.path[:] = {json.dumps(sys.path)}; {base}; print('-', file=sys.stderr); import {module}"
    run = [sys.executable, "-X", "importtime", "-c", script]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1]
        yield f"`import {module}` failed in a fresh interpreter: {last}"
        return
    own = module.partition(".")[0]
    known = {own, "agentspec", *sys.stdlib_module_names}
    rows = _IMPORTED.findall(done.stderr.rpartition("\n-\n")[2])
    foreign = [(int(us), name) for us, _, name in rows if name.partition(".")[0] not in known]
    spent = sum(us for us, _ in foreign)
    if len(foreign) > _MOST_FOREIGN or spent > _MOST_FOREIGN_US:
        packages = sorted({name.partition(".")[0] for _, name in foreign})
        named = ", ".join(packages[:5])
        yield f"`import {module}` loads {len(foreign)} modules of {named} in {spent / 1e6:.2f} s"


@rule("B04", "`create` does not use the network")
async def quiet_create(subject: Subject) -> AsyncIterator[str]:
    """B04."""
    with addresses() as seen:
        backend = subject.create()
    await backend.close()
    if seen:
        yield f"it turned to {', '.join(sorted(set(seen)))}"


@rule("B05", "a model that is not there raises `ModelMissing`, when it is made or first asked")
async def missing_model(subject: Subject) -> AsyncIterator[str]:
    """B05."""
    name = subject.model + _NOBODY
    error = await _failure(subject.another(name))
    if not isinstance(error, ModelMissing):
        met = "nothing" if error is None else f"{type(error).__name__} ({error})"
        yield f"`{name}` raised {met}"


@rule("B06", "no secret stands in a message, a hint or a repr")
async def secrets_kept(subject: Subject) -> AsyncIterator[str]:
    """B06."""
    secrets = subject.secrets()
    chosen = subject.factory.options.model_validate(dict(subject.options))
    shown = {"the options": repr(chosen)}
    backend = subject.create()
    shown["the backend"] = repr(backend)
    error = await _failure(subject.another(subject.model + _NOBODY))
    if error is not None:
        shown["an error"] = f"{error!r} {error} {getattr(error, 'hint', '')}"
    shown["the backend that was asked"] = repr(backend)
    await backend.close()
    for what, text in shown.items():
        if any(secret in text for secret in secrets):
            yield f"{what} shows the value of a secret option"


@rule("B07", "capabilities are well formed, and there before the first call")
async def known_capabilities(subject: Subject) -> AsyncIterator[str]:
    """B07."""
    async with subject.opened() as backend:
        if not isinstance(backend, Backend):
            yield "the backend lacks `capabilities`, `generate`, `stream` or `close`"
            return
        able = backend.capabilities
        if not isinstance(able, Capabilities):
            yield f"they are no `Capabilities` but {type(able).__name__}"
            return
        if able.structured not in ("constrained", "native", "none"):
            yield f"`structured` is {able.structured!r}"
        if able.context_tokens is not None and not (type(able.context_tokens) is int and able.context_tokens > 0):
            yield f"`context_tokens` is {able.context_tokens!r}, and neither None nor a number above 0"
        for name in ("tools", "logprobs", "remote"):
            if not isinstance(getattr(able, name), bool):
                yield f"`{name}` is {getattr(able, name)!r}"


@rule("B08", "a backend that is not `remote` talks to this machine only; a remote one stays silent when offline")
async def remote_is_told(subject: Subject) -> AsyncIterator[str]:
    """B08."""
    async with subject.opened() as backend:
        with addresses() as seen:
            await subject.ask(backend, say(TIGHT))
        away = elsewhere(seen)
        remote = backend.capabilities.remote
    if away and not remote:
        yield f"it turned to {', '.join(away)}"
    with addresses() as seen:
        try:
            offline = subject.create(offline=True)
        except OfflineRefused:
            return
        try:
            if not offline.capabilities.remote:
                await subject.ask(offline, say(TIGHT))
        finally:
            await offline.close()
    if elsewhere(seen):
        yield f"in an offline run it turned to {', '.join(elsewhere(seen))}"


async def _failure(subject: Subject) -> Exception | None:
    """What making and asking a model raises that belongs to the error tree."""
    try:
        backend = subject.create()
    except AgentspecError as error:
        return error
    try:
        await backend.generate(say(TIGHT))
    except AgentspecError as error:
        return error
    finally:
        await backend.close()
    return None
