"""Models of an Ollama server.

plugin    the hook               host      where the server is, and whether that is this machine
options   what a spec may set    window    how large `num_ctx` has to be
backend   generate and stream    wire      our words to and from Ollama's
client    HTTP (imports ollama)  failures  what went wrong, in our words
"""
