"""A name in a spec -> a model file."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from agentspec.api import ModelMissing

SHIPPED = Path(__file__).parent / "models"


def shipped() -> tuple[str, ...]:
    """Names of the models that come with the package."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.gguf")))


def locate(model: str, folder: Path) -> Path:
    """Return the file meant by `model`: a shipped name, or a path, relative ones from `folder`.

    A name with a slash or ending in `.gguf` is a path. Raises `ModelMissing`.
    """
    if "/" not in model and "\\" not in model and not model.endswith(".gguf"):
        path = SHIPPED / f"{model}.gguf"
        if model not in shipped():
            raise ModelMissing(f"`pocket` ships no model `{model}`", hint=_hint(model))
        return path
    path = (folder / Path(model).expanduser()).resolve()
    if not path.is_file():
        what = "is no file" if path.exists() else "does not exist"
        raise ModelMissing(f"the model file `{path}` {what}", hint=_hint(path.stem))
    return path


def _hint(name: str) -> str:
    names = shipped()
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    meant = f"did you mean `pocket/{near[0]}`? " if near else ""
    listed = ", ".join(f"`pocket/{name}`" for name in names) or "none"
    return f"{meant}shipped models: {listed}; a file of your own is `pocket/./models/NAME.gguf`"
