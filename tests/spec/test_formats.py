"""The forms of problems for programs: JSON, SARIF, GitHub annotations."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspec.api.codes import CODES
from agentspec.api.version import VERSION
from agentspec.cli.explain import page
from agentspec.spec.diagnostics import Diagnostic, Note, Severity
from agentspec.spec.formats.data import as_json
from agentspec.spec.formats.github import as_github
from agentspec.spec.formats.sarif import as_sarif
from agentspec.spec.source import Source, Span

HERE = Path("/home/here") if os.name == "posix" else Path("C:/home/here")
TEXT = "agentspec: 1\nnodes:\n  é: {'promt': x}\n"


def at(text: str, line: int, column: int, length: int, label: str = "", **more: Any) -> Diagnostic:
    span = Span(line, column, line, column + length)
    return Diagnostic("AS301", "a message", Source("agent.yaml", text), span, label, **more)


def promt(name: str = "agent.yaml", **more: Any) -> Diagnostic:
    label = "did you mean `prompt`?"
    return Diagnostic("AS201", "unknown key `promt`", Source(name, TEXT), Span(3, 7, 3, 14), label, **more)


def sarif(*diagnostics: Diagnostic) -> Any:
    log = json.loads(as_sarif(diagnostics, HERE, page))
    for validator in VALIDATORS:
        assert [str(error) for error in validator.iter_errors(log)] == []
    return log["runs"][0]


# JSON


def test_json_has_all_that_is_known() -> None:
    notes = (Note(Span(1, 1, 1, 10), "here"), Note(Span(2, 3, 2, 4), "there", Source("base.yaml", "a\nb c d")))
    [data] = json.loads(as_json([promt(fix="prompt", notes=notes)]))
    assert data == {
        "code": "AS201",
        "severity": "error",
        "message": "unknown key `promt`",
        "file": "agent.yaml",
        "line": 3,
        "column": 7,
        "end_line": 3,
        "end_column": 14,
        "label": "did you mean `prompt`?",
        "notes": [
            {"message": "here", "file": "agent.yaml", "line": 1, "column": 1, "end_line": 1, "end_column": 10},
            {"message": "there", "file": "base.yaml", "line": 2, "column": 3, "end_line": 2, "end_column": 4},
        ],
        "fix": {"text": "prompt", "line": 3, "column": 8, "end_line": 3, "end_column": 13},
        "docs": "agentspec explain AS201",
    }


def test_json_of_a_problem_of_the_whole_file_has_no_places() -> None:
    [data] = json.loads(as_json([Diagnostic("AS110", "m", Source("a", ""), None, severity=Severity.WARNING)]))
    assert (data["severity"], data["line"], data["end_column"], data["fix"]) == ("warning", None, None, None)


def test_json_of_no_problem_is_an_empty_list() -> None:
    assert json.loads(as_json([])) == []


def test_letters_stay_letters_in_json() -> None:
    assert "é – 日本" in as_json([Diagnostic("AS201", "é – 日本", Source("a", ""), None)])


# SARIF


def test_sarif_has_one_run_with_its_tool_and_its_rules() -> None:
    run = sarif(promt(), at("a: 1", 1, 1, 1), promt())
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("agentspec", VERSION)
    assert [rule["id"] for rule in driver["rules"]] == ["AS201", "AS301"]
    assert driver["rules"][0]["shortDescription"] == {"text": CODES["AS201"]}
    assert driver["rules"][0]["help"]["text"] == page("AS201")
    assert [result["ruleId"] for result in run["results"]] == ["AS201", "AS301", "AS201"]
    assert [driver["rules"][result["ruleIndex"]]["id"] for result in run["results"]] == ["AS201", "AS301", "AS201"]


def test_sarif_counts_columns_and_lines_as_the_spans_do() -> None:
    run = sarif(promt(severity=Severity.WARNING))
    assert run["columnKind"] == "unicodeCodePoints"
    assert set(run["newlineSequences"]) == {"\r\n", "\n", "\r"}
    [result] = run["results"]
    assert result["level"] == "warning"
    assert result["message"] == {"text": "unknown key `promt`: did you mean `prompt`?"}
    [location] = result["locations"]
    region = {"startLine": 3, "startColumn": 7, "endLine": 3, "endColumn": 14}
    assert location == {"physicalLocation": {"artifactLocation": {"uri": "agent.yaml"}, "region": region}}
    assert not {"fixes", "relatedLocations"} & result.keys()


def test_sarif_says_what_to_replace() -> None:
    [result] = sarif(promt(fix="prompt"))["results"]
    [fix] = result["fixes"]
    [change] = fix["artifactChanges"]
    assert change["artifactLocation"] == {"uri": "agent.yaml"}
    [replaced] = change["replacements"]
    assert replaced == {
        "deletedRegion": {"startLine": 3, "startColumn": 8, "endLine": 3, "endColumn": 13},
        "insertedContent": {"text": "prompt"},
    }


def test_a_fix_that_fits_no_word_is_left_out_of_sarif() -> None:
    [result] = sarif(at("a: message['bdy']", 1, 4, 14, fix="body"))["results"]
    assert "fixes" not in result


def test_sarif_names_the_places_of_notes() -> None:
    notes = (Note(Span(1, 1, 1, 10), "here"), Note(Span(2, 1, 2, 2), "there", Source("lib/base.yaml", "a\nb")))
    [result] = sarif(promt(notes=notes))["results"]
    here, there = result["relatedLocations"]
    assert here["message"] == {"text": "here"}
    assert here["physicalLocation"]["artifactLocation"] == {"uri": "agent.yaml"}
    assert there["physicalLocation"]["artifactLocation"] == {"uri": "lib/base.yaml"}
    assert there["physicalLocation"]["region"]["startLine"] == 2


def test_sarif_of_a_problem_of_the_whole_file_has_no_region() -> None:
    [result] = sarif(Diagnostic("AS110", "m", Source("a.yaml", ""), None))["results"]
    assert result["locations"] == [{"physicalLocation": {"artifactLocation": {"uri": "a.yaml"}}}]


def test_an_option_of_the_command_line_is_no_file() -> None:
    diagnostic = Diagnostic("AS501", "m", Source("--bind", "a=b"), Span(1, 3, 1, 4))
    [result] = sarif(diagnostic)["results"]
    assert result["locations"] == [{"logicalLocations": [{"name": "--bind"}]}]
    assert as_github(diagnostic, HERE) == "::error title=AS501::m"


def test_sarif_of_no_problem_has_an_empty_list() -> None:
    run = sarif()
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])


@pytest.mark.skipif(os.name != "posix", reason="the names are those of POSIX")
@pytest.mark.parametrize(
    ("name", "uri", "file"),
    [
        ("agents/a b.yaml", "agents/a%20b.yaml", "agents/a b.yaml"),
        ("./a.yaml", "a.yaml", "a.yaml"),
        ("x/../é#%.yaml", "%C3%A9%23%25.yaml", "é#%25.yaml"),
        ("c:d.yaml", "c%3Ad.yaml", "c%3Ad.yaml"),
        ("/home/here/sub/a.yaml", "sub/a.yaml", "sub/a.yaml"),
        ("../a.yaml", "file:///home/a.yaml", "../a.yaml"),
        ("/else/where.yaml", "file:///else/where.yaml", "/else/where.yaml"),
        ("a\udc80.yaml", "a%80.yaml", "a\\udc80.yaml"),
    ],
)
def test_files_are_named_as_seen_from_the_current_folder(name: str, uri: str, file: str) -> None:
    [result] = sarif(promt(name))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri
    assert as_github(promt(name), HERE).startswith(f"::error file={file},line=3,")


# GitHub


def test_github_commands_cannot_be_broken_out_of() -> None:
    diagnostic = Diagnostic(
        "AS301", "50% of\n::error::x\r", Source("a,b:c%.yaml", "a: 1"), Span(1, 4, 1, 5), severity=Severity.WARNING
    )
    assert as_github(diagnostic, HERE) == (
        "::warning file=a%2Cb%3Ac%25.yaml,line=1,endLine=1,col=4,endColumn=4,title=AS301::50%25 of%0A::error::x%0D"
    )


# all


@given(st.text(max_size=40), st.text(max_size=10), st.text(max_size=300), st.integers(1, 5), st.integers(1, 40))
def test_nothing_that_a_terminal_obeys_is_printed(message: str, name: str, text: str, line: int, column: int) -> None:
    name = f"a{name.replace(chr(0), '')}\x1b\x7f\x9b\u202e"
    span = Span(line, column, line, column + 3)
    note = Note(span, message)
    diagnostic = Diagnostic("AS201", message, Source(name, text), span, message, (note,), fix=message)
    for shown in (as_json([diagnostic]), as_sarif([diagnostic], HERE, page)):
        assert all(char == "\n" or char.isprintable() for char in shown)
        assert json.loads(shown)
    assert json.loads(as_json([diagnostic]))[0]["file"] == name
    assert as_github(diagnostic, HERE).isprintable()


@given(st.text(max_size=40))
def test_what_programs_pass_on_to_a_terminal_is_harmless_too(message: str) -> None:
    note = Note(Span(1, 1, 1, 2), message)
    diagnostic = Diagnostic("AS201", message, Source("a", "b"), Span(1, 1, 1, 2), message, (note,))
    [data] = json.loads(as_json([diagnostic]))
    assert f"{data['message']}{data['label']}{data['notes'][0]['message']}".isprintable()
    [result] = sarif(diagnostic)["results"]
    assert f"{result['message']['text']}{result['relatedLocations'][0]['message']['text']}".isprintable()


# The part of the SARIF 2.1.0 schema that these logs use, written from the standard (sections in comments).


def closed(required: str, **properties: Any) -> dict[str, Any]:
    names = required.split()
    return {"type": "object", "properties": properties, "required": names, "additionalProperties": False}


def listed(items: dict[str, Any], least: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least}


STRING = {"type": "string"}
COUNT = {"type": "integer", "minimum": 1}
MESSAGE = closed("text", text=STRING)  # 3.11
MULTIFORMAT = closed("text", text=STRING, markdown=STRING)  # 3.12
ARTIFACT = closed("uri", uri={"type": "string", "pattern": r"^[!-~]+$"})  # 3.4
REGION = closed("startLine", startLine=COUNT, startColumn=COUNT, endLine=COUNT, endColumn=COUNT)  # 3.30
PHYSICAL = closed("artifactLocation", artifactLocation=ARTIFACT, region=REGION)  # 3.29
LOGICAL = closed("name", name=STRING)  # 3.33
LOCATION = closed(
    "",
    id={"type": "integer", "minimum": -1},
    physicalLocation=PHYSICAL,
    logicalLocations=listed(LOGICAL),
    message=MESSAGE,
)  # 3.28
REPLACEMENT = closed("deletedRegion", deletedRegion=REGION, insertedContent=closed("", text=STRING))  # 3.57
CHANGE = closed("artifactLocation replacements", artifactLocation=ARTIFACT, replacements=listed(REPLACEMENT, 1))  # 3.56
RESULT = closed(
    "message",
    ruleId=STRING,
    ruleIndex={"type": "integer", "minimum": -1},
    level={"enum": ["none", "note", "warning", "error"]},
    message=MESSAGE,
    locations=listed(LOCATION),
    relatedLocations=listed(LOCATION),
    fixes=listed(closed("artifactChanges", description=MESSAGE, artifactChanges=listed(CHANGE, 1))),
)  # 3.27, 3.55
RULE = closed("id", id=STRING, shortDescription=MULTIFORMAT, help=MULTIFORMAT)  # 3.49
RUN = closed(
    "tool",
    tool=closed("driver", driver=closed("name", name=STRING, version=STRING, rules=listed(RULE))),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    newlineSequences=listed(STRING, 1),
    results=listed(RESULT),
)  # 3.14, 3.18, 3.19
LOG = closed("version runs", version={"const": "2.1.0"}, runs=listed(RUN), **{"$schema": STRING})  # 3.13
VALIDATORS = [jsonschema_rs.Draft202012Validator(LOG)]

# The whole schema is in the npm package `@microsoft/sarif-multitool-linux` as `sarif-2.1.0.json`.
if SCHEMA := os.environ.get("SARIF_SCHEMA"):
    VALIDATORS.append(jsonschema_rs.Draft202012Validator(json.loads(Path(SCHEMA).read_text("utf-8"))))
