"""What one sees: the four formats of `agentspec graph`."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from agentspec.api.backend import BackendFactory
from agentspec.api.tool import Toolset
from agentspec.plan import Plan, compile_spec
from agentspec.plan.draw import Picture, as_dot, as_mermaid, as_svg, as_text, picture
from agentspec.plan.draw.words import cells, clean, fit
from agentspec.plan.paths import case_path
from agentspec.registry import Registry
from agentspec.spec.parse import parse_text

INBOX = """
agentspec: 1
name: inbox
description: Sorts a mailbox.
inputs: {mailbox: string, me: string}
models: {sorter: fake/echo, large: fake/echo}
tools: {mail: mail}
nodes:
  read: {tool: mail.read, with: {path: "${{ inputs.mailbox }}"}}
  each:
    controller: map
    over: read
    as: message
    nodes:
      sort:
        lm: sorter
        prompt: "${{ message }} for ${{ inputs.me }}"
        output: {category: meeting | urgent | other}
      act:
        controller: switch
        on: sort.category
        cases:
          meeting:
            nodes:
              slots: {lm: sorter, prompt: When?}
              draft: {lm: large, prompt: "${{ slots }}"}
          urgent: {lm: large, prompt: Hurry}
        default: {tool: mail.archive, with: {mail: "${{ message }}"}}
result: ${{ each }}
"""

INBOX_TEXT = """\
inbox
Sorts a mailbox.

                    ( inputs  mailbox, me )
                               ▼
                       ┌───────────────┐
                       │ T   read      │
                       │     mail.read │
                       └───────┬───────┘
                               ▼
┏━ C  each  map ×8 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
┃                        ╭────────────╮                        ┃
┃                        │ LM  sort   │                        ┃
┃                        │     sorter │                        ┃
┃                        ╰─────┬──────╯                        ┃
┃                              ▼                               ┃
┃ ┏━ C  act  switch ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓ ┃
┃ ┃ ┌╌ meeting ╌╌╌╌╌╌┐ ╭────────────╮ ╔════════════════════╗ ┃ ┃
┃ ┃ ╎ ╭────────────╮ ╎ │ LM  urgent │ ║ T   default  write ║ ┃ ┃
┃ ┃ ╎ │ LM  slots  │ ╎ │     large  │ ║     mail.archive   ║ ┃ ┃
┃ ┃ ╎ │     sorter │ ╎ ╰────────────╯ ╚════════════════════╝ ┃ ┃
┃ ┃ ╎ ╰─────┬──────╯ ╎                                       ┃ ┃
┃ ┃ ╎       ▼        ╎                                       ┃ ┃
┃ ┃ ╎ ╭───────────╮  ╎                                       ┃ ┃
┃ ┃ ╎ │ LM  draft │  ╎                                       ┃ ┃
┃ ┃ ╎ │     large │  ╎                                       ┃ ┃
┃ ┃ ╎ ╰───────────╯  ╎                                       ┃ ┃
┃ ┃ └╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┘                                       ┃ ┃
┃ ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛ ┃
┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┯━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
                               ▼
                           ( result )
"""

FORMATS = [as_text, as_mermaid, as_dot, as_svg]


class Plugins(Registry):
    """The real registry, and a toolset for mail whatever is installed."""

    def toolset(self, use: str) -> Toolset:
        mail = Toolset("mail")

        @mail.tool(effect="read")
        def read(path: str) -> list[str]:
            """Read a mailbox."""
            return [path]

        @mail.tool(effect="write")
        def archive(mail: str) -> str:
            """Put a mail away."""
            return mail

        return mail

    def backend(self, use: str) -> BackendFactory:
        return super().backend(use)


def compiled(text: str) -> Plan:
    return compile_spec(parse_text(text), Plugins())


def lanes(nodes: dict[str, str], extra: str = "") -> Picture:
    """A picture of LM nodes; each value lists what the node comes after."""
    lines = [f"  {name}: {{lm: small, prompt: x, after: [{after}]{extra}}}" for name, after in nodes.items()]
    head = "agentspec: 1\nname: lanes\nmodels: {small: fake/echo}\nnodes:\n"
    return picture(compiled(head + "\n".join(lines) + "\nresult: done\n"))


@pytest.fixture(scope="module")
def inbox() -> Picture:
    return picture(compiled(INBOX))


def test_the_text_of_a_small_spec(inbox: Picture) -> None:
    assert as_text(inbox) == INBOX_TEXT


@pytest.mark.parametrize("draw", FORMATS)
def test_every_label_is_there(inbox: Picture, draw) -> None:
    shown = draw(inbox)
    words = "inbox read each sort act meeting slots draft urgent default mail.archive sorter switch result"
    for word in words.split()[draw is as_mermaid :]:
        assert word in shown, word
    assert "map ×8" in shown


def test_a_wide_fan_out_becomes_a_group_of_columns() -> None:
    workers = [f"worker{number:02}" for number in range(60)]
    shown = lanes({"split": ""} | dict.fromkeys(workers, "split") | {"join": ", ".join(workers)})
    assert [box.id for box in shown.boxes] == ["60 side by side"]
    text = as_text(shown, 80)
    assert all(worker in text for worker in workers)
    assert max(map(cells, text.splitlines())) <= 80
    assert "each LM  small" in text
    assert shown.width < 1400


def test_a_rank_that_does_not_fit_becomes_a_list_with_its_sources() -> None:
    nodes = {"split": ""}
    for number in range(12):
        nodes |= {f"first{number:02}": "split", f"second{number:02}": f"first{number:02}"}
    text = as_text(lanes(nodes), 80)
    assert "LM  second07  small  <- first07" in text
    assert max(map(cells, text.splitlines())) <= 80


def test_lines_of_different_sources_only_cross() -> None:
    text = as_text(lanes({"a": "", "b": "", "c": "a", "d": "a, b"}))
    upper = "╭───────────╮   ╭───────────╮"
    assert text.count(upper) == 2
    assert text.count("▼") == 6


def test_edges_that_follow_from_others_are_left_out() -> None:
    shown = lanes({"a": "", "b": "a", "c": "a, b"})
    names = {node.key: node.id for node in shown.nodes}
    pairs = {(names[edge.source], names[edge.target]) for edge in shown.edges}
    assert pairs == {("start", "a"), ("a", "b"), ("b", "c"), ("c", "result")}


@pytest.mark.parametrize(
    ("draw", "sign"), [(as_text, "┄"), (as_mermaid, "maybe"), (as_dot, "dashed"), (as_svg, "as-maybe")]
)
def test_a_node_that_may_be_skipped_is_dashed(draw, sign: str) -> None:
    marked, plain = lanes({"a": ""}, ", when: true"), lanes({"a": ""})
    assert draw(marked).count(sign) > draw(plain).count(sign)


HOSTILE = '"]; <script>alert(1)</script> & `x` #35; \\ --> %% end'


@pytest.fixture(scope="module")
def hostile() -> Picture:
    text = INBOX.replace("urgent: {", "'" + HOSTILE + "': {").replace("meeting | urgent | other", "string")
    output = "output: {category: string}"
    text = text.replace(output, f"{output}\n        description: 'a ]]> b'")
    return picture(compiled(text.replace("Sorts a mailbox.", "'</desc><script>'")))


def test_svg_escapes_and_stays_within_itself(hostile: Picture) -> None:
    shown = as_svg(hostile)
    root = ElementTree.fromstring(shown)
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "style", "rect", "g", "path", "text"}
    assert root.get("role") == "img"
    assert root[0].text == "inbox"
    titles = [element.text or "" for element in root.iter() if element.tag.endswith("title")]
    assert any(f"act{case_path(HOSTILE)}" in title for title in titles)  # the path as a run has it
    assert "prefers-color-scheme:dark" in shown
    assert not re.search(r"href|url\(|@import|http(?!://www\.w3\.org/2000/svg)|<script", shown)


def test_svg_texts_end_within_their_boxes(hostile: Picture) -> None:
    root = ElementTree.fromstring(as_svg(hostile))
    sizes = {"as-id": 13, "as-detail": 11, "as-small": 9}
    for group in root.iter("{http://www.w3.org/2000/svg}g"):
        rects = group.findall("{http://www.w3.org/2000/svg}rect")
        if not rects or group.find("{http://www.w3.org/2000/svg}title") is None:
            continue
        right = max(float(rect.attrib["x"]) + float(rect.attrib["width"]) for rect in rects)
        for text in group.findall("{http://www.w3.org/2000/svg}text"):
            size = sizes.get(text.attrib["class"].split()[-1])
            if size:
                assert float(text.attrib["x"]) + cells(text.text or "") * size * 0.605 <= right, text.text


def test_mermaid_labels_hold_no_sign_of_its_syntax(hostile: Picture) -> None:
    body = as_mermaid(hostile).split("    class ")[0]
    for label in re.findall(r'"([^"]*)"', body):
        assert not set(re.sub(r"</?b>|<br>|#\d+;", "", label)) & set("<>&`#;[](){}|\\")
    assert body.count("subgraph") == body.count("    end\n")


def test_dot_labels_are_quoted(hostile: Picture) -> None:
    rest = re.sub(r'"(?:[^"\\]|\\.)*"', "", as_dot(hostile))
    assert "script" not in rest
    assert '"' not in rest
    assert rest.count("{") == rest.count("}")


def test_labels_lose_what_would_steer_a_terminal() -> None:
    assert clean("a\x1b[31m\nb\u202ec\ud800") == "a�[31m bc�"
    assert fit("日本語", 5) == "日本…"
    assert cells("日本…") == 5
