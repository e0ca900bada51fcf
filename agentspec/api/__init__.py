"""Everything that a plugin may import.

errors      the error tree              messages   Request, Reply and their parts
backend     models                      tool       tools from typed functions
events      what happens in a run       hookspecs  how a plugin is found
schema      types as JSON Schema        version    numbers
"""

from agentspec.api.backend import Backend, BackendFactory, Capabilities, ModelBinding, Options
from agentspec.api.errors import (
    AgentspecError,
    BackendError,
    BackendRefused,
    BackendTimeout,
    BackendUnavailable,
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
    "Capabilities",
    "ContextOverflow",
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
