"""Counts of stations on many days at once, by the areas that held them, as was known at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Date,
    Select,
    and_,
    case,
    column,
    func,
    literal,
    or_,
    select,
    values,
)
from sqlalchemy.orm import Session

from app.models import Area, AuditEntry, StationVersion
from app.models.vocabularies import AuditAction
from app.repositories.stations import open_on
from app.repositories.training import entries_at
from app.repositories.training_totals import places_at

ROW_CHANGES = (AuditAction.INSERT.value, AuditAction.UPDATE.value, AuditAction.DELETE.value)


@dataclass(frozen=True)
class DayCount:
    """So many on a day in a district and town; None where a station lies in no loaded area."""

    day: date
    district_code: str | None
    town_code: str | None
    count: int


@dataclass(frozen=True)
class BatchCount:
    """Stations of a batch: selected by its day, later, or not at all until the day that was asked about."""

    batch: int
    district_code: str | None
    town_code: str | None
    in_time: int
    late: int
    not_selected: int


def _held(day: Any, known_at: datetime | None) -> list[Any]:
    """The versions that tell how it was on a day, as was known at a moment (None: now)."""
    held = [
        or_(StationVersion.valid_from.is_(None), StationVersion.valid_from <= day),
        or_(StationVersion.valid_to.is_(None), StationVersion.valid_to > day),
    ]
    return [*held, *_known(known_at)]


def _known(known_at: datetime | None) -> list[Any]:
    """What of the versions was known at a moment (None: now)."""
    if known_at is None:
        return [StationVersion.known_to.is_(None)]
    still = or_(StationVersion.known_to.is_(None), StationVersion.known_to > known_at)
    return [StationVersion.known_from <= known_at, still]


def _counts(session: Session, days: Sequence[date], known_at: datetime | None, counts: Any) -> list[DayCount]:
    asked = values(column("day", Date), name="asked").data([(day,) for day in days])
    place = (StationVersion.district_code, StationVersion.town_code)
    query: Select[Any] = (
        select(asked.c.day, *place, func.count().label("count"))
        .select_from(asked)
        .join(StationVersion, and_(*_held(asked.c.day, known_at), counts(asked.c.day)))
        .group_by(asked.c.day, *place)
    )
    return [DayCount(**row._mapping) for row in session.execute(query)]


def open_stations(session: Session, days: Sequence[date], known_at: datetime | None) -> list[DayCount]:
    """Stations that were open on each of these days."""
    return _counts(session, days, known_at, lambda day: open_on(day, StationVersion))


def selected_stations(session: Session, days: Sequence[date], known_at: datetime | None) -> list[DayCount]:
    """Stations that had been selected (遴选) by each of these days, whatever became of them."""
    return _counts(session, days, known_at, lambda day: StationVersion.selected_on <= day)


def batch_counts(
    session: Session, day: date, known_at: datetime | None, due: dict[int, date]
) -> list[BatchCount]:  # fmt: skip
    """Stations by batch on a day; ``due`` is the last day of selection of every batch."""
    selected = StationVersion.selected_on
    due_on = case(*((StationVersion.batch == batch, literal(last)) for batch, last in due.items()))
    place = (StationVersion.batch, StationVersion.district_code, StationVersion.town_code)
    query = (
        select(
            *place,
            func.count().filter(selected <= due_on, selected <= day).label("in_time"),
            func.count().filter(selected > due_on, selected <= day).label("late"),
            func.count().filter(or_(selected.is_(None), selected > day)).label("not_selected"),
        )
        .where(StationVersion.batch.in_(due), *_held(day, known_at))
        .group_by(*place)
    )
    return [BatchCount(**row._mapping) for row in session.execute(query)]


def last_write_at(session: Session) -> datetime | None:
    """The moment of the last change of any row of the ledger: moments have the order of commits."""
    query = select(AuditEntry.at).where(AuditEntry.action.in_(ROW_CHANGES))
    return session.scalars(query.order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).limit(1)).one_or_none()


@dataclass(frozen=True)
class TreeArea:
    """An area and what it belongs to."""

    code: str
    level: str
    name: str
    parent_code: str | None


def area_tree(session: Session) -> list[TreeArea]:
    """All areas by code."""
    query = select(Area.code, Area.level, Area.name, Area.parent_code).order_by(Area.code)
    return [TreeArea(**row._mapping) for row in session.execute(query)]


@dataclass(frozen=True)
class QuarterVisits:
    """Trainee-visits (人次) of a quarter in a district and town."""

    quarter: str
    district_code: str | None
    town_code: str | None
    visits: int


def visits_by_quarter(session: Session, known_at: datetime | None) -> list[QuarterVisits]:
    """All trainee-visits by quarter, in the areas that held their stations in the end as was known at a moment
    (None: now): a station takes its figures along when it moves."""
    entries, places = entries_at(known_at), places_at(known_at)
    line = (entries.c.station_code, entries.c.quarter)
    sums = select(*line, func.sum(entries.c.trainee_visits).label("visits")).group_by(*line).subquery()
    group = (sums.c.quarter, places.c.district_code, places.c.town_code)
    query = (
        select(*group, func.sum(sums.c.visits).label("visits"))
        .join_from(sums, places, places.c.code == sums.c.station_code)
        .group_by(*group)
    )
    return [QuarterVisits(r.quarter, r.district_code, r.town_code, int(r.visits)) for r in session.execute(query)]
