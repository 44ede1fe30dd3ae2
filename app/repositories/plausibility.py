"""What the plausibility of a quarter's lines is judged by, a row for every line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.models import Course, Station, StationVersion
from app.models.vocabularies import CourseStatus
from app.repositories.scope import Scope, in_scope
from app.repositories.training import EntryFilter, entries_at


@dataclass(frozen=True)
class StationSeats:
    """A station and the most seats that it, or a course of it, has; None where nobody has said."""

    code: str
    name: str
    status: str
    district_code: str | None
    town_code: str | None
    seats: int | None


@dataclass(frozen=True)
class StationQuarter:
    """The visits of a station in a quarter."""

    station_code: str
    quarter: str
    trainee_visits: int


@dataclass(frozen=True)
class LineFigures:
    """One line with its figures."""

    station_code: str
    kind: str
    target_group: str
    sessions_held: int
    trainee_visits: int
    training_hours: Decimal
    certificates: int


def stations_with_seats(
    session: Session, scope: Scope, within: Scope | None = None, known_at: datetime | None = None
) -> list[StationSeats]:
    """All stations in a scope (and ``within``), by code, as known at a moment (None: now).

    At a moment the seats are those of the station alone: what courses were like is not kept.
    """
    if known_at is not None:
        of = StationVersion
        then = (
            select(*(getattr(of, name) for name in StationSeats.__dataclass_fields__))
            .where(of.valid_to.is_(None), of.known_from <= known_at, or_(of.known_to.is_(None), of.known_to > known_at))
            .where(in_scope(scope, of.district_code, of.town_code))
            .order_by(of.code)
        )
        if within is not None:
            then = then.where(in_scope(within, of.district_code, of.town_code))
        return [StationSeats(**row._mapping) for row in session.execute(then)]
    largest = (
        select(Course.station_code, func.max(Course.seats).label("seats"))
        .where(Course.status == CourseStatus.OFFERED.value)
        .group_by(Course.station_code)
        .subquery()
    )
    plain = [getattr(Station, name) for name in StationSeats.__dataclass_fields__ if name != "seats"]
    query = (
        select(*plain, func.greatest(Station.seats, largest.c.seats).label("seats"))
        .outerjoin(largest, largest.c.station_code == Station.code)
        .where(in_scope(scope))
        .order_by(Station.code)
    )
    if within is not None:
        query = query.where(in_scope(within))
    return [StationSeats(**row._mapping) for row in session.execute(query)]


def lines_of(
    session: Session, codes: Sequence[str], quarter: str, known_at: datetime | None = None
) -> list[LineFigures]:
    """The lines of some stations in a quarter."""
    held = entries_at(known_at, EntryFilter(station_codes=codes, quarters=(quarter,)))
    columns = [held.c[name] for name in LineFigures.__dataclass_fields__]
    query = select(*columns).order_by(*columns[:3])
    return [LineFigures(**row._mapping) for row in session.execute(query)]


def visits_by_quarter(
    session: Session, codes: Sequence[str], quarters: Sequence[str], known_at: datetime | None = None
) -> list[StationQuarter]:
    """The visits of some stations in some quarters."""
    held = entries_at(known_at, EntryFilter(station_codes=codes, quarters=quarters))
    query = select(
        held.c.station_code, held.c.quarter, func.sum(held.c.trainee_visits).label("trainee_visits")
    ).group_by(held.c.station_code, held.c.quarter)
    return [StationQuarter(**row._mapping) for row in session.execute(query)]
