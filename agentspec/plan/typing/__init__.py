"""The types of expressions, which are JSON Schemas.

kinds       a type as a list of plain alternatives, and their union
steps       fields and items of a type, along a path
narrowing   what a test says about the types of the paths in it
operators   what operators and tests take and give        filters   the same for filters
places      where in the text a part of an expression stands
walk        an expression from its leaves up              statements   templates
"""
