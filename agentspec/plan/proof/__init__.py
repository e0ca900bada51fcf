"""What is known of a plan before it runs: what it may use, and what its writes are made of.

amounts   numbers with unknown parts, and ranges of them      costs    what a part of a plan uses
lengths   how long texts can get                              prices   what models cost
asks      what one question to a model uses                   bounds   the same for nodes, blocks and the plan
limits    bounds held against `limits:`                       effects  writes that nobody reviews
flows     where the texts in a value come from                values   values and calls, as flows see them
visits    how often parts of a node run                     walks    how often the states of a machine do
prove     all findings together

Everything here is a pure function of the plan: nothing is called, and no plugin is imported.
"""
