"""Writing drafts."""

import email
import email.policy
import mailbox
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from agentspec_office.mail import mail
from office_tools import call

from agentspec.api import ToolContext, ToolError

Make = Callable[..., ToolContext]
GOOD: dict[str, Any] = {
    "to": "Zoë <zoe@example.org>, b@example.com",
    "subject": "Re: café",
    "body": "Hallo ✓\nFrom me",
}


def drafts(path: Path) -> list[Any]:
    with closing(mailbox.mbox(path)) as box:
        return [email.message_from_bytes(bytes(one), policy=email.policy.default) for one in box]


def test_a_draft_can_be_opened_by_mail_programs(context: Make, tmp_path: Path) -> None:
    made = call(mail, "draft", context(key="k"), in_reply_to="7@example.org", **GOOD)
    assert Path(made["path"]) == tmp_path / "out" / "drafts.mbox"
    (draft,) = drafts(tmp_path / "out" / "drafts.mbox")
    assert draft["Message-ID"] == f"<{made['id']}>"
    assert [address.addr_spec for address in draft["To"].addresses] == ["zoe@example.org", "b@example.com"]
    assert (draft["Subject"], draft["In-Reply-To"], draft["X-Unsent"]) == ("Re: café", "<7@example.org>", "1")
    assert draft.get_content().splitlines() == ["Hallo ✓", ">From me"]
    assert "From me" in call(mail, "read", context(), path=made["path"])["messages"][0]["body"]


def test_the_file_is_listed_as_written(tmp_path: Path) -> None:
    wrote: list[Path] = []
    call(mail, "draft", ToolContext(None, tmp_path, tmp_path, wrote=wrote.append), **GOOD)
    assert wrote == [tmp_path / "drafts.mbox"]


def test_repeating_a_step_writes_nothing_twice(context: Make, tmp_path: Path) -> None:
    first = call(mail, "draft", context(key="step-1"), **GOOD)
    assert call(mail, "draft", context(key="step-1"), **GOOD) == first
    assert call(mail, "draft", context(key="step-2"), **GOOD)["id"] != first["id"]
    assert len(drafts(tmp_path / "out" / "drafts.mbox")) == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("to", "a@example.org\nBcc: c@example.net"),
        ("subject", "x\r\nBcc: c@example.net"),
        ("subject", "x\u2028y"),
        ("in_reply_to", "<a@b>\nX: y"),
        ("in_reply_to", "a@b> <c@d"),
        ("to", "nobody"),
        ("to", ""),
        ("to", "a b@example.org@x"),
        ("mailbox", "../drafts.mbox"),
        ("mailbox", "/tmp/drafts.mbox"),
        ("mailbox", "."),
    ],
)
def test_unclean_headers_and_paths_are_refused(context: Make, tmp_path: Path, field: str, value: str) -> None:
    with pytest.raises(ToolError) as caught:
        call(mail, "draft", context(), **{**GOOD, field: value})
    assert caught.value.hint
    assert not (tmp_path / "out" / "drafts.mbox").exists()


def test_other_files_are_left_alone(context: Make, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.md").write_text("# Report\n")
    with pytest.raises(ToolError, match="no mbox"):
        call(mail, "draft", context(), mailbox="report.md", **GOOD)
    assert (tmp_path / "out" / "report.md").read_text() == "# Report\n"


def test_an_mbox_without_its_last_line_end_stays_whole(context: Make, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    box = tmp_path / "out" / "drafts.mbox"
    box.write_text("From - Tue Mar 10 08:12:20 2026\nSubject: old\n\nlast words")
    call(mail, "draft", context(), **GOOD)
    assert [draft["Subject"] for draft in drafts(box)] == ["old", "Re: café"]


def test_concurrent_drafts_do_not_interleave(context: Make, tmp_path: Path) -> None:
    def write(name: int) -> None:
        for number in range(10):
            call(mail, "draft", context(), to="a@example.org", subject=f"{name}-{number}", body="line\n" * 500)

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = drafts(tmp_path / "out" / "drafts.mbox")
    assert len({draft["Subject"] for draft in found}) == len(found) == 40
    assert all(draft.get_content() == "line\n" * 500 for draft in found)


def test_nothing_that_could_send_is_imported() -> None:
    assert "smtplib" not in sys.modules
