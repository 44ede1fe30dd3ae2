"""Opening hours on Chinese days: tables of what was announced, and the library minute by minute on ordinary ones."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
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
        ("Mo-Fr 09:00-17:00; Sa-Su 10:00-12:00", "2026-09-20", [(540, 1020)]),
        ("Mo-Fr 09:00-17:00; Oct 9 off", "2026-10-10", [(540, 1020)]),  # dates are judged by the day itself
        ("Mo-Fr 09:00-17:00; Oct 10 off", "2026-10-10", []),
        ("Fr[2] 09:00-17:00", "2026-10-10", []),
        ("Mo-Fr 18:00-26:00; Sa 10:00-12:00", "2026-11-27", [(1080, 1560)]),  # Saturday's rule cuts nothing off
        ("Mo-Fr 18:00-26:00; Fr off", "2026-11-27", []),
        ("Mo 10:00-24:00; Tu 00:00-03:00; We 23:00-01:00", "2026-11-23", [(600, 1440)]),
        ("Mo-Fr 09:00-17:00, PH 10:00-12:00", "2026-10-01", [(600, 720)]),
        ("PH Sa-Su 10:00-16:00", "2026-10-01", [(600, 960)]),
        ("PH Sa-Su 10:00-16:00", "2026-10-03", [(600, 960)]),
        ("Mo-Fr 09:00-17:00; PH -1 day 09:00-12:00", "2026-09-30", [(540, 720)]),
        ("Mo-Fr 09:00-17:00; PH -1 day 09:00-12:00", "2026-09-29", [(540, 1020)]),
        ('Mo-Fr 09:00-17:00 "春节;PH 另行通知 8:00-9:00"', "2026-10-01", []),
        ('Mo-Fr 09:00-17:00 "春节;PH 另行通知 8:00-9:00"', "2026-09-30", [(540, 1020)]),
        ('24/7 "自助"', "2026-10-01", [(0, 1440)]),
        ("Mo-Fr 09:00-17:00; SH 09:00-12:00", "2026-10-02", []),
    ],
)
def test_hours_of_many_kinds(hours: str, day: str, expected: list[tuple[int, int]]) -> None:
    assert spans(hours, day) == (True, expected)


@pytest.mark.parametrize("hours", [None, "", "  ", "随时", "Mo-Fr 9 to 5", "Mo-Fr 25:99-26:00", "sunrise-sunset",
                                   '"请电话预约"', "Mo-Fr 09:00-17:00; SH 09:00-12:00", "unknown"])  # fmt: skip
def test_what_cannot_be_read_is_not_known(hours: str | None) -> None:
    assert day_hours(hours, [], date(2026, 11, 25), CALENDAR) == NOT_KNOWN


def test_an_exception_counts_before_all_else() -> None:
    day = date(2026, 11, 25)
    assert spans(ORDINARY, "2026-11-25", HourException(day, None, "停电")) == (True, [])
    assert spans("24/7", "2026-11-25", HourException(day, None)) == (True, [])
    assert spans(None, "2026-10-01", HourException(date(2026, 10, 1), "PH 09:00-12:00")) == (True, [(540, 720)])
    assert spans(ORDINARY, "2026-11-26", HourException(day, None)) == (True, [(540, 1020)])


NAMES = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")


@dataclass(frozen=True)
class Rule:
    """A rule of hours as its parts: how it is joined to the one before, on which days, and from when to when."""

    added: bool
    first: int
    last: int
    ph: bool
    spans: tuple[tuple[int, int], ...]

    def text(self) -> str:
        times = ",".join(f"{a // 60:02d}:{a % 60:02d}-{b // 60:02d}:{b % 60:02d}" for a, b in self.spans)
        return f"{NAMES[self.first]}-{NAMES[self.last]}{',PH' if self.ph else ''} {times or 'off'}"

    def holds(self, day: date) -> bool:
        kind, weekday = CALENDAR.kind_of(day), day.weekday()
        if kind is DayKind.HOLIDAY:
            return self.ph
        if kind is DayKind.MAKEUP_WORKDAY:
            weekday = {5: 4, 6: 0}[weekday]
        return weekday in {(self.first + k) % 7 for k in range((self.last - self.first) % 7 + 1)}


@st.composite
def rules(draw: st.DrawFn) -> list[Rule]:
    made = []
    for k in range(draw(st.integers(1, 3))):
        cuts = sorted(draw(st.sets(st.integers(0, 1439), min_size=2, max_size=4)))
        spans = [(a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
        if draw(st.booleans()):
            spans.append((1439, 1440 + draw(st.integers(1, 1400))))  # beyond midnight
        added = k > 0 and bool(spans) and draw(st.booleans())
        is_off = not added and draw(st.integers(0, 5)) == 0
        made.append(Rule(added, draw(st.integers(0, 6)), draw(st.integers(0, 6)), draw(st.booleans()), ()
                         if is_off else tuple(spans)))  # fmt: skip
    return made


def minutes_of(made: list[Rule], day: date) -> set[int]:
    """The minutes of one day, by the rules alone: a rule takes the place of those before it, or adds to them."""
    held: set[int] = set()
    for rule in made:
        if rule.holds(day):
            own = {minute for a, b in rule.spans for minute in range(a, b)}
            held = held | own if rule.added else own
    return held


@given(rules(), st.dates(date(2026, 1, 2), date(2026, 12, 30)), st.sampled_from(["any", "odd"]), st.data())
@settings(max_examples=300, deadline=None)
def test_every_minute_is_what_the_rules_say(made: list[Rule], day: date, which: str, data: st.DataObject) -> None:
    """Holidays, make-up workdays and what reaches past midnight, against sets of minutes in plain Python."""
    if which == "odd":
        day = data.draw(st.sampled_from([date(2026, 9, 20), date(2026, 10, 10), date(2026, 10, 3), date(2026, 2, 17)]))
    hours = made[0].text() + "".join((", " if rule.added else "; ") + rule.text() for rule in made[1:])
    here, before = minutes_of(made, day), minutes_of(made, day - timedelta(days=1))
    if not any(rule.ph for rule in made):
        assert CALENDAR.kind_of(day) is not DayKind.HOLIDAY or not here
    found = day_hours(hours, [], day, CALENDAR)
    assert found.state_known
    assert [m for a, b in found.intervals for m in range(a, b)] == sorted(here), hours
    for minute in (0, 719, 1439, data.draw(st.integers(0, 1439))):
        moment = datetime(day.year, day.month, day.day, tzinfo=TIME_ZONE) + timedelta(minutes=minute)
        state, until = state_at(lambda one: day_hours(hours, [], one, CALENDAR), moment)
        assert (state is OpenState.OPEN) == (minute in here or minute + 1440 in before), hours
        if until is not None:
            last = state_at(lambda one: day_hours(hours, [], one, CALENDAR), until - timedelta(minutes=1))[0]
            then = state_at(lambda one: day_hours(hours, [], one, CALENDAR), until)[0]
            assert last is state and then is not state and until > moment


@given(
    st.lists(
        st.sampled_from([
            "Mo", "Fr", "-", ",", ", ", "; ", " ", " || ", "PH", "SH", "PH -1 day", "Sa[1]", "09:00-17:00",
            "22:00-26:00", "18:00+", "10:00-10:00", "off", "unknown", '"预约;PH"', "24/7", "Jul-Aug", "Oct 9",
            "week 2-40/2", "2026", "sunset", "00:00-48:00",
        ]), min_size=1, max_size=9,
    ).map("".join),
    st.dates(date(2004, 1, 1), date(2030, 12, 31)),
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_whatever_is_written_never_fails(hours: str, day: date) -> None:
    found = day_hours(hours, [HourException(day + timedelta(days=1), hours)], day, CALENDAR)
    day_hours(hours, [HourException(day, hours)], day, CALENDAR)
    bounds = [minute for span in found.intervals for minute in span]
    assert bounds == sorted(bounds) and all(0 <= a < 1440 and a < b <= 2880 for a, b in found.intervals)
    if not opening_hours.validate(hours):
        assert found == NOT_KNOWN


@given(rules(), st.sampled_from(["", "Jul-Aug ", "Nov 2-Nov 12 ", "week 46-47 ", "2026 "]), st.integers(0, 27))
@settings(max_examples=100, deadline=None)
def test_ordinary_days_are_the_librarys(made: list[Rule], when: str, after: int) -> None:
    """November 2026 has no holiday: within a day, every quarter of an hour is what the library says."""
    hours = "; ".join(when + rule.text() for rule in made if all(b <= 1440 for _, b in rule.spans))
    if not hours:
        return
    day, parsed = date(2026, 11, 2) + timedelta(days=after), opening_hours.OpeningHours(hours)
    found = day_hours(hours, [], day, CALENDAR).intervals
    for minute in range(0, 1440, 15):
        plain = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)
        assert any(a <= minute < b for a, b in found) == parsed.is_open(plain), (hours, plain)


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
