"""The command line: one file per command, rendering in `render/`.

stdout is data, stderr is people.

main       finds the command, errors become exit codes     loading    a spec, its profile, its bindings
executing  what `run` and `resume` share                   fixing     files that commands correct
templates  what `init` copies
"""
