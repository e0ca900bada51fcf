"""Remote providers and OpenAI-compatible servers, through litellm.

plugin    the hook                      sdk        imports litellm once, quietly, in a thread
options   what a spec may set           schema     JSON Schema in the dialect of strict providers
backend   generate and stream           wire       our words to and from OpenAI's
abilities what a model can do, prices   failures   what went wrong, in our words
"""
