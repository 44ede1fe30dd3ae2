"""Opening hours on Chinese days: open, closed, or not known, exact to the minute.

Hours are written in the syntax of OpenStreetMap's ``opening_hours``, and their weekdays mean ordinary weeks. What a day
is (statutory holiday, make-up workday 调休, weekend, workday) is decided first, by what the State Council announced for
its year; only then are the hours read, by the library of the same name, which knows no make-up workdays:

- an exception of that very day counts before all else, also in a year that is not announced;
- ``24/7`` is open always;
- on a statutory holiday (weekends within it included) only rules that name PH count: hours without any are closed;
- a make-up workday counts as the workday beside it, a Saturday as its Friday, a Sunday as its Monday;
- in a year that is not announced nothing is known; nor where no hours are on record, or none that can be read.

All days and minutes are those of Guangzhou (Asia/Shanghai), whatever the zone of the server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from chinese_calendar import constants
from opening_hours import OpeningHours, validate

TIME_ZONE = ZoneInfo("Asia/Shanghai")
DAY_MINUTES = 1440
LOOK_AHEAD_DAYS = 14
ALWAYS = re.compile(r"\s*24/7\s*(open\s*)?").fullmatch
PUBLIC_HOLIDAY = re.compile(r"\bPH\b")
SPAN = re.compile(r"(\d{1,2}):(\d{2})(\s*-\s*)(\d{1,2}):(\d{2})")
WEEKDAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")


class OpenState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class DayKind(StrEnum):
    WORKDAY = "workday"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"  # 法定节假日, with the rest days around it
    MAKEUP_WORKDAY = "makeup_workday"  # 调休上班
    UNANNOUNCED = "unannounced"


@dataclass(frozen=True)
class CalendarYear:
    """What is announced for one year: holidays with their names ('' where there is none), and weekends worked."""

    year: int
    holidays: Mapping[date, str]
    workdays: frozenset[date]


@dataclass(frozen=True)
class Calendar:
    """The years that are announced."""

    years: Mapping[int, CalendarYear] = field(default_factory=dict)

    @classmethod
    def of_library(cls) -> Calendar:
        """What the package chinesecalendar knows."""
        return _of_library()

    def with_years(self, years: Iterable[CalendarYear]) -> Calendar:
        """The same with some years added or replaced."""
        return Calendar({**self.years, **{one.year: one for one in years}})

    def is_announced(self, year: int) -> bool:
        return year in self.years

    def kind_of(self, day: date) -> DayKind:
        known = self.years.get(day.year)
        if known is None:
            return DayKind.UNANNOUNCED
        if day in known.holidays:
            return DayKind.HOLIDAY
        if day in known.workdays:
            return DayKind.MAKEUP_WORKDAY
        return DayKind.WEEKEND if day.weekday() >= 5 else DayKind.WORKDAY

    def holiday_name(self, day: date) -> str | None:
        """The name of the holiday that a day belongs to; None on any other day."""
        known = self.years.get(day.year)
        return None if known is None else known.holidays.get(day)


@lru_cache(maxsize=1)
def _of_library() -> Calendar:
    holidays = {day: _chinese_name(name) for day, name in constants.holidays.items()}
    workdays = frozenset(constants.workdays)
    years = {day.year for day in holidays}
    return Calendar({
        year: CalendarYear(
            year,
            {day: name for day, name in holidays.items() if day.year == year},
            frozenset(day for day in workdays if day.year == year),
        )
        for year in years
    })  # fmt: skip


def _chinese_name(name: str) -> str:
    for member in constants.Holiday:
        if member.value == name:
            return str(member.chinese)
    return name


@dataclass(frozen=True)
class HourException:
    """One day on which a station keeps other hours; None: it is closed."""

    day: date
    hours: str | None
    note: str | None = None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> HourException:
        return cls(date.fromisoformat(value["date"]), value.get("hours"), value.get("note"))


@dataclass(frozen=True)
class DayHours:
    """When a place is open on a day: pairs of minutes from its midnight, ascending and apart.

    A pair that reaches past midnight ends beyond DAY_MINUTES. Where not ``state_known``, it may be open at other times,
    too.
    """

    state_known: bool
    intervals: tuple[tuple[int, int], ...]


NOT_KNOWN = DayHours(False, ())
CLOSED_ALL_DAY = DayHours(True, ())
OPEN_ALL_DAY = DayHours(True, ((0, DAY_MINUTES),))


def day_hours(hours: str | None, exceptions: Sequence[HourException], day: date, calendar: Calendar) -> DayHours:
    """The hours of one day by the rules above. Never raises: what cannot be read is not known."""
    for exception in exceptions:
        if exception.day == day:
            return CLOSED_ALL_DAY if exception.hours is None else _read_on(_named_holidays(exception.hours, day), day)
    if hours is None or not hours.strip():
        return NOT_KNOWN
    if ALWAYS(hours):
        return OPEN_ALL_DAY
    kind = calendar.kind_of(day)
    if kind is DayKind.UNANNOUNCED:
        return NOT_KNOWN
    if kind is DayKind.HOLIDAY:
        rules = [rule for rule in hours.split(";") if PUBLIC_HOLIDAY.search(rule)]
        return _read_on(_named_holidays(";".join(rules), day), day) if rules else CLOSED_ALL_DAY
    if kind is DayKind.MAKEUP_WORKDAY:
        return _read_on(hours, day + timedelta(days=-1 if day.weekday() == 5 else 1))
    return _read_on(hours, day)


def _named_holidays(hours: str, day: date) -> str:
    """The hours with PH read as the weekday that the holiday falls on."""
    return PUBLIC_HOLIDAY.sub(WEEKDAYS[day.weekday()], hours)


@lru_cache(maxsize=8192)
def _read_on(hours: str, day: date) -> DayHours:
    """What hours say of a plain day, as if there were no holidays."""
    parsed = _parsed(hours)
    if parsed is None:
        return NOT_KNOWN
    within, whole, over = parsed
    try:
        found = [
            (_minute(begin, day), _minute(end, day), str(state)) for begin, end, state, *_ in within.intervals(
                _midnight(day), _midnight(day + timedelta(days=1))
            )
        ]  # fmt: skip
    except (ValueError, OverflowError):
        return NOT_KNOWN
    is_known = all(state != OpenState.UNKNOWN for _, _, state in found)
    spans = [(begin, end) for begin, end, state in found if state == OpenState.OPEN and begin < end]
    if spans and over and spans[-1][1] == DAY_MINUTES:
        spans[-1] = spans[-1][0], _past_midnight(whole, day, over)
    return DayHours(is_known, tuple(spans))


@lru_cache(maxsize=4096)
def _parsed(hours: str) -> tuple[OpeningHours, OpeningHours, int] | None:
    """Hours cut at midnight, hours as written, and how many minutes they reach past midnight; None: not readable."""
    over = 0

    def cut(span: re.Match[str]) -> str:
        nonlocal over
        begin, end = int(span[1]) * 60 + int(span[2]), int(span[4]) * 60 + int(span[5])
        if end > DAY_MINUTES or (end <= begin and end < DAY_MINUTES):
            over = max(over, end % DAY_MINUTES if end != begin else begin)
            return f"{span[1]}:{span[2]}{span[3]}24:00"
        return span[0]

    within = SPAN.sub(cut, hours)
    if not validate(hours) or not validate(within):
        return None
    return OpeningHours(within), OpeningHours(hours), over


def _past_midnight(whole: OpeningHours, day: date, over: int) -> int:
    """Where an interval ends that reaches midnight: there, or beyond it, as the hours as written say."""
    late = datetime(day.year, day.month, day.day, 23, 59)
    if str(whole.state(_midnight(day + timedelta(days=1)))[0]) != OpenState.OPEN:
        return DAY_MINUTES
    change = whole.next_change(late)
    return DAY_MINUTES + over if change is None else min(_minute(change, day), DAY_MINUTES + over)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)


def _minute(moment: datetime, day: date) -> int:
    return int((moment - _midnight(day)).total_seconds()) // 60


def state_at(hours_of: Callable[[date], DayHours], moment: datetime) -> tuple[OpenState, datetime | None]:
    """Open, closed or unknown at a moment (of any zone), and until when.

    ``until`` is the end of the stretch of open time, also over midnight, or the next opening; None where that is more
    than LOOK_AHEAD_DAYS away, or an unknown day comes first.
    """
    local = moment.astimezone(TIME_ZONE)
    today, minute = local.date(), local.hour * 60 + local.minute
    yesterday = [(a - DAY_MINUTES, b - DAY_MINUTES) for a, b in hours_of(today - timedelta(days=1)).intervals]
    here = hours_of(today)
    spans = [*yesterday, *here.intervals]
    ends = [end for begin, end in spans if begin <= minute < end]
    if not ends and not here.state_known:
        return OpenState.UNKNOWN, None
    until, ahead = max(ends, default=minute), 0
    while ahead <= LOOK_AHEAD_DAYS:
        if ends:
            joined = max((b for a, b in spans if a <= until < b), default=None)
            if joined is not None:
                until = joined
                continue
            if until < (ahead + 1) * DAY_MINUTES:
                return OpenState.OPEN, _at(today, until)
        else:
            openings = [a for a, b in spans if a > minute]
            if openings:
                return OpenState.CLOSED, _at(today, min(openings))
        ahead += 1
        day = hours_of(today + timedelta(days=ahead))
        if not day.state_known:
            return (OpenState.OPEN, _at(today, until)) if ends and until > minute else (OpenState.CLOSED, None)
        spans += [(a + ahead * DAY_MINUTES, b + ahead * DAY_MINUTES) for a, b in day.intervals]
    return (OpenState.OPEN if ends else OpenState.CLOSED), None


def _at(day: date, minute: int) -> datetime:
    """Minutes from a day's midnight as a moment. China has no summer time: a day has 1,440 of them."""
    return datetime(day.year, day.month, day.day, tzinfo=TIME_ZONE) + timedelta(minutes=minute)
