"""`cache: true`: the result of an identical earlier call, kept from run to run.

Identical means: the same model with the same options and version of its plugin, and the same request; or the
same tool with the same options and arguments. Of files that options and arguments name, size and time of change
count, too. Secrets do not: names of files are digests, and what is kept are results and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from agentspec.api.events import Meta
from agentspec.api.messages import Json, Request, Schema, strings_in
from agentspec.api.validate import problems_of
from agentspec.journal.place import is_foreign, make_private
from agentspec.kernel.commands import StartStep
from agentspec.models.pool import resolve
from agentspec.models.secrets import Variables, is_secret
from agentspec.nodes.lm import request_of
from agentspec.nodes.sampling import passes
from agentspec.plan.catalogue import Catalogue
from agentspec.plan.model import Binding, Plan
from agentspec.plan.work import LmWork, Lookup, ToolWork

_MOST_FILES = 1000
"""Files in the folders that a call names. With more, it would take too long to see whether one has changed."""


class ResultCache:
    """Results as files, by the digest of what was asked.

    Args:
        variables: of the environment, which options read.
    """

    def __init__(self, folder: Path, plan: Plan, catalogue: Catalogue, variables: Mapping[str, str]) -> None:
        self._folder = folder
        self._foreign = any(is_foreign(one) for one in (folder, folder.parent))
        self._plan = plan
        self._catalogue = catalogue
        self._names = {
            "env": Variables({name: name if is_secret("env", name) else text for name, text in variables.items()}),
            "secrets": Variables({name: name for name in variables}),
        }

    def key(self, command: StartStep) -> str | None:
        """The digest of what a step asks; None when that cannot be told, or the folder belongs to somebody else.

        Raises what asking would raise, too.
        """
        if self._foreign:
            return None
        work, lookup = command.node.work, command.lookup
        try:
            if isinstance(work, LmWork):
                asked = self._question(work, lookup)
            else:
                assert isinstance(work, ToolWork)
                binding, arguments = self._plan.tools[work.toolset], work.arguments(lookup)
                paths = _path_arguments(arguments, work.tool.parameters)
                files = _stamps(paths, binding.folder)
                asked = {"tool": work.tool.name, "of": self._bound(binding, lookup), "with": arguments, "files": files}
        except _TooManyFiles:
            return None
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

    def get(self, key: str, command: StartStep) -> tuple[Json, Meta] | None:
        """The kept result, with what is known of how it was made. What is damaged, or does not fit, is not there."""
        work, node = command.node.work, command.node
        try:
            kept = json.loads(self._path(key).read_text(encoding="utf-8"))
            value, sure, model = kept["value"], kept["confidence"], kept["model"]
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return None
        known = isinstance(sure, float | int | None) and isinstance(model, str | None)
        if not known or problems_of(value, node.value):
            return None
        sampling = work.sampling if isinstance(work, LmWork) else None
        if sampling is not None and not passes(sampling, value, sure, command.lookup):
            return None
        return value, Meta(sure, model, usd=0.0, format="cached")

    def put(self, key: str, value: Json, meta: Meta) -> None:
        """Keep a result. A folder that cannot be written to is no reason to fail."""
        path = self._path(key)
        text = json.dumps({"value": value, "confidence": meta.confidence, "model": meta.model})
        try:
            make_private(self._folder)
            path.parent.mkdir(exist_ok=True)
            with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
                file.write(text)
            Path(file.name).replace(path)
        except OSError:
            return

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key[2:]}.json"

    def _question(self, work: LmWork, lookup: Lookup) -> dict[str, Json]:
        asked = {"model": self._model(work.model, lookup), "request": _plain(request_of(work, lookup))}
        if work.sampling is None:
            return asked
        judge = self._model(work.sampling.judge, lookup) if work.sampling.judge else None
        return {**asked, "n": work.sampling.n, "pick": work.sampling.pick, "judge": judge}

    def _model(self, name: str, lookup: Lookup) -> Json:
        """A model with all that it is made of."""
        entry = self._plan.models[name]
        if isinstance(entry, Binding):
            return self._bound(entry, lookup)
        inputs = lookup("inputs") if entry.kind == "route" else None
        members = [self._model(one, lookup) for one in entry.members]
        return {"made": entry.kind, "written": entry.written, "of": members, "inputs": inputs}

    def _bound(self, binding: Binding, lookup: Lookup) -> Json:
        options = resolve(binding.options, lambda name: self._names[name] if name in self._names else lookup(name))
        files = _stamps([binding.use.partition("/")[2], *strings_in(options)], binding.folder)
        return {"use": binding.use, "options": options, "files": files, "version": self._catalogue.version(binding.use)}


class _TooManyFiles(Exception):
    """There are too many files to look at each."""


def _plain(request: Request) -> Json:
    return {
        "messages": [[message.role, message.content] for message in request.messages],
        "output": request.output,
        "texts": request.texts,
        "settings": [request.temperature, request.max_tokens, request.stop, request.seed],
    }


def _path_arguments(arguments: Mapping[str, Any], parameters: Schema) -> list[str]:
    """The arguments that may be paths, also those in lists and those that may be null."""
    schemas = parameters.get("properties", {})
    return [
        text
        for name, value in arguments.items()
        if '"format": "path"' in json.dumps(schemas.get(name))
        for text in strings_in(value)
    ]


def _stamps(names: Iterable[str], folder: Path) -> list[Json]:
    """Name, size and time of change of all files that are named, or lie in a folder that is. Raises `_TooManyFiles`."""
    found: list[Json] = []
    for name in filter(None, names):
        try:
            path = folder / name
            inside = islice(path.rglob("*"), _MOST_FILES + 1) if path.is_dir() else ()
            for one in (path, *sorted(inside)):
                stat = one.stat()
                found.append([str(one), stat.st_size, stat.st_mtime_ns])
        except (OSError, ValueError):  # no file, or no name of one
            continue
        if len(found) > _MOST_FILES:
            raise _TooManyFiles
    return found
