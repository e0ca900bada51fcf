"""What a run reads from the environment, and how secrets are kept out of what it shows.

Variables come from the process and from `.env` beside the spec, the process first. Those read as `secrets.X`,
and those read as `env.X` whose name says that they are secret, are masked wherever a run shows something.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from agentspec.api.errors import EnvironmentUnreadable, VariableMissing
from agentspec.api.messages import Json, strings_in
from agentspec.plan.model import Binding, Composite
from agentspec.plan.work import Lookup
from agentspec.spec.expressions import Expression, check

FILE = ".env"
MASK = "***"
SHORTEST = 6
"""Characters of the shortest value that is masked: a shorter one would also be found where nothing is secret."""
_MOST_BYTES = 1_000_000
_SECRET_NAME = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL)S?$", re.IGNORECASE)

Kind = Literal["env", "secrets"]


def is_secret(kind: Kind, name: str) -> bool:
    """Tell whether the value of `env.NAME` or `secrets.NAME` is a secret."""
    return kind == "secrets" or _SECRET_NAME.search(name) is not None


def variables(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return all variables: those of `.env` in a spec's folder, and over them those of the process.

    Raises `EnvironmentUnreadable`, which never shows a line of the file.
    """
    return {**_read(folder / FILE), **environment}


def _read(path: Path) -> dict[str, str]:
    try:
        if not path.exists():
            return {}
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            raise EnvironmentUnreadable(f"`{path}` is no file, or is too large for one with variables")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise EnvironmentUnreadable(f"`{path}` cannot be read", hint="save it as UTF-8, readable for you") from error
    return parse_variables(text, str(path))


def parse_variables(text: str, name: str) -> dict[str, str]:
    """Read the text of a `.env` file: `NAME=value` lines, with quotes, comments and `export` as in a shell.

    Nothing is expanded: `$` stays `$`. Raises `EnvironmentUnreadable` with the number of the line.
    """
    from dotenv.parser import parse_stream

    found = {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.error or (binding.key is not None and binding.value is None):
            skipped = len(binding.original.string) - len(binding.original.string.lstrip())
            line = binding.original.line + binding.original.string.count("\n", 0, skipped)
            raise EnvironmentUnreadable(f"`{name}`, line {line}: this is no `NAME=value`")
        if binding.key is not None and binding.value is not None:
            found[binding.key] = binding.value
    return found


class Variables(dict[str, str]):
    """What `env` or `secrets` stands for in an option; a variable that is not set is named with a way to set it."""

    def __missing__(self, name: str) -> str:
        raise VariableMissing(
            f"the environment variable `{name}` is not set", hint=f"export {name}=…, or a line {name}=… in .env"
        )


def require(expression: Expression, lookup: Lookup) -> None:
    """Raise `VariableMissing` for a variable that an expression reads without a default and that is not set."""
    for reference in expression.references:
        if reference.path[0] in ("env", "secrets") and len(reference.path) > 1 and not reference.guarded:
            lookup(str(reference.path[0]))[reference.path[1]]


def named(options: Iterable[Json]) -> set[tuple[Kind, str]]:
    """Return the variables that expressions anywhere in options read, as kind and name."""
    found: set[tuple[Kind, str]] = set()
    for text in (one for one in strings_in(list(options)) if "${{" in one):
        expression, _ = check(text)
        for reference in expression.references if expression else ():
            if reference.path[0] in ("env", "secrets") and len(reference.path) > 1:
                found.add(("secrets" if reference.path[0] == "secrets" else "env", str(reference.path[1])))
    return found


class Masker:
    """Puts `***` in place of secrets, in texts and inside data. It knows them when it is made, and never learns.

    Values shorter than `SHORTEST` characters are not masked.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        values = [value for value in secrets if len(value.strip()) >= SHORTEST]
        forms = {form for value in values for form in (value, value.strip(), _in_json(value))}
        # The longest first: of two secrets that begin alike, the rest of the longer one must not stay.
        self._forms = sorted(forms, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, self._forms))) if forms else None

    def __bool__(self) -> bool:
        return self._secrets is not None

    def text(self, text: str) -> str:
        """Return a text with every secret masked."""
        return text if self._secrets is None else self._secrets.sub(MASK, text)

    def piece(self, text: str) -> tuple[str, str]:
        """Mask the beginning of a text whose rest is still to come.

        Returns the masked part, and the end that has to wait, since a secret may begin there.
        """
        cut = len(text) - self._unfinished(text)
        for match in self._secrets.finditer(text) if self._secrets else ():
            if match.start() < cut < match.end():
                cut = match.end()
        return self.text(text[:cut]), text[cut:]

    def _unfinished(self, text: str) -> int:
        longest = max(map(len, self._forms), default=1)
        for size in range(min(len(text), longest - 1), 0, -1):
            if any(form.startswith(text[-size:]) and len(form) > size for form in self._forms):
                return size
        return 0

    def data(self, value: Any) -> Any:
        """Return data with every secret masked, in keys, too. Tuples, named or not, stay what they are."""
        if self._secrets is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.data(key): self.data(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.data(item) for item in value]
        if isinstance(value, tuple):
            items = [self.data(item) for item in value]
            return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
        return value


def _in_json(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


def masker_of(wanted: Iterable[tuple[Kind, str]], values: Mapping[str, str]) -> Masker:
    """Return the masker for those of the wanted variables that are secrets."""
    return Masker(values[name] for kind, name in wanted if is_secret(kind, name) and name in values)


def surroundings(
    bindings: Iterable[Binding | Composite], folder: Path, environment: Mapping[str, str]
) -> tuple[dict[str, Variables], Masker]:
    """Return what `env` and `secrets` stand for in a run, and what masks its secrets.

    Args:
        bindings: the models and tools of the run; without a variable in them, `.env` is not opened.
        folder: that of the spec.
        environment: variables of the process.

    Raises `EnvironmentUnreadable`.
    """
    wanted = named(binding.options for binding in bindings if isinstance(binding, Binding))
    values = Variables(variables(folder, environment) if wanted else {})
    return {"env": values, "secrets": values}, masker_of(wanted, values)
