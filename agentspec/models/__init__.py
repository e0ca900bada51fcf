"""What every backend needs around it.

pool        models, opened when first asked        guard       at how many calls at a time, and how often
answers     text -> a value of the right type      extract     JSON in a text that holds more
toolcalls   on backends with and without tools     confidence  how sure a model was
grounding   answers that are taken from a text     passages, find_dates, find_numbers
secrets     what a run reads from the environment  sizes       tokens of a prompt, estimated
"""
