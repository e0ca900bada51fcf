"""Reading mailboxes, whole and damaged."""

import json
import mailbox
import os
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from agentspec_office.mail import mail
from hypothesis import example, given, settings
from hypothesis import strategies as st
from office_tools import SAMPLES, call

from agentspec.api import ToolContext, ToolError

Make = Callable[..., ToolContext]
ENVELOPE = "From a@example.org Tue Mar 10 08:12:20 2026\n"
HEADERS = "From: A <a@example.org>\nMessage-ID: <{id}@example.org>\nDate: Tue, 10 Mar 2026 08:12:20 +0100\n"


def labels() -> dict[str, dict[str, Any]]:
    lines = (SAMPLES / "week.labels.jsonl").read_text().splitlines()
    return {label["id"]: label for label in map(json.loads, lines)}


def stored(*messages: str) -> bytes:
    return "".join(f"{ENVELOPE}{message}\n\n" for message in messages).encode("utf-8", "surrogateescape")


def mail_text(body: str = "Hi", number: int = 1, more: str = "") -> str:
    return HEADERS.format(id=number) + more + "\n" + body


@pytest.fixture
def read(context: Make, tmp_path: Path) -> Callable[..., Any]:
    def reading(content: bytes, **more: Any) -> Any:
        (tmp_path / "a.mbox").write_bytes(content)
        return call(mail, "read", context(), path="a.mbox", **more)

    return reading


@pytest.fixture(scope="module")
def week() -> Any:
    return call(mail, "read", ToolContext(None, SAMPLES, SAMPLES / "out"), path="week.mbox")


def test_the_sample_week_is_read_without_a_problem(week: Any) -> None:
    assert week["problems"] == []
    assert [message["id"] for message in week["messages"]] == list(labels())


def test_every_labelled_date_of_the_sample_is_the_first_one_found(week: Any) -> None:
    wanted = {name: label["due"] for name, label in labels().items() if label["due"]}
    assert {message["id"]: message["dates"][0] for message in week["messages"] if message["id"] in wanted} == wanted


def test_bulk_mail_of_the_sample_is_known_by_its_headers(week: Any) -> None:
    bulk = {message["id"] for message in week["messages"] if message["bulk"]}
    letters = {name for name, label in labels().items() if label["category"] == "newsletter"}
    assert letters - bulk == {"mf-0311@example.com"}
    assert bulk <= letters


def test_bodies_hold_no_quotes_signatures_markup_or_transfer_encoding(week: Any) -> None:
    for message in week["messages"]:
        lines = message["body"].split("\n")
        assert lines != [""]
        assert not [line for line in lines if line.startswith((">", "-- ")) or line.endswith(("wrote:", "="))]
        assert "<p>" not in message["body"]
        assert "=C3" not in message["body"]


def test_names_subjects_and_dates_are_decoded(week: Any) -> None:
    found = {message["id"]: message for message in week["messages"]}
    assert found["2f7e.ba@example.com"]["sender_name"] == "Björn Åkesson"
    assert found["2f7e.ba@example.com"]["subject"] == "Reference for Søren Lund"
    assert found["CAFq8x+9bT2@example.com"]["sent"] == "2026-03-09T09:41:12-04:00"
    assert found["8e0f.0309.jp@example.org"]["to"] == "anna@example.org, tom@example.org, priya@example.org"


def test_a_maildir_reads_like_an_mbox(context: Make, tmp_path: Path, week: Any) -> None:
    box = mailbox.Maildir(tmp_path / "box")
    with closing(mailbox.mbox(SAMPLES / "week.mbox")) as source:
        for message in source:
            box.add(bytes(message).replace(b"\n>From ", b"\nFrom "))
    (tmp_path / "box" / "cur" / "9-link").symlink_to("/etc/hostname")
    found = call(mail, "read", context(), path="box")
    assert {message["id"]: message for message in found["messages"]} == {
        message["id"]: message for message in week["messages"]
    }
    assert found["problems"] == ["9-link: is a link that leads out of the maildir"]


def test_limit_stops_early(context: Make) -> None:
    found = call(mail, "read", context(), path=str(SAMPLES / "week.mbox"), limit=3)
    assert len(found["messages"]) == 3


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Yes.\n\nOn Mon, 9 Mar 2026 at 10:15, A\n<a@example.org> wrote:\n> old\n> older", "Yes."),
        ("> question\nanswer\n> From here", "answer"),
        ("Hi\n-- \nA\nB", "Hi"),
        ("Hi\n\n-----Original Message-----\nFrom: b", "Hi"),
        ("a\n\n\n\nb  \n", "a\n\nb"),
        ("He wrote:\nnothing", "He wrote:\nnothing"),
        (">From now on", "From now on"),
        ("a\x1b[31m\x00b", "a[31mb"),
    ],
)
def test_only_the_senders_own_words_are_kept(read: Callable[..., Any], body: str, expected: str) -> None:
    assert read(stored(mail_text(body + "\n")))["messages"][0]["body"] == expected


def test_html_becomes_readable_text(read: Callable[..., Any]) -> None:
    html = (
        "<html><head><style>p{}</style><title>no</title></head><body><script>no()</script><p>One &amp; two"
        "<br>three</p><div style='display:none'>no</div><ul><li>a<li>b</ul><table><tr><td>c<td>d</tr></table>"
        "<div class=gmail_quote>On Mon, 9 March, A wrote:<blockquote type=cite>old</blockquote></div></p></b>end"
    )
    message = read(stored(mail_text(html, more="Content-Type: text/html\n")))["messages"][0]
    assert message["body"] == "One & two\nthree\n\n- a\n- b\n\nc d\n\nend"


def test_damage_costs_a_line_each_and_no_other_message(read: Callable[..., Any]) -> None:
    text = "Content-Type: text/plain; charset={}\nContent-Transfer-Encoding: {}\n"
    found = read(
        b"rubbish at the start\n"
        + stored(
            mail_text("fine", 1),
            "no header here\nat all",
            mail_text("SGVsbG8gd29ybGQhI", 2, text.format("utf-8", "base64")),
            mail_text("caf\udce9", 3, text.format("klingon", "8bit")),
            mail_text("x", 4).replace("Tue, 10 Mar 2026 08:12:20 +0100", "soon"),
            mail_text("again", 1),
            "Subject: nobody\n\nx",
            mail_text("last", 5),
        )
    )
    assert [message["body"] for message in found["messages"]] == [
        "fine",
        "Hello world!",
        "café",
        "x",
        "x",
        "last",
    ]
    wanted = [
        "21 bytes before",
        "no header lines",
        "base64",
        "`klingon`",
        "bad date `soon`",
        "same Message-ID",
        "no date",
    ]
    assert len(found["problems"]) == len(wanted)
    for words, problem in zip(wanted, found["problems"], strict=True):
        assert words in problem
    assert "message 3 (line" in found["problems"][2]


def test_an_unescaped_from_in_a_body_does_not_split_a_message(read: Callable[..., Any]) -> None:
    found = read(stored(mail_text("one\n\nFrom Monday on we meet at ten.\n\ntwo")))
    assert found["problems"] == []
    assert found["messages"][0]["body"].endswith("two")


def test_line_ends_of_windows_make_no_difference(read: Callable[..., Any]) -> None:
    unix = stored(mail_text("a\n\n> b\n-- \nc", 1), mail_text("d", 2))
    assert read(unix.replace(b"\n", b"\r\n")) == read(unix)


def test_an_empty_mailbox_is_empty(read: Callable[..., Any]) -> None:
    assert read(b"") == {"messages": [], "problems": []}


@pytest.mark.parametrize("content", [b"\x7fELF\x00\x01" * 100, b"Dear diary,\nnothing.\n", b"Subject: x\n\nalone"])
def test_what_is_no_mailbox_is_an_error_with_a_hint(read: Callable[..., Any], content: bytes) -> None:
    with pytest.raises(ToolError) as caught:
        read(content)
    assert caught.value.hint


def test_missing_special_and_foreign_paths_are_errors(context: Make, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for path in ("none.mbox", "empty", "pipe", "/etc/hostname", "../x"):
        with pytest.raises(ToolError) as caught:
            call(mail, "read", context(), path=path)
        assert caught.value.hint


PIECE = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([
        ENVELOPE.encode(), mail_text().encode(), b"\n\n", b"From ", b"Content-Type: multipart/mixed; boundary=x\n",
        b"--x\n", b"--x--\n", b"Content-Transfer-Encoding: base64\n", b"Content-Type: text/html; charset=utf-16\n",
        b"Subject: =?utf-8?b?w?= =?x?q?=FF?=\n", b"From: \xff <\n", b"Date: Tue, 99 Foo 99999\n", b"<p><!--", b"</",
        b"Content-Type: text/plain; format=flowed; charset=\"\x00\"\n", b"Date: Tue, 10 Mar 0001 00:00:00 +2359\n",
    ]),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(pieces=st.lists(PIECE, max_size=20))
@example(pieces=[ENVELOPE.encode(), b"Content-Type: multipart/mixed; boundary=x\n\n", b"--x\n\n" * 3000])
def test_no_bytes_crash_the_reading(tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]) -> None:
    folder = tmp_path_factory.mktemp("random")
    (folder / "a.mbox").write_bytes(b"".join(pieces))
    try:
        found = call(mail, "read", ToolContext(None, folder, folder), path="a.mbox")
    except ToolError:
        return
    for message in found["messages"]:
        assert datetime.fromisoformat(message["sent"]).tzinfo
        json.dumps(message).encode()


@pytest.mark.parametrize("piece", ["<!--", "<div>", "<a ", "</p>", "Friday or ", "1 ", "12-", "next week ", "\n"])
def test_hostile_repetition_takes_little_time(read: Callable[..., Any], piece: str) -> None:
    begun = process_time()
    read(stored(mail_text(piece * (100_000 // len(piece)), more="Content-Type: text/html\n")))
    assert process_time() - begun < 3
