"""Small language models inside the process, through llama.cpp.

plugin          what agentspec finds: the factory, nothing heavy
options         what a spec may set beside `use:`
locate          a name in a spec -> a file
gguf_read       bytes of a GGUF file -> facts, hostile input expected
gguf_check      facts that llama.cpp would stumble over
pool            one loaded model for all that name it
loaded          a model in memory: llama.cpp, its threads, its load
wire            Request -> llama.cpp's JSON, and its chunks -> Reply
grammar         JSON Schema -> GBNF, compact, in the declared order
grammar_numbers the same for numbers between bounds
backend         the protocol that agentspec speaks
"""
