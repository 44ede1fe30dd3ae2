"""Opening hours on Chinese days: open, closed, or not known, exact to the minute.

Hours are written in the syntax of OpenStreetMap's ``opening_hours``, and their weekdays mean ordinary weeks. What a day
is (statutory holiday, make-up workday 调休, weekend, workday) is decided first, by what the State Council announced for
its year; only then are the hours read, by the library of the same name, which knows no make-up workdays:

- an exception of that very day counts before all else, also in a year that is not announced;
- ``24/7`` is open always;
- on a statutory holiday (weekends within it included) only rules that name PH count: hours without any are closed;
- a make-up workday counts as the workday beside it, a Saturday as its Friday, a Sunday as its Monday;
- in a year that is not announced nothing is known; nor where no hours are on record, or none that can be read (times
  of the sun are not), or where a school holiday (SH) would matter: those are announced to nobody.

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
ALWAYS = "24/7"
MARK = '"-"'
COMMENT = re.compile(r'"[^"]*"')
BARE_COMMENT = re.compile(rf"((?:^|;|\|\|)\s*){MARK}(?=\s*(?:$|;|\|\|))")
SUN = re.compile(r"sunrise|sunset|dawn|dusk")
RULES = re.compile(r"(; | \|\| |, )")  # between rules, as the library writes them; lists have no space
PUBLIC_HOLIDAY, SCHOOL_HOLIDAY = re.compile(r"\bPH\b"), re.compile(r"\bSH\b")
WEEKDAY = "Mo|Tu|We|Th|Fr|Sa|Su"
DAY_ITEM = re.compile(
    rf"\b(?:(PH|SH)(?: ([+-]?\d+) days?)?|({WEEKDAY})(?:-({WEEKDAY}))?(\[[^]]*\](?: [+-]?\d+ days?)?)?(?!\w))"
)
SPAN = re.compile(r"(\d\d:\d\d)(?:-(\d\d:\d\d))?\+?(?:/[\d:]+)?")
NO_TIME = "23:59-24:00"  # in what is left for after midnight, where only what begins at 00:00 is looked at
WEEKDAYS = WEEKDAY.split("|")
MONDAY, FRIDAY, SATURDAY = 0, 4, 5


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
            if exception.hours is None:
                return CLOSED_ALL_DAY
            # whoever writes PH for a single day means that day
            return _read(_written_out(exception.hours), day, day.weekday(), lambda _: True)
    text = None if hours is None or not hours.strip() else _written_out(hours)
    if text == ALWAYS:
        return OPEN_ALL_DAY
    kind, weekday = calendar.kind_of(day), day.weekday()
    if text is None or kind is DayKind.UNANNOUNCED:
        return NOT_KNOWN
    if kind is DayKind.HOLIDAY:
        text = _holiday_rules(text)
        if not text:
            return CLOSED_ALL_DAY
    elif kind is DayKind.MAKEUP_WORKDAY:
        weekday = FRIDAY if weekday == SATURDAY else MONDAY
    return _read(text, day, weekday, lambda other: calendar.kind_of(other) is DayKind.HOLIDAY)


@lru_cache(maxsize=4096)
def _written_out(hours: str) -> str | None:
    """Hours as the library writes them, without comments; None: not readable, or the sun's times would be needed.

    A comment alone ("by appointment") is no promise to be open: it counts as ``unknown``.
    """
    text = COMMENT.sub(MARK, hours)
    text = BARE_COMMENT.sub(r"\1unknown", text)
    if not validate(hours) or not validate(text):
        return None
    text = str(OpeningHours(text)).replace(f" {MARK}", "")
    return None if SUN.search(text) else text


@lru_cache(maxsize=4096)
def _holiday_rules(text: str) -> str:
    """The rules that name PH, as they follow one another."""
    parts = ["", *RULES.split(text)]
    kept = [(parts[k], parts[k + 1]) for k in range(0, len(parts), 2) if PUBLIC_HOLIDAY.search(parts[k + 1])]
    return "".join(rule if k == 0 else separator + rule for k, (separator, rule) in enumerate(kept))


def _read(text: str | None, day: date, weekday: int, is_off: Callable[[date], bool]) -> DayHours:
    """What hours written out say of a day that counts as a weekday. ``is_off`` knows the holidays.

    Nobody announces school holidays for adults: where they would matter, nothing is known.
    """
    if text is None:
        return NOT_KNOWN
    found = _read_on(_on_plain_day(text, day, weekday, is_off), day)
    if SCHOOL_HOLIDAY.search(text):
        other = _read_on(_on_plain_day(text, day, weekday, is_off, school_is_off=True), day)
        return found if other == found else NOT_KNOWN
    return found


def _on_plain_day(
    text: str, day: date, weekday: int, is_off: Callable[[date], bool], *, school_is_off: bool = False
) -> str:
    """The same with PH, SH and weekdays put so that the library, which takes the day for a plain one, reads them right.

    What counts is named by the day's own weekday, what does not by another. Dates, months and weeks stay as they are:
    they are judged by the day itself. On a make-up workday an n-th weekday of the month does not count.
    """

    def put(item: re.Match[str]) -> str:
        holiday, offset, first, last, nth = item.groups()
        if holiday == "PH":
            counts = is_off(day - timedelta(days=int(offset or 0)))
        elif holiday is not None:
            counts = school_is_off
        elif weekday == day.weekday():
            return item[0]
        else:
            begin = WEEKDAYS.index(first)
            length = (WEEKDAYS.index(last or first) - begin) % 7
            counts = nth is None and (weekday - begin) % 7 <= length
        return WEEKDAYS[day.weekday() if counts else day.weekday() - 1]

    return DAY_ITEM.sub(put, text)


@lru_cache(maxsize=8192)
def _read_on(text: str, day: date) -> DayHours:
    """What hours say of a plain day, as if there were no holidays."""
    parsed = _parsed(text)
    if parsed is None:
        return NOT_KNOWN
    within, rest = parsed
    try:
        found = _on(within, day)
        spans = [(begin, end) for begin, end, state in found if state == OpenState.OPEN]
        if rest is not None and spans and spans[-1][1] == DAY_MINUTES:
            over = [end for begin, end, state in _on(rest, day) if state == OpenState.OPEN and begin == 0]
            spans[-1] = spans[-1][0], DAY_MINUTES + (over[0] if over else 0)
    except (ValueError, OverflowError):
        return NOT_KNOWN
    return DayHours(all(state != OpenState.UNKNOWN for _, _, state in found), tuple(spans))


def _on(parsed: OpeningHours, day: date) -> list[tuple[int, int, str]]:
    """The stretches of one day."""
    stretches = parsed.intervals(_midnight(day), _midnight(day + timedelta(days=1)))
    return [(_minute(begin, day), _minute(end, day), str(state)) for begin, end, state, *_ in stretches if begin < end]


@lru_cache(maxsize=4096)
def _parsed(text: str) -> tuple[OpeningHours, OpeningHours | None] | None:
    """Hours cut at midnight, and what they reach beyond it, on the day on which they begin; None: not readable.

    The library puts the time after midnight on the next day, where that day's rules cut it off. So it is read apart,
    by the same rules with the time of the next day in them: 18:00-26:00 is 18:00-24:00 and 00:00-02:00.
    """
    within = SPAN.sub(_until_midnight, text)
    rest = "".join(part if k % 2 else _after_midnight(part) for k, part in enumerate(RULES.split(text)))
    if not validate(within) or not validate(rest):
        return None
    return OpeningHours(within), None if within == text else OpeningHours(rest)


def _crosses(span: re.Match[str]) -> bool:
    begin, end = span[1], span[2]
    return end is not None and (end > "24:00" or (end <= begin and end < "24:00"))


def _until_midnight(span: re.Match[str]) -> str:
    return f"{span[1]}-24:00" if _crosses(span) else span[0]


def _after_midnight(rule: str) -> str:
    """A rule with its times after midnight in place of all others. It must keep a time, or it would hold all day."""

    def rest(span: re.Match[str]) -> str:
        if not _crosses(span):
            return NO_TIME
        end = _minutes(span[2])
        hour, minute = divmod(end - DAY_MINUTES if end > DAY_MINUTES else end, 60)
        return f"00:00-{hour:02d}:{minute:02d}" if hour or minute else NO_TIME

    if SPAN.search(rule):
        return SPAN.sub(rest, rule)
    if rule == ALWAYS:
        return NO_TIME
    return rule if rule.endswith((" closed", " unknown")) else f"{rule} {NO_TIME}"


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


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
