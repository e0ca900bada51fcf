"""`agentspec check`: where its answers go, and what `--fix` does to files."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from agentspec.cli.fixing import NotWritten, rewrite

from .conftest import SPEC

BAD = SPEC.replace('answer: {lm: small, prompt: "${{ sort.topic', 'answer: {lm: small, promt: "${{ sort.topc')
"""A misspelt key, and a misspelt field that comes to light after it."""
POSIX = pytest.mark.skipif(os.name != "posix", reason="modes and links are those of POSIX")


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_text_is_for_people_and_goes_to_stderr(cli, tmp_path):
    clean = cli("check", ".")
    assert (clean.returncode, clean.stdout, clean.stderr) == (0, "", ".: no problems\n")
    (tmp_path / "agent.yaml").write_text(BAD)
    done = cli("check", ".")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("error[AS201]: unknown key `promt`\n")
    assert done.stderr.endswith("\n1 error\n")


@pytest.mark.parametrize("form", ["json", "sarif", "github"])
def test_the_other_forms_are_data_and_go_to_stdout(cli, tmp_path, form):
    clean = cli("check", ".", "--format", form)
    assert (clean.returncode, clean.stderr) == (0, "")
    (tmp_path / "agent.yaml").write_text(BAD)
    done = cli("check", ".", "--format", form)
    assert (done.returncode, done.stderr) == (3, "")
    assert "unknown key `promt`" in done.stdout
    assert "AS201" in done.stdout


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github"])
def test_exit_code_7_when_only_a_plugin_is_missing(cli, form):
    assert cli("check", ".", "--bind", "small=nobody/has-this", "--format", form).returncode == 7


def test_sarif_names_files_as_seen_from_the_current_folder(cli, tmp_path):
    (tmp_path / "agent.yaml").write_text(BAD)
    log = json.loads(cli("check", str(tmp_path / "agent.yaml"), "--format", "sarif").stdout)
    [run] = log["runs"]
    [result] = run["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "agent.yaml"}
    assert run["tool"]["driver"]["rules"][0]["help"]["text"] == cli("explain", "AS201").stdout.removesuffix("\n")


def test_fix_corrects_the_file_and_says_what_it_changed(cli, tmp_path):
    (tmp_path / "agent.yaml").write_text(BAD)
    done = cli("check", ".", "--fix")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.split("\n") == [
        "fixed agent.yaml:8:23  'promt' -> 'prompt'",
        "fixed agent.yaml:8:41  'topc' -> 'topic'",
        ".: no problems",
        "",
    ]
    assert (tmp_path / "agent.yaml").read_text() == SPEC
    assert files(tmp_path) == ["agent.yaml"]


def test_fix_shows_the_problems_that_are_left_in_the_form_asked_for(cli, tmp_path):
    (tmp_path / "agent.yaml").write_text(BAD.replace("urgent: boolean", "urgent: nonsense"))
    done = cli("check", ".", "--fix", "--format", "json")
    assert done.returncode == 3
    assert [problem["code"] for problem in json.loads(done.stdout)] == ["AS303"]
    assert done.stderr.startswith("fixed agent.yaml:8:23  'promt'")


def test_fix_keeps_every_other_byte_and_the_mode(cli, tmp_path):
    path = tmp_path / "agent.yaml"
    good = b"\xef\xbb\xbf" + ("# é 日本\n" + SPEC + "\n\n# promt  \n# end").replace("\n", "\r\n").encode()
    path.write_bytes(good.replace(b'small, prompt: "Sort', b"small, 'promt': \"Sort"))
    path.chmod(0o640)
    assert cli("check", ".", "--fix").returncode == 0
    assert path.read_bytes() == good.replace(b'small, prompt: "Sort', b"small, 'prompt': \"Sort")
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_file_without_corrections_is_not_written(cli, tmp_path):
    path = tmp_path / "agent.yaml"
    for text in (SPEC, SPEC.replace("small, prompt", "small, nonsense")):
        path.write_text(text)
        before = path.stat()
        cli("check", ".", "--fix")
        after = path.stat()
        assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_check_alone_writes_nothing(cli, tmp_path):
    (tmp_path / "agent.yaml").write_text(BAD)
    cli("check", ".")
    assert (tmp_path / "agent.yaml").read_text() == BAD


def test_fix_leaves_prompt_files_alone(cli, tmp_path):
    (tmp_path / "ask.md").write_text("${{ inputs.nte }} ${{ inputs.note }}")
    (tmp_path / "agent.yaml").write_text(SPEC.replace('prompt: "Sort: ${{ inputs.note }}"', "prompt: {file: ask.md}"))
    done = cli("check", ".", "--fix")
    assert done.returncode == 3
    assert (tmp_path / "ask.md").read_text() == "${{ inputs.nte }} ${{ inputs.note }}"


def test_fix_corrects_each_of_several_specs(cli, tmp_path):
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(BAD)
    assert cli("check", "a.yaml", "missing.yaml", "b.yaml", "--fix").returncode == 3
    assert (tmp_path / "a.yaml").read_text() == (tmp_path / "b.yaml").read_text() == SPEC


@POSIX
def test_a_symbolic_link_is_not_followed(cli, tmp_path):
    real = tmp_path / "real.yaml"
    real.write_text(BAD)
    (tmp_path / "link.yaml").symlink_to(real)
    done = cli("check", "link.yaml", "--fix")
    assert done.returncode == 3
    assert done.stderr.startswith("link.yaml is not changed: it is a symbolic link\nerror[AS201]")
    assert real.read_text() == BAD
    assert (tmp_path / "link.yaml").is_symlink()


@POSIX
def test_a_name_with_control_characters_is_shown_as_escapes(cli, tmp_path):
    (tmp_path / "a\x1b[31m.yaml").write_text(BAD)
    name = "a\x1b[31m.yaml"
    assert "--> a\\x1b[31m.yaml:8:23\n" in cli("check", name).stderr
    done = cli("check", name, "--fix")
    assert done.stderr.startswith("fixed a\\x1b[31m.yaml:8:23  'promt'")
    assert done.stderr.endswith("a�[31m.yaml: no problems\n")


def test_what_changed_in_the_meantime_is_not_overwritten(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("newer")
    with pytest.raises(NotWritten, match="something else"):
        rewrite(path, "old", "fixed")
    assert path.read_text() == "newer"


def test_only_plain_files_are_written(tmp_path):
    with pytest.raises(NotWritten, match="not a plain file"):
        rewrite(tmp_path, "", "fixed")
    with pytest.raises(NotWritten, match="No such file"):
        rewrite(tmp_path / "none", "", "fixed")


@POSIX
def test_a_read_only_file_stays(tmp_path, monkeypatch):
    path = tmp_path / "a.yaml"
    path.write_text("old")
    path.chmod(0o444)
    if os.geteuid() == 0:  # who may write everything is asked as if it could not
        monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(NotWritten, match="read-only"):
        rewrite(path, "old", "fixed")
    assert path.read_text() == "old"


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "a.yaml"
    path.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(NotWritten, match="No space left"):
        rewrite(path, "old", "fixed")
    assert path.read_text() == "old"
    assert files(tmp_path) == ["a.yaml"]


def test_names_from_the_spec_are_harmless_in_usage_errors(cli, tmp_path):
    (tmp_path / "agent.yaml").write_text(f'{SPEC}profiles: {{"\\e[31m": {{}}}}\n')
    done = cli("check", ".", "--profile", "none")
    assert done.returncode == 2
    assert "\\x1b[31m" in done.stderr
    assert "\x1b" not in done.stderr
