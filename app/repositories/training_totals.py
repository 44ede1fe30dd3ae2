"""Sums of the training ledger by area, quarter, kind and group, as known at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import FromClause, func, or_, select
from sqlalchemy.orm import Session

from app.models import Station, StationVersion
from app.repositories.scope import Scope, in_scope
from app.repositories.training import EntryFilter, entries_at


class Dimension(StrEnum):
    """What sums can be broken down by."""

    STATION = "station_code"
    TOWN = "town_code"
    DISTRICT = "district_code"
    QUARTER = "quarter"
    KIND = "kind"
    TARGET_GROUP = "target_group"


@dataclass(frozen=True)
class Figures:
    """Sums over lines; ``stations`` that have any."""

    sessions_held: int = 0
    trainee_visits: int = 0
    training_hours: Decimal = Decimal(0)
    certificates: int = 0
    stations: int = 0
    lines: int = 0


def places_at(known_at: datetime | None) -> FromClause:
    """Every station's name, district and town as known at a moment (None: now)."""
    if known_at is None:
        return select(Station.code, Station.name, Station.district_code, Station.town_code).subquery("places")
    of = StationVersion
    return (
        select(of.code, of.name, of.district_code, of.town_code)
        .where(of.valid_to.is_(None), of.known_from <= known_at, or_(of.known_to.is_(None), of.known_to > known_at))
        .subquery("places")
    )


def sum_entries(
    session: Session,
    scope: Scope,
    wanted: EntryFilter,
    by: Sequence[Dimension],
    *,
    known_at: datetime | None = None,
    within: Scope | None = None,
) -> dict[tuple[Any, ...], Figures]:
    """Sums by the values of ``by`` (an empty tuple for the whole), over stations in the scope and ``within``.

    A station counts where it was known to be at that moment.
    """
    entries, places = entries_at(known_at, wanted), places_at(known_at)
    at_place = (Dimension.TOWN, Dimension.DISTRICT)
    dimensions = [getattr(places.c if one in at_place else entries.c, one.value) for one in by]
    query = (
        select(
            *dimensions,
            func.sum(entries.c.sessions_held).label("sessions_held"),
            func.sum(entries.c.trainee_visits).label("trainee_visits"),
            func.sum(entries.c.training_hours).label("training_hours"),
            func.sum(entries.c.certificates).label("certificates"),
            func.count(entries.c.station_code.distinct()).label("stations"),
            func.count().label("lines"),
        )
        .join(places, places.c.code == entries.c.station_code)
        .where(in_scope(scope, places.c.district_code, places.c.town_code))
        .group_by(*dimensions)
    )
    if within is not None:
        query = query.where(in_scope(within, places.c.district_code, places.c.town_code))
    return {
        tuple(row[: len(by)]): Figures(**{name: row._mapping[name] for name in Figures.__dataclass_fields__})
        for row in session.execute(query)
        if row.lines
    }
