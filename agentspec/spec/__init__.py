"""YAML text -> located, valid Spec.

text         source, loader, document: YAML with a place for everything
types        shorthand and JSON Schema
expressions  `${{ … }}`: parsed, allowed or refused, compiled
shapes       which keys and values each mapping takes      parse   Document -> Spec
diagnostics  messages with code, place and caret           model   the Spec
"""
