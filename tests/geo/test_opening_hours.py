"""Opening hours on Chinese days: tables of what was announced, and the library minute by minute on ordinary ones."""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, date, datetime, timedelta

import opening_hours
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.geo.opening_hours import (
    NOT_KNOWN,
    TIME_ZONE,
    Calendar,
    CalendarYear,
    DayKind,
    HourException,
    OpenState,
    day_hours,
    state_at,
)

CALENDAR = Calendar.of_library()
ORDINARY = "Mo-Fr 09:00-17:00"


def spans(hours: str | None, day: str, *exceptions: HourException) -> tuple[bool, list[tuple[int, int]]]:
    found = day_hours(hours, exceptions, date.fromisoformat(day), CALENDAR)
    return found.state_known, list(found.intervals)


@pytest.mark.parametrize(
    ("day", "kind", "is_open"),
    [
        ("2026-09-30", DayKind.WORKDAY, True),
        *((f"2026-10-0{k}", DayKind.HOLIDAY, False) for k in range(1, 8)),  # 国庆节, weekend included
        ("2026-10-08", DayKind.WORKDAY, True),
        ("2026-10-10", DayKind.MAKEUP_WORKDAY, True),  # a Saturday
        ("2026-09-20", DayKind.MAKEUP_WORKDAY, True),  # a Sunday
        ("2026-10-11", DayKind.WEEKEND, False),
        ("2026-02-16", DayKind.HOLIDAY, False),  # 除夕
        ("2026-02-23", DayKind.HOLIDAY, False),
        ("2026-02-14", DayKind.MAKEUP_WORKDAY, True),
        ("2025-10-11", DayKind.MAKEUP_WORKDAY, True),
    ],
)
def test_ordinary_hours(day: str, kind: DayKind, is_open: bool) -> None:
    assert CALENDAR.kind_of(date.fromisoformat(day)) is kind
    assert spans(ORDINARY, day) == (True, [(540, 1020)] if is_open else [])


def test_a_year_not_announced_is_unknown_but_for_what_is_certain() -> None:
    for day in ("2028-03-01", "2031-10-01"):
        assert CALENDAR.kind_of(date.fromisoformat(day)) is DayKind.UNANNOUNCED
        assert spans(ORDINARY, day) == (False, [])
        assert spans("24/7", day) == (True, [(0, 1440)])
        assert spans(ORDINARY, day, HourException(date.fromisoformat(day), "10:00-12:00")) == (True, [(600, 720)])
    own = CALENDAR.with_years([CalendarYear(2028, {date(2028, 10, 2): "国庆节"}, frozenset({date(2028, 10, 7)}))])
    assert day_hours(ORDINARY, [], date(2028, 3, 1), own).intervals == ((540, 1020),)
    assert day_hours(ORDINARY, [], date(2028, 10, 2), own).intervals == ()
    assert day_hours(ORDINARY, [], date(2028, 10, 7), own).intervals == ((540, 1020),)


@pytest.mark.parametrize(
    ("hours", "day", "expected"),
    [
        ("Mo-Fr 09:00-17:00; PH off", "2026-10-01", []),
        ("Mo-Su,PH 09:00-21:00", "2026-10-01", [(540, 1260)]),
        ("Mo-Fr 09:00-17:00; PH 10:00-16:00", "2026-10-01", [(600, 960)]),
        ("PH off; Mo-Fr 09:00-17:00", "2026-10-01", []),
        ("Mo-Su 09:00-21:00", "2026-10-01", []),
        ("24/7", "2026-10-01", [(0, 1440)]),
        ("Mo-Fr 22:00-26:00", "2026-11-25", [(1320, 1560)]),
        ("Mo-Fr 18:00-02:00", "2026-11-27", [(1080, 1560)]),
        ("Mo-Fr 18:00-02:00", "2026-11-28", []),
        ("Mo-Th 18:00-24:00; Fr 18:00-26:00", "2026-11-26", [(1080, 1440)]),
        ("Jul-Aug Mo-Fr 10:00-16:00", "2026-11-25", []),
        ("Mo-Fr 09:00-12:00,14:00-17:30", "2026-10-10", [(540, 720), (840, 1050)]),
        ("Mo-Fr 09:00-17:00; Sa 10:00-12:00", "2026-10-10", [(540, 1020)]),  # a Friday's hours
    ],
)
def test_hours_of_many_kinds(hours: str, day: str, expected: list[tuple[int, int]]) -> None:
    assert spans(hours, day) == (True, expected)


@pytest.mark.parametrize("hours", [None, "", "  ", "随时", "Mo-Fr 9 to 5", "Mo-Fr 25:99-26:00"])
def test_what_cannot_be_read_is_not_known(hours: str | None) -> None:
    assert day_hours(hours, [], date(2026, 11, 25), CALENDAR) == NOT_KNOWN


def test_an_exception_counts_before_all_else() -> None:
    day = date(2026, 11, 25)
    assert spans(ORDINARY, "2026-11-25", HourException(day, None, "停电")) == (True, [])
    assert spans("24/7", "2026-11-25", HourException(day, None)) == (True, [])
    assert spans(None, "2026-10-01", HourException(date(2026, 10, 1), "PH 09:00-12:00")) == (True, [(540, 720)])
    assert spans(ORDINARY, "2026-11-26", HourException(day, None)) == (True, [(540, 1020)])


CLOCKS = st.integers(0, 23 * 60)


@st.composite
def plain_hours(draw: st.DrawFn) -> str:
    rules = []
    for _ in range(draw(st.integers(1, 3))):
        first, last = sorted(draw(st.lists(st.integers(0, 6), min_size=2, max_size=2)))
        begin = draw(CLOCKS)
        end = begin + draw(st.integers(1, 1200))
        names = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
        rules.append(f"{names[first]}-{names[last]} {begin // 60:02d}:{begin % 60:02d}-{end // 60:02d}:{end % 60:02d}")
    return "; ".join(rules)


@given(plain_hours(), st.integers(0, 30), st.integers(0, 1439))
@settings(max_examples=300, deadline=None)
def test_ordinary_days_are_the_librarys(hours: str, after: int, minute: int) -> None:
    """November 2026 has no holiday: open or not at any minute is what the library says, midnight or not."""
    if not opening_hours.validate(hours):
        return
    moment = datetime(2026, 11, 2, tzinfo=TIME_ZONE) + timedelta(days=after % 28, minutes=minute)
    state, until = state_at(lambda day: day_hours(hours, [], day, CALENDAR), moment)
    parsed, plain = opening_hours.OpeningHours(hours), moment.replace(tzinfo=None)
    # the library lets the next day's rule cut what reaches past midnight: only then may the two differ
    reaches = any(int(clock[:2]) >= 24 for clock in re.findall(r"-(\d\d:\d\d)", hours))
    if not reaches:
        assert (state is OpenState.OPEN) == parsed.is_open(plain)
    if until is not None:
        before = state_at(lambda day: day_hours(hours, [], day, CALENDAR), until - timedelta(minutes=1))[0]
        then = state_at(lambda day: day_hours(hours, [], day, CALENDAR), until)[0]
        assert before is state and then is not state and until > moment.replace(second=0)


def test_until_when() -> None:
    def at(text: str, hours: str = ORDINARY) -> tuple[str, str | None]:
        moment = datetime.fromisoformat(text).replace(tzinfo=TIME_ZONE)
        state, until = state_at(lambda day: day_hours(hours, [], day, CALENDAR), moment)
        return state.value, None if until is None else until.isoformat()[:16]

    assert at("2026-11-25T16:59:59") == ("open", "2026-11-25T17:00")
    assert at("2026-11-25T17:00") == ("closed", "2026-11-26T09:00")
    assert at("2026-09-30T18:00") == ("closed", "2026-10-08T09:00")  # over the whole holiday
    assert at("2026-12-31T18:00") == ("closed", None)  # 2027 is not announced
    assert at("2027-01-05T10:00") == ("unknown", None)
    assert at("2026-11-25T12:00", "24/7") == ("open", None)
    assert at("2026-11-28T01:30", "Mo-Fr 18:00-02:00") == ("open", "2026-11-28T02:00")
    assert at("2026-11-25T23:00", "Mo-Su 00:00-24:00")[0] == "open"


def test_the_zone_of_the_server_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2026, 11, 25, 1, 30, tzinfo=UTC)  # half past nine in Guangzhou
    seen = []
    try:
        for zone in ("UTC", "America/Los_Angeles", "Pacific/Auckland"):
            monkeypatch.setitem(os.environ, "TZ", zone)
            time.tzset()
            seen.append(state_at(lambda day: day_hours(ORDINARY, [], day, CALENDAR), moment))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert seen[0][0] is OpenState.OPEN and seen.count(seen[0]) == 3
