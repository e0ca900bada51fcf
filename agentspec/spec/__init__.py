"""YAML text -> located, valid Spec.

text         source, loader, document: YAML with a place for everything
types        shorthand and JSON Schema
expressions  `${{ … }}`: parsed, allowed or refused, compiled
compose      several files that are one spec
parse        Document -> Spec                              model      the Spec
shapes, controller_shapes, model_shapes                    which keys and values each mapping takes
report       problems of shape, located                    fixes      corrections that are safe
diagnostics  messages with code and place                  frames, formats   their forms for people and programs
migrate      older files                                   version    which language a file is written in
fields       what every key means, from field_docs         editor_schema     the same for editors
"""
