"""The command line: one file per command, rendering in `render/`.

stdout is data, stderr is people.
"""
