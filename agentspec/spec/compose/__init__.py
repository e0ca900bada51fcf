"""Several files that are one spec: `extends:` and `include:`.

follow  from file to file, reporting what is wrong with them and with their names
places  which files a spec may name
merge   two documents -> one, in which every part knows its file
"""

from agentspec.spec.compose.follow import compose

__all__ = ["compose"]
