"""Everything that a plugin may import.

errors      the error tree              messages   Request, Reply and their parts
codes       what can be explained       tool       tools from typed functions
backend     models                      controller controllers in Python
events      what happens in a run       journal    what keeps them
schema      types as JSON Schema        validate   values held against them
hookspecs   how a plugin is found       version    numbers

Names are imported when they are first used: `agentspec --help` needs the version, and not pydantic.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentspec.api.backend import Backend, BackendFactory, Capabilities, ModelBinding, Options
    from agentspec.api.controller import Children, ControllerFactory
    from agentspec.api.errors import (
        AgentspecError,
        BackendError,
        BackendRefused,
        BackendTimeout,
        BackendUnavailable,
        CallFailed,
        CallRefused,
        ContextOverflow,
        Exit,
        InvalidAnswer,
        InvalidValue,
        ModelBroken,
        ModelMissing,
        OfflineRefused,
        PathRefused,
        RateLimited,
        ToolError,
    )
    from agentspec.api.hookspecs import hookimpl
    from agentspec.api.messages import (
        Message,
        Reply,
        Request,
        TokenLogprob,
        ToolCall,
        ToolOffer,
        Usage,
    )
    from agentspec.api.tool import Effect, Tool, ToolContext, Toolset
    from agentspec.api.version import API_VERSION, VERSION

__all__ = [
    "API_VERSION",
    "VERSION",
    "AgentspecError",
    "Backend",
    "BackendError",
    "BackendFactory",
    "BackendRefused",
    "BackendTimeout",
    "BackendUnavailable",
    "CallFailed",
    "CallRefused",
    "Capabilities",
    "Children",
    "ContextOverflow",
    "ControllerFactory",
    "Effect",
    "Exit",
    "InvalidAnswer",
    "InvalidValue",
    "Message",
    "ModelBinding",
    "ModelBroken",
    "ModelMissing",
    "OfflineRefused",
    "Options",
    "PathRefused",
    "RateLimited",
    "Reply",
    "Request",
    "TokenLogprob",
    "Tool",
    "ToolCall",
    "ToolContext",
    "ToolError",
    "ToolOffer",
    "Toolset",
    "Usage",
    "hookimpl",
]

_HOME = {
    "agentspec.api.backend": ("Backend", "BackendFactory", "Capabilities", "ModelBinding", "Options"),
    "agentspec.api.controller": ("Children", "ControllerFactory"),
    "agentspec.api.errors": (
        "AgentspecError",
        "BackendError",
        "BackendRefused",
        "BackendTimeout",
        "BackendUnavailable",
        "CallFailed",
        "CallRefused",
        "ContextOverflow",
        "Exit",
        "InvalidAnswer",
        "InvalidValue",
        "ModelBroken",
        "ModelMissing",
        "OfflineRefused",
        "PathRefused",
        "RateLimited",
        "ToolError",
    ),
    "agentspec.api.hookspecs": ("hookimpl",),
    "agentspec.api.messages": ("Message", "Reply", "Request", "TokenLogprob", "ToolCall", "ToolOffer", "Usage"),
    "agentspec.api.tool": ("Effect", "Tool", "ToolContext", "Toolset"),
    "agentspec.api.version": ("API_VERSION", "VERSION"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULE_OF[name]), name)
