"""One station's opening hours, day by day, and whether it is open now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from app.geo.opening_hours import (
    TIME_ZONE,
    DayHours,
    DayKind,
    HourException,
    OpenState,
    day_hours,
    state_at,
)
from app.repositories.stations import list_serving
from app.services.calendar import load_calendar
from app.services.station_reads import get_station


@dataclass(frozen=True)
class Day:
    """One day: what it is, and when the station is open."""

    day: date
    kind: DayKind
    holiday_name: str | None
    hours: DayHours
    note: str | None


@dataclass(frozen=True)
class StationHours:
    """``until`` is the next change from now on that is known."""

    code: str
    name: str
    opening_hours: str | None
    state: OpenState
    until: datetime | None
    days: list[Day]


def hours_of(session: Session, code: str, first: date, days: int, now: datetime) -> StationHours:
    """Raises NotFound with codes that look like it."""
    station = get_station(session, code).row
    serving, calendar = list_serving(session)[code], load_calendar(session)
    exceptions = [HourException.from_json(one) for one in serving.hour_exceptions]
    notes = {one.day: one.note for one in exceptions}

    def of(day: date) -> DayHours:
        return day_hours(serving.opening_hours, exceptions, day, calendar)

    state, until = state_at(of, now)
    asked = [first + timedelta(days=k) for k in range(min(days, (date.max - first).days + 1))]
    shown = [Day(day, calendar.kind_of(day), calendar.holiday_name(day), of(day), notes.get(day)) for day in asked]
    return StationHours(station.code, station.name, serving.opening_hours, state, _local(until), shown)


def _local(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(TIME_ZONE)
