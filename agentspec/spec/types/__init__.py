"""Types: the shorthand of specs and JSON Schema, which both become one JSON Schema.

shorthand    mappings and lists      json_schema  schemas written out
words        what fits in a string   show_type    back to short text for messages
"""
