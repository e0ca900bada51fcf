"""How the model `triage.gguf` was made: data generator, training, export, measurement.

Layout, in the order in which data flows:

    phrases/*.txt   what the generator says (phrases, word banks)
    ood/*.jsonl     the hand-written test set, never trained on
    grammar         reads phrase files, expands one phrase
    dates           how a date is written in an e-mail
    words           slots of a phrase: names, companies, numbers, invented words
    noise           typos, lower case, dropped words
    message         one e-mail with its answer, and the prompt that holds it
    generate        seeded streams of messages, per split
    tokenizer       byte-level BPE
    model           a Llama decoder in torch
    practice        rows that only train copying
    batches         messages to length-bucketed token batches
    train           the training loop
    export          torch weights to GGUF (q8_0)
    serve           the model behind llama.cpp, as the plugin uses it
    parity          torch against llama.cpp
    evaluate        figures per split, from the served GGUF
"""
