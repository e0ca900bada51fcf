"""The types of expressions, which are JSON Schemas. `agentspec.plan.infer` is the way in.

kinds       a type as a list of plain alternatives, and their union
truth       what is left of a type where its value counts as true or false
names       types in a few words
steps       fields and items of a type, along a path           paths        what is wrong with a path
narrowing   what a test says about the types of the paths in it
operators   what operators and tests take and give             comparisons  those that never hold
filters     what filters take and give                         calls        uses of filters and tests
places      where in the text a part of an expression stands   problem      what is reported
walk        an expression from its leaves up                   access       its names, fields, items
statements  templates
"""
