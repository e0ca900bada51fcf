"""Which files a spec may name: hostile names, links, circles, and too many of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agentspec.spec.compose import follow, places
from agentspec.spec.compose.follow import MAX_FILES, MAX_LEVELS
from agentspec.spec.compose.places import NotAllowed, locate, project_of, shown
from agentspec.spec.diagnostics import SpecInvalid
from agentspec.spec.parse import parse_file, parse_text
from agentspec.spec.text.loader import MAX_BYTES
from agentspec.spec.text.nodes import MAX_NODES

REST = "agentspec: 1\nname: x\nmodels: {m: fake/echo}\nnodes: {say: {lm: m, prompt: Hello.}}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a spec's folder in it, beside files that are none of its business."""
    folder = tmp_path / "project" / "agents" / "mine"
    folder.mkdir(parents=True)
    (tmp_path / "project" / ".agentspec").mkdir()
    (tmp_path / "outside.yaml").write_text("name: canary\n", encoding="utf-8")
    (tmp_path / "project" / "secret.txt").write_text("name: canary\n", encoding="utf-8")
    return folder


def found(folder: Path, text: str) -> list[tuple[str, int, str]]:
    """Code, line and message of each problem of a spec."""
    path = folder / "agent.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecInvalid) as caught:
        parse_file(path)
    return [(one.code, one.span.line if one.span else 0, one.message) for one in caught.value.diagnostics]


@pytest.mark.parametrize("key", ["extends", "include"])
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("../../../outside.yaml", "AS211"),
        ("../../../../../../../../../../etc/passwd", "AS211"),
        ("/etc/passwd", "AS211"),
        ("/etc/passwd.yaml", "AS211"),
        ("~/x.yaml", "AS211"),
        ("C:/x.yaml", "AS211"),
        ("link.yaml", "AS211"),
        ("folder-link/outside.yaml", "AS211"),
        ("../../secret.txt", "AS210"),
        ("text-link.yaml", "AS210"),
        ("pipe.yaml", "AS210"),
        ("folder.yaml", "AS210"),
        ("round.yaml", "AS210"),
        ("nowhere.yaml", "AS210"),
        ("nowhere/../x.yaml", "AS210"),
        ("..\\\\x.yaml", "AS210"),
        ("https://example.org/x.yaml", "AS210"),
        ("file:///etc/passwd.yaml", "AS210"),
        ("", "AS210"),
        ("a\\nb.yaml", "AS210"),
        ("a\\0.yaml", "AS210"),
        (f"{'x' * 300}.yaml", "AS210"),
    ],
)
def test_names_that_may_not_be_used(key: str, name: str, code: str, project: Path) -> None:
    (project / "link.yaml").symlink_to("../../../outside.yaml")
    (project / "folder-link").symlink_to("../../..")
    (project / "text-link.yaml").symlink_to("../../secret.txt")
    (project / "round.yaml").symlink_to("round.yaml")
    (project / "folder.yaml").mkdir()
    os.mkfifo(project / "pipe.yaml")
    [(given, line, message)] = found(project, f'{REST}{key}:\n  - "{name}"\n')
    assert (given, line) == (code, 6)
    assert "canary" not in message


def test_names_inside_the_project_may_be_used(project: Path) -> None:
    (project.parents[1] / "base.yaml").write_text(REST, encoding="utf-8")
    (project / "near.yaml").symlink_to("../../base.yaml")
    for name in ("../../base.yaml", "./../../base.yaml", "near.yaml"):
        (project / "agent.yaml").write_text(f"extends: {name}\nname: mine\n", encoding="utf-8")
        assert parse_file(project / "agent.yaml").fields.name == "mine"


def test_a_base_file_cannot_lead_further_than_the_spec_itself(project: Path) -> None:
    (project / "base.yaml").write_text("extends: ../../../outside.yaml\n", encoding="utf-8")
    assert [code for code, _, _ in found(project, f"{REST}extends: base.yaml\n")] == ["AS211"]


@pytest.mark.parametrize("mark", [".agentspec", ".git", "pyproject.toml"])
def test_a_project_is_the_nearest_folder_with_a_mark(mark: str, tmp_path: Path) -> None:
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    (tmp_path / mark).mkdir()
    assert project_of(tmp_path / "a" / "b" / "c") == tmp_path
    (tmp_path / "a" / "b" / mark).touch()
    assert project_of(tmp_path / "a" / "b" / "c") == tmp_path / "a" / "b"


def test_without_a_project_a_spec_names_files_of_its_own_folder(tmp_path: Path) -> None:
    folder = tmp_path / "alone"
    folder.mkdir()
    project = project_of(folder)
    if project != folder:
        pytest.skip("the folder for temporary files lies in a project")
    assert locate("x.yaml", folder, project) == folder / "x.yaml"
    with pytest.raises(NotAllowed):
        locate("../x.yaml", folder, project)


def test_the_root_of_the_file_system_is_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_MARKS", ("tmp", "usr", "etc"))
    assert project_of(tmp_path) == tmp_path


def test_files_are_shown_as_a_person_would_name_them_from_here() -> None:
    assert shown("../shared/base.yaml", "agents/mine/agent.yaml") == "agents/shared/base.yaml"
    assert shown("./base.yaml", "agent.yaml") == "base.yaml"
    assert shown("base.yaml", "<spec>") == "base.yaml"


# Circles and sizes


@pytest.mark.parametrize("name", ["agent.yaml", "./agent.yaml", "../mine/agent.yaml", "self.yaml"])
def test_a_file_that_names_itself(name: str, project: Path) -> None:
    (project / "self.yaml").symlink_to("agent.yaml")
    [(code, line, message)] = found(project, f"{REST}extends: {name}\n")
    assert (code, line) == ("AS212", 5)
    assert "agent.yaml -> agent.yaml" in message


def test_a_text_that_names_itself(project: Path) -> None:
    with pytest.raises(SpecInvalid) as caught:
        parse_text(f"{REST}extends: agent.yaml\n", "agent.yaml", project)
    assert caught.value.code == "AS212"


@pytest.mark.parametrize(("first", "second"), [("extends", "extends"), ("extends", "include"), ("include", "include")])
def test_a_circle_of_three_files(first: str, second: str, project: Path) -> None:
    (project / "a.yaml").write_text(f"{second}: b.yaml\n", encoding="utf-8")
    (project / "b.yaml").write_text("include: a.yaml\n", encoding="utf-8")
    assert found(project, f"{REST}{first}: a.yaml\n") == [
        ("AS212", 1, "files name each other in a circle: a.yaml -> b.yaml -> a.yaml")
    ]


def chain(folder: Path, length: int) -> str:
    for number in range(1, length):
        (folder / f"{number}.yaml").write_text(f"extends: {number + 1}.yaml\n", encoding="utf-8")
    (folder / f"{length}.yaml").write_text(REST, encoding="utf-8")
    return "extends: 1.yaml\n"


def test_files_may_name_each_other_some_levels_deep(project: Path) -> None:
    (project / "agent.yaml").write_text(chain(project, MAX_LEVELS), encoding="utf-8")
    assert parse_file(project / "agent.yaml").fields.name == "x"
    [(code, _, message)] = found(project, chain(project, MAX_LEVELS + 1))
    assert code == "AS213"
    assert f"more than {MAX_LEVELS} levels" in message


def test_files_may_be_named_so_many_times(project: Path) -> None:
    (project / "a.yaml").write_text("types: {T: date}\n", encoding="utf-8")
    names = "".join("  - a.yaml\n" for _ in range(MAX_FILES))
    (project / "agent.yaml").write_text(f"{REST}include:\n{names}", encoding="utf-8")
    assert parse_file(project / "agent.yaml").document.data["types"] == {"T": "date"}
    more = "".join("  - a.yaml\n" for _ in range(50))
    [(code, line, _)] = found(project, f"{REST}include:\n{names}{more}")
    assert (code, line) == ("AS213", 6 + MAX_FILES)


def test_files_that_double_at_each_level_are_read_once_each(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    real = follow.read
    monkeypatch.setattr(follow, "read", lambda path: read.append(path.name) or real(path))
    for number in range(1, MAX_LEVELS):
        two = f"[{number + 1}.yaml, {number + 1}.yaml]"
        (project / f"{number}.yaml").write_text(f"extends: {two}\n", encoding="utf-8")
    (project / f"{MAX_LEVELS}.yaml").write_text(REST, encoding="utf-8")
    (project / "agent.yaml").write_text("extends: 1.yaml\n", encoding="utf-8")
    assert parse_file(project / "agent.yaml").fields.name == "x"
    assert read == [f"{number}.yaml" for number in range(1, MAX_LEVELS + 1)]


def test_all_files_together_are_limited_in_size(project: Path) -> None:
    for name in "abc":
        (project / f"{name}.yaml").write_text(f"types: {{{name}: date}}\n#{'x' * (MAX_BYTES - 100)}", encoding="utf-8")
    [(code, line, message)] = found(project, f"{REST}include: [a.yaml, b.yaml, c.yaml]\n")
    assert (code, line) == ("AS213", 5)
    assert "characters" in message


def test_all_files_together_are_limited_in_values(project: Path) -> None:
    items = ",".join("1" * 1 for _ in range(MAX_NODES // 2))
    for name in "abc":
        (project / f"{name}.yaml").write_text(f"types: {{{name}: [{items}]}}\n", encoding="utf-8")
    [(code, line, message)] = found(project, f"{REST}include: [a.yaml, b.yaml, c.yaml]\n")
    assert (code, line) == ("AS106", 5)
    assert "the files that it names" in message


@pytest.mark.parametrize("value", ["3", "{a: b}", "[[x.yaml]]", "true"])
def test_names_are_words(value: str, project: Path) -> None:
    [(code, line, _)] = found(project, f"{REST}extends: {value}\n")
    assert (code, line) == ("AS203", 5)


@pytest.mark.parametrize("value", ["", "[]"])
def test_no_names_are_no_problem(value: str, project: Path) -> None:
    (project / "agent.yaml").write_text(f"{REST}extends: {value}\n", encoding="utf-8")
    assert "extends" not in parse_file(project / "agent.yaml").document.data


def test_a_file_of_another_encoding_is_reported_in_that_file(project: Path) -> None:
    (project / "a.yaml").write_bytes(b"name: caf\xe9\n")
    assert [code for code, _, _ in found(project, f"{REST}extends: a.yaml\n")] == ["AS101"]


def test_all_problems_of_names_are_reported_at_once(project: Path) -> None:
    (project / "a.yaml").write_text("include: [x.yaml, /y.yaml]\n", encoding="utf-8")
    codes = sorted(code for code, _, _ in found(project, f"{REST}extends: [a.yaml, z.yaml]\ninclude: 3\n"))
    assert codes == ["AS203", "AS210", "AS210", "AS211"]
