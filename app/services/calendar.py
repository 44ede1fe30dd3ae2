"""Which days are holidays and make-up workdays: what the library announces, and what the office entered instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version as version_of
from typing import Any

from sqlalchemy.orm import Session

from app.errors import ErrorItem, InvalidInput, StaleVersion
from app.geo.opening_hours import Calendar, CalendarYear
from app.models import CalendarYearRow
from app.models.vocabularies import Role
from app.repositories import calendar as repo
from app.repositories.context import ledger_moment
from app.services.acting import act_as
from app.services.actors import Actor

FIRST_YEAR, LAST_YEAR = 2000, 2100


@dataclass(frozen=True)
class Holiday:
    """One day off; ``name`` may be empty."""

    day: date
    name: str


@dataclass(frozen=True)
class YearView:
    """A year as hours are read by it. ``version`` is None where the office has entered nothing."""

    year: int
    announced: bool
    source: str | None
    holidays: list[Holiday]
    workdays: list[date]
    version: int | None


def load_calendar(session: Session) -> Calendar:
    """The calendar that hours are read by. A year of the office replaces the library's whole."""
    years = [
        CalendarYear(
            row.year,
            {date.fromisoformat(one["date"]): one.get("name") or "" for one in row.holidays},
            frozenset(date.fromisoformat(day) for day in row.workdays),
        )
        for row in repo.list_years(session)
    ]
    return Calendar.of_library().with_years(years)


def get_year(session: Session, year: int) -> YearView:
    """One year, announced or not."""
    own = repo.get_year(session, year)
    known = load_calendar(session).years.get(year)
    if known is None:
        return YearView(year, False, None, [], [], None)
    source = f"chinesecalendar {version_of('chinesecalendar')}" if own is None else own.source
    holidays = [Holiday(day, name) for day, name in sorted(known.holidays.items())]
    return YearView(year, True, source, holidays, sorted(known.workdays), None if own is None else own.version)


def replace_year(
    session: Session, actor: Actor, year: int, version: int | None, holidays: Sequence[Holiday],
    workdays: Sequence[date], source: str,
) -> YearView:  # fmt: skip
    """Enter a year whole, in place of what is there. Raises Forbidden below the city, InvalidInput, StaleVersion."""
    actor.require(Role.CITY_OFFICER, write=True)
    act_as(session, actor)
    faults = _faults(year, holidays, workdays)
    if faults:
        raise InvalidInput("节假日安排有误。", "The calendar is wrong.", errors=faults)
    ledger_moment(session)  # one officer at a time, from here on
    held = repo.get_year(session, year)
    values = {
        "holidays": [{"date": one.day.isoformat(), "name": one.name} for one in sorted(holidays, key=lambda h: h.day)],
        "workdays": [day.isoformat() for day in sorted(workdays)], "source": source,
    }  # fmt: skip
    if (held.version if held is not None else None) != version:
        raise _stale(held, values)
    if held is None:
        repo.insert_year(session, {"year": year, **values})
    else:
        repo.update_year(session, year, values)
    return get_year(session, year)


def _stale(held: CalendarYearRow | None, values: Mapping[str, Any]) -> StaleVersion:
    now = "none" if held is None else held.version
    items = [
        ErrorItem(
            name, "与现有的不同", "differs from what is there", remedy_zh=f"重新读取后再改,当前版本为 {now}",
            remedy_en=f"read it anew; the current version is {now}",
        )
        for name, value in values.items()
        if held is None or getattr(held, name) != value
    ]  # fmt: skip
    return StaleVersion("节假日安排已被他人修改。", "Somebody else has changed the calendar.", errors=items)


def _faults(year: int, holidays: Sequence[Holiday], workdays: Sequence[date]) -> list[ErrorItem]:
    found, off = [], {one.day for one in holidays}
    for field, days in (("holidays", [one.day for one in holidays]), ("workdays", list(workdays))):
        for k, day in enumerate(days):
            zh = en = None
            if day.year != year:
                zh, en = f"不在 {year} 年", f"is not of {year}"
            elif days.index(day) != k:
                zh, en = "重复", "stands there twice"
            elif field == "workdays" and day in off:
                zh, en = "同时是放假日", "is a day off, too"
            elif field == "workdays" and day.weekday() < 5:
                zh, en = "不是周末,本来就上班", "is no weekend: it is a workday anyway"
            if zh is not None and en is not None:
                found.append(
                    ErrorItem(
                        f"{field}[{k}]", zh, en, value=day.isoformat(), remedy_zh="对照国务院办公厅的通知改正",
                        remedy_en="correct it by the State Council's notice",
                    )
                )  # fmt: skip
    return found
