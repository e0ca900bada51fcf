"""What every key of a spec means, in a sentence: shown by editors and by `agentspec explain FIELD`.

A place is a mapping of a spec that has keys of its own. Each key has its meaning, and an example of its value as YAML.
Types, defaults and bounds are not written here: they come from the shapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Keys = Mapping[str, tuple[str, str]]
"""Key -> (meaning, example of a value)."""


@dataclass(frozen=True, slots=True)
class Place:
    """A mapping with keys of its own: where it stands in a spec, what it is, and its keys."""

    where: str
    about: str
    keys: Keys


PLACES: Mapping[str, Place] = {
    "spec": Place(
        "the top of a file",
        "One file describes one agent.",
        {
            "agentspec": ("Version of the language. This release reads version 1.", "1"),
            "name": ("What the agent is called, in the names of runs and in messages.", "inbox"),
            "description": ("What the agent does, for people.", "Sorts a mailbox and drafts first replies."),
            "extends": ("A spec that this one changes: what stands here is laid over it.", "./base.yaml"),
            "include": ("Files with `types`, `models` and `tools` to share.", "[./models.yaml]"),
            "inputs": ("What a run is given: name and type. Without `default` an input is required.", "{day: date}"),
            "types": ("Names for types that are used more than once.", "{Mail: {sender: string, body: string}}"),
            "models": ("Who answers: a name for each model. LM nodes use these names.", "{small: fake/echo}"),
            "tools": ("Toolsets of plugins, each under a name of the spec's own.", "{mail: mail}"),
            "limits": ("What one run may use. It stops before the call that comes after a limit.", "{lm_calls: 60}"),
            "allow_unreviewed": (
                "Tools that may change the world with text that no person has seen. Says that this is meant.",
                "[mail.send]",
            ),
            "nodes": (
                "The steps: name and node. Each starts as soon as what it refers to is there.",
                "{sort: {lm: small, prompt: Hello.}}",
            ),
            "result": ("The value that the agent gives; without it, that of the only last node.", '"${{ sort }}"'),
            "output": ("The type that the result must fit.", "{topic: string}"),
            "profiles": ("Other bindings of the models, chosen with `--profile NAME`.", "{offline: {models: {}}}"),
            "tests": ("Runs with known inputs, and what has to hold for their results.", "[]"),
        },
    ),
    "inputs": Place(
        "an entry of `inputs:`",
        "What a run is given. A type alone is short for `{type: ...}`.",
        {
            "type": ("The type of the input.", "path"),
            "default": ("What the input is when it is not given; without it, the input is required.", "week.mbox"),
            "description": ("What the input is, for people.", "An mbox file or a maildir."),
        },
    ),
    "models": Place(
        "an entry of `models:`",
        "A model under a name. `<backend>/<model>` alone is short for `{use: ...}`.",
        {
            "use": (
                "The model: `<backend>/<model>`. What is not listed here are options of the backend.",
                "fake/echo",
            ),
            "concurrency": ("How many calls may be under way at the same time; others wait.", "4"),
            "requests_per_minute": ("How many calls may begin within any minute; others wait.", "60"),
            "tokens_per_minute": ("How many tokens, in and out, calls may use within any minute.", "90000"),
            "price": ("What the model costs, in place of the price that comes with this release.", "{in: 1, out: 4}"),
        },
    ),
    "price": Place(
        "`price:` of a model",
        "What a model costs, in US dollars.",
        {
            "in": ("For a million tokens of prompts.", "0.1"),
            "out": ("For a million tokens of answers.", "0.4"),
            "per_second": ("For a second of a call: what a machine of one's own costs.", "0.0001"),
        },
    ),
    "cascade": Place(
        "a model under `models:`",
        "Asks one model after the other, until an answer is good enough.",
        {
            "cascade": ("The models to ask, the cheapest first.", "[small, large]"),
            "accept": (
                "When an answer is good enough. It sees `output`, `confidence`, `valid` and `usd`.",
                "confidence >= 0.8",
            ),
        },
    ),
    "fallback": Place(
        "a model under `models:`",
        "Asks the next model when one fails.",
        {"fallback": ("The models to ask, the preferred one first.", "[remote, local]")},
    ),
    "route": Place(
        "a model under `models:`",
        "Chooses the model by what is asked.",
        {"route": ("The ways in their order; the first that fits is taken.", "[{when: x, use: large}, {use: small}]")},
    ),
    "way": Place(
        "an entry of `route:`",
        "A model, and when it is the right one.",
        {
            "when": ("Take this model only if this holds; without it, it is always taken.", "prompt | length > 4000"),
            "use": ("The model: its name, `<backend>/<model>`, or a mapping as under `models:`.", "large"),
        },
    ),
    "split": Place(
        "a model under `models:`",
        "Chooses the model by chance, once for each run.",
        {"split": ("The models with their shares.", "{old: 95, new: 5}")},
    ),
    "shadow": Place(
        "a model under `models:`",
        "One model answers; another is asked, too, and only compared.",
        {
            "shadow": ("The model that answers.", "large"),
            "with": ("The model that is compared with it.", "small"),
        },
    ),
    "tools": Place(
        "an entry of `tools:`",
        "A toolset under a name. `<plugin>` alone is short for `{use: ...}`.",
        {"use": ("The toolset: `<plugin>` or `<plugin>/<toolset>`. What else stands here are its options.", "mail")},
    ),
    "node": Place(
        "every node",
        "What every node takes, of whatever kind.",
        {
            "description": ("What the node is for: shown in pictures and, as a tool, to models.", "Sorts one e-mail."),
            "when": ("Run only if this holds. Else the node is skipped, and so is what needs it.", "sort.urgent"),
            "after": ("Wait for these nodes of the same block without reading them.", "[read, sort]"),
            "timeout": ("The step is cancelled after this long, and counts as failed.", "30s"),
            "retry": ("How often, and after which failures, a failed step is tried again.", "2"),
            "on_error": (
                "What a failure means: `fail` ends the run, `skip` skips the node, `{value: ...}` stands in.",
                "skip",
            ),
            "cache": ("Take the result of an earlier call with the same inputs, prompt and model.", "true"),
        },
    ),
    "controller": Place(
        "a controller node",
        "Owns nodes and decides in code which of them run, when and how often.",
        {"controller": ("Which controller: one of the language, or `<plugin>/<name>`.", "map")},
    ),
    "lm": Place(
        "an LM node",
        "One step of a language model, bound to a name under `models:`.",
        {
            "lm": ("The model that answers: a name under `models:`.", "small"),
            "system": ("Standing instructions, put before the prompt; text or `{file: ...}`.", "You sort mail."),
            "prompt": ("What the model is asked; text with expressions, or `{file: ...}`.", "'Sort: ${{ mail }}'"),
            "messages": ("A whole conversation in place of `prompt`.", "[{role: user, content: Hello.}]"),
            "output": ("The type of the answer. The model is held to it; without it, the answer is text.", "date"),
            "examples": ("Questions with their right answers, shown to the model before its own.", "[]"),
            "tools": (
                "What the model itself may call, until it answers: tools, nodes, other specs. Needs `max_turns`.",
                "[mail.search, cal.free]",
            ),
            "max_turns": ("How often the model may be asked in one step with `tools`.", "8"),
            "sample": ("Ask several times and pick one answer.", "{n: 5, pick: majority}"),
            "repair": ("How often the model is shown an answer that does not fit, to mend it.", "1"),
            "temperature": ("How freely the model chooses its words; 0 takes the likeliest.", "0"),
            "max_tokens": ("The longest answer, in tokens.", "80"),
            "stop": ("Texts that end the answer.", "['---']"),
            "seed": ("Makes sampling repeatable, where the backend can.", "7"),
        },
    ),
    "tool": Place(
        "a tool node",
        "One call of a typed function.",
        {
            "tool": ("The function: `<name under tools:>.<function>`.", "mail.read"),
            "with": ("The arguments; names and types are those of the tool.", "{path: '${{ inputs.mailbox }}'}"),
        },
    ),
    "block": Place(
        "a block",
        "Nodes that belong together, and what they give.",
        {
            "nodes": ("The nodes inside. They see the names around the block.", "{say: {lm: small, prompt: Hi.}}"),
            "result": ("The value of the block; without it, that of its only last node.", '"${{ say }}"'),
            "output": ("The type that the result must fit.", "{text: string}"),
        },
    ),
    "switch": Place(
        "`controller: switch`",
        "Runs one of its cases.",
        {
            "on": ("The value that chooses the case.", "sort.category"),
            "cases": ("With `on`: value and case. Else a list of cases with `when`.", "{urgent: {result: now}}"),
            "default": ("The case for all else.", "{result: nothing to do}"),
        },
    ),
    "map": Place(
        "`controller: map`",
        "Runs its block once for each item of a list; the value is the list of theirs, in the same order.",
        {
            "over": ("The list.", "read.messages"),
            "as": ("What an item is called inside the block.", "message"),
            "concurrency": ("How many items are worked on at the same time.", "8"),
            "keep_going": ("An item that fails gives null, and the others go on.", "true"),
        },
    ),
    "loop": Place(
        "`controller: loop`",
        "Runs its block again and again; the value is that of the last round.",
        {
            "until": ("Stop when this holds. Asked after a round, whose nodes it may read.", "review.good"),
            "while": ("Go on while this holds. Asked before a round; it sees `previous`.", "loop.index < 2"),
            "max": ("The most rounds.", "3"),
        },
    ),
    "machine": Place(
        "`controller: machine`",
        "Runs one node after the other; after every step, `next` says where to go.",
        {
            "start": ("The node to begin with.", "ask"),
            "max_steps": ("The most steps.", "20"),
            "next": (
                "Where to go from each node: a node, `end`, or a list of conditions.",
                "{ask: [{when: ask.done, to: end}, {to: ask}]}",
            ),
        },
    ),
    "plan": Place(
        "`controller: plan`",
        "A model writes a plan as data; it is checked against the tools and the limits, and then run.",
        {
            "lm": ("The model that plans: a name under `models:`.", "large"),
            "goal": ("What the plan is for; text with expressions, or `{file: ...}`.", "Answer ${{ inputs.question }}"),
            "tools": ("What the plan may use.", "[mail.search, cal.free]"),
            "max_steps": ("The most steps of a plan.", "10"),
            "replan": ("How often a failed step leads to a new plan.", "1"),
            "approve": ("Show the plan to a person before it is run.", "true"),
            "repair": ("How often the model is shown a plan that cannot be run, to mend it.", "1"),
        },
    ),
    "approve": Place(
        "`controller: approve`",
        "The run waits for a person's choice.",
        {
            "show": ("What the person sees; any value.", "'${{ draft }}'"),
            "choices": ("What the person can choose.", "[send, discard]"),
            "on_timeout": ("The choice that is taken when nobody answers within `timeout`.", "discard"),
            "by": ("Who is asked.", "anna@example.org"),
        },
    ),
    "agent": Place(
        "`controller: agent`",
        "Another spec, called like a function.",
        {
            "spec": ("The other file, relative to this one.", "./researcher.yaml"),
            "with": ("The inputs of the other agent.", "{question: '${{ inputs.question }}'}"),
        },
    ),
    "free": Place(
        "`controller: code` and the controllers of plugins",
        "A controller in Python, which calls the nodes inside as it likes.",
        {
            "nodes": ("The nodes that may be called.", "{say: {lm: small, prompt: Hi.}}"),
            "max_calls": ("How often nodes may be called in all.", "100"),
        },
    ),
    "code": Place(
        "`controller: code`",
        "A Python coroutine of a toolset, which gets the nodes inside as callables.",
        {
            "call": ("The coroutine: `<name under tools:>.<function>`.", "mine.debate"),
            "with": ("Its arguments.", "{rounds: 3}"),
        },
    ),
    "retry": Place(
        "`retry:`",
        "How a failed step is tried again. `retry: 3` is short for `{times: 3}`.",
        {
            "times": ("The number of tries after the first.", "2"),
            "wait": ("How long to wait before the first new try.", "1s"),
            "backoff": ("What each further wait is multiplied by.", "2"),
            "on": ("The failures after which a new try makes sense.", "[timeout, rate_limit]"),
        },
    ),
    "on_error": Place("`on_error:`", "A value in place of a failure.", {"value": ("What stands in.", "unknown")}),
    "text": Place(
        "`prompt:`, `system:` and `goal:`",
        "A text kept in a file of its own.",
        {"file": ("The file, relative to the spec and inside its folder.", "prompts/sort.md")},
    ),
    "messages": Place(
        "an entry of `messages:`",
        "One turn of a conversation.",
        {
            "role": ("Who says it.", "user"),
            "content": ("What is said; text with expressions.", "'Sort: ${{ mail }}'"),
        },
    ),
    "examples": Place(
        "an entry of `examples:`",
        "A question with its right answer.",
        {"input": ("What was asked.", "'Subject: Invoice'"), "output": ("The right answer.", "{category: other}")},
    ),
    "sample": Place(
        "`sample:`",
        "Several answers to the same question, and how one is picked.",
        {
            "n": ("How many answers.", "5"),
            "pick": (
                "`majority` takes the commonest, `best` what the judge prefers, `first_valid` the first that passes.",
                "majority",
            ),
            "judge": ("With `pick: best`: the model that chooses.", "large"),
            "check": ("With `pick: first_valid`: what has to hold for `output`.", "output.total > 0"),
        },
    ),
    "next": Place(
        "an entry of `next:`",
        "A way on from a node of a machine.",
        {
            "when": ("Take this way only if this holds.", "review.good"),
            "to": ("The node to go to, or `end`.", "end"),
        },
    ),
    "limits": Place(
        "`limits:`",
        "What one run may use.",
        {
            "usd": ("Money, in US dollars. `0` allows only calls that cost nothing.", "0.05"),
            "lm_calls": ("Calls of models, repairs included.", "60"),
            "tokens": ("Tokens in and out, of all calls.", "80000"),
            "steps": ("Tries of LM and tool nodes.", "500"),
            "wall": ("Time from start to end.", "2m"),
        },
    ),
    "profiles": Place(
        "a profile",
        "Bindings for `--profile NAME`.",
        {"models": ("Models in place of those of the same name.", "{small: fake/echo}")},
    ),
    "tests": Place(
        "an entry of `tests:`",
        "A run with known inputs.",
        {
            "name": ("What the test shows.", "sample mailbox"),
            "inputs": ("The inputs of the run.", "{mailbox: samples/week.mbox}"),
            "expect": ("What has to hold for `result`; one expression or a list.", "result | length == 12"),
        },
    ),
}
"""Place -> its keys. `explain map.over` names a place and a key."""
