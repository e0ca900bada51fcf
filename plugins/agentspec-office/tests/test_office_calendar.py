"""Events and free slots of an iCalendar file."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from agentspec_office.calendar import CalendarOptions, calendar
from hypothesis import given, settings
from hypothesis import strategies as st
from office_tools import SAMPLES, call
from pydantic import ValidationError

from agentspec.api import InvalidValue, ToolContext, ToolError

Make = Callable[..., ToolContext]
SAMPLE = str(SAMPLES / "calendar.ics")


def options(file: str = SAMPLE, **more: Any) -> CalendarOptions:
    return CalendarOptions.model_validate({"file": file, **more})


def written(folder: Path, *lines: str) -> str:
    text = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:test", *lines, "END:VCALENDAR", ""]
    (folder / "a.ics").write_text("\r\n".join(text), newline="")
    return "a.ics"


def event(start: str, end: str, *more: str) -> list[str]:
    return ["BEGIN:VEVENT", "UID:1", "SUMMARY:x", f"DTSTART{start}", f"DTEND{end}", *more, "END:VEVENT"]


def slots(context: ToolContext, day: str, **more: Any) -> list[str]:
    return [slot["text"] for slot in call(calendar, "free", context, day=day, **more)]


def summaries(context: ToolContext, start: str, end: str) -> list[str]:
    return [found["summary"] for found in call(calendar, "events", context, start=start, end=end)]


def test_events_of_a_day_come_in_order_and_in_the_zone_of_the_toolset(context: Make) -> None:
    found = call(calendar, "events", context(options()), start="2026-03-12", end="2026-03-12")
    assert [(entry["start"], entry["summary"]) for entry in found] == [
        ("2026-03-12T08:45:00+01:00", "Workshop walk-through"),
        ("2026-03-12T14:00:00+01:00", "Steering group"),
        ("2026-03-12T15:00:00+01:00", "Phone: Carol Whitfield"),
    ]
    assert found[1]["location"] == "Large meeting room"


def test_series_skip_their_exceptions_and_follow_moved_days(context: Make) -> None:
    mondays = [
        entry["start"]
        for entry in call(calendar, "events", context(options()), start="2026-03-09", end="2026-03-30")
        if entry["summary"].startswith("Team Monday")
    ]
    assert mondays == ["2026-03-09T09:30:00+01:00", "2026-03-16T10:00:00+01:00", "2026-03-30T09:30:00+02:00"]


def test_cancelled_entries_are_left_out_and_transparent_ones_do_not_take_time(context: Make) -> None:
    assert "Call: Rachel Adeyemi" not in summaries(context(options()), "2026-03-10", "2026-03-10")
    festival = call(calendar, "events", context(options()), start="2026-03-18", end="2026-03-18")[0]
    assert (festival["all_day"], festival["busy"]) == (True, False)
    assert slots(context(options()), "2026-03-10", minutes=240, count=1) == ["Tue 10 March, 11:00-15:00"]
    assert slots(context(options()), "2026-03-18", count=1) == ["Wed 18 March, 09:45-10:15"]


def test_first_free_slots_lie_between_the_events(context: Make) -> None:
    assert slots(context(options()), "2026-03-10") == [
        "Tue 10 March, 09:15-09:45",
        "Tue 10 March, 11:00-11:30",
        "Tue 10 March, 11:30-12:00",
    ]


def test_a_full_day_and_a_weekend_lead_to_the_next_working_day(context: Make) -> None:
    assert slots(context(options()), "2026-03-11", count=1) == ["Thu 12 March, 09:15-09:45"]
    assert slots(context(options()), "2026-03-14", count=2) == [
        "Mon 16 March, 09:15-09:45",
        "Mon 16 March, 10:30-11:00",
    ]


def test_all_day_events_block_their_days_and_the_day_after_is_free(context: Make) -> None:
    assert slots(context(options()), "2026-03-20", count=1) == ["Mon 23 March, 09:00-09:30"]
    assert slots(context(options()), "2026-03-26", count=1) == ["Mon 30 March, 09:00-09:30"]


def test_another_zone_shifts_the_working_day(context: Make) -> None:
    new_york = context(options(timezone="America/New_York"))
    assert slots(new_york, "2026-03-12", count=1) == ["Thu 12 March, 10:45-11:15"]
    assert slots(new_york, "2026-03-25", count=1) == ["Wed 25 March, 09:00-09:30"]


def test_working_hours_are_an_option(context: Make) -> None:
    early = context(options(**{"from": "07:00", "to": "09:00"}))
    assert slots(early, "2026-03-10", minutes=60, count=2) == [
        "Tue 10 March, 07:00-08:00",
        "Wed 11 March, 07:00-08:00",
    ]


def test_hours_over_a_clock_change_are_real_hours(context: Make, tmp_path: Path) -> None:
    night = ["BEGIN:VEVENT", "UID:n", "DTSTART:20260329T003000Z", "DTEND:20260329T013000Z", "END:VEVENT"]
    found = call(calendar, "events", context(options(written(tmp_path, *night))), start="2026-03-29", end="2026-03-29")
    assert (found[0]["start"], found[0]["end"]) == ("2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00")


def test_no_slot_at_all_is_an_empty_list(context: Make, tmp_path: Path) -> None:
    file = written(tmp_path, *event(";VALUE=DATE:20260101", ";VALUE=DATE:20270101"))
    assert slots(context(options(file)), "2026-03-10") == []


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        (event(":not-a-date", ":20260310T110000"), "line 4"),
        (event(":20260310T100000", ":20260310T110000", "RRULE:FREQ=SOMETIMES"), "line 4"),
        (event(":20260310T100000", ":20260310T110000", "RRULE:FREQ=WEEKLY;INTERVAL=0"), "line 4"),
        (event(":20260310T100000", ":20260310T110000", "RRULE:FREQ=SECONDLY"), "line 4"),
        (event(";TZID=Nowhere/At_All:20260310T100000", ":20260310T110000"), "Nowhere/At_All"),
        (event(":20260310T100000", ":20260310T110000", "*garbage*"), "line 9"),
        (["BEGIN:VEVENT", "UID:1", "END:VEVENT"], "line 4"),
        (["BEGIN:VEVENT", "UID:1", "DTSTART:20260310T100000"], "line 7"),
    ],
)
def test_a_malformed_calendar_is_an_error_with_its_place(
    lines: list[str], place: str, context: Make, tmp_path: Path
) -> None:
    with pytest.raises(ToolError) as caught:
        slots(context(options(written(tmp_path, *lines))), "2026-03-10")
    assert place in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("content", [b"", b"hello", b"\x00\xff\xfe", b"BEGIN:VCALENDAR\n", b"END:VCALENDAR\n"])
def test_what_is_no_calendar_is_an_error(content: bytes, context: Make, tmp_path: Path) -> None:
    (tmp_path / "a.ics").write_bytes(content)
    with pytest.raises(ToolError):
        summaries(context(options("a.ics")), "2026-03-10", "2026-03-10")


def test_a_missing_file_a_folder_and_a_path_outside_are_errors(context: Make, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for file in ("none.ics", "folder", "../../etc/hosts"):
        with pytest.raises(ToolError) as caught:
            summaries(context(options(file)), "2026-03-10", "2026-03-10")
        assert caught.value.hint


def test_senseless_questions_are_refused(context: Make) -> None:
    with pytest.raises(ToolError, match="do not fit"):
        slots(context(options()), "2026-03-10", minutes=600)
    with pytest.raises(ToolError, match="span"):
        summaries(context(options()), "2026-03-10", "2026-03-09")
    with pytest.raises(InvalidValue):
        slots(context(options()), "next workday")


def test_the_edges_of_the_calendar_are_no_crash(context: Make) -> None:
    for day in ("0001-01-01", "9999-12-31"):
        with pytest.raises(ToolError):
            slots(context(options()), day)


def test_options_are_checked(context: Make) -> None:
    for wrong in ({"timezone": "Mars/Base"}, {"from": "18:00"}, {"to": "late"}, {"zone": "UTC"}):
        with pytest.raises(ValidationError):
            options(**wrong)


def test_a_changed_file_is_read_again(context: Make, tmp_path: Path) -> None:
    made = context(options(written(tmp_path, *event(":20260310T090000", ":20260310T100000"))))
    assert slots(made, "2026-03-10", count=1) == ["Tue 10 March, 10:00-10:30"]
    written(tmp_path, *event(":20260310T090000", ":20260310T113000"), "X-NOTE:longer")
    assert slots(made, "2026-03-10", count=1) == ["Tue 10 March, 11:30-12:00"]


BUSY = st.lists(st.tuples(st.integers(0, 4 * 24 * 60), st.integers(0, 600)), max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    busy=BUSY,
    minutes=st.integers(5, 480),
    count=st.integers(1, 8),
    zone=st.sampled_from(["Europe/Berlin", "Asia/Tokyo"]),
)
def test_slots_never_overlap_events_or_each_other(
    tmp_path_factory: pytest.TempPathFactory, busy: list[tuple[int, int]], minutes: int, count: int, zone: str
) -> None:
    folder = tmp_path_factory.mktemp("free")
    monday = datetime(2026, 3, 9, tzinfo=ZoneInfo("UTC"))
    taken = [(monday + timedelta(minutes=at), monday + timedelta(minutes=at + long)) for at, long in busy]
    lines = [
        line
        for number, (start, end) in enumerate(taken)
        for line in (
            "BEGIN:VEVENT",
            f"UID:{number}",
            f"DTSTART:{start:%Y%m%dT%H%M%SZ}",
            f"DTEND:{end:%Y%m%dT%H%M%SZ}",
            "END:VEVENT",
        )
    ]
    made = ToolContext(options(written(folder, *lines), timezone=zone), folder, folder)
    found = [
        (datetime.fromisoformat(slot["start"]), datetime.fromisoformat(slot["end"]))
        for slot in call(calendar, "free", made, day="2026-03-09", minutes=minutes, count=count)
    ]
    assert len(found) == count
    for index, (start, end) in enumerate(found):
        assert end - start == timedelta(minutes=minutes)
        assert start.weekday() < 5
        assert (9, 0) <= (start.hour, start.minute) < (end.hour, end.minute) <= (17, 0)
        assert all(until <= start or since >= end for since, until in taken if since < until)
        assert index == 0 or found[index - 1][1] <= start
