"""Sums of the training ledger by area, quarter, kind and group, as known at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, FromClause, Numeric, cast, func, or_, select, tuple_
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

    def __add__(self, other: Figures) -> Figures:
        """Of different stations."""
        return Figures(*(getattr(self, name) + getattr(other, name) for name in Figures.__dataclass_fields__))


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


@dataclass(frozen=True)
class StationPlace:
    """A station's name and the areas that hold it."""

    code: str
    name: str
    district_code: str | None
    town_code: str | None


def station_places(session: Session, known_at: datetime | None) -> dict[str, StationPlace]:
    """Where ``sum_entries`` counts each station: what ``places_at`` holds, by code."""
    places = places_at(known_at)
    query = select(*(places.c[name] for name in StationPlace.__dataclass_fields__)).order_by(places.c.code)
    return {row.code: StationPlace(**row._mapping) for row in session.execute(query)}


def visits_by_quarter(
    session: Session, quarters: Sequence[str], *, known_at: datetime | None, within: Scope | None = None
) -> dict[Dimension, dict[tuple[str, str], int]]:
    """Visits by station and quarter, by kind and quarter, by group and quarter: all lines are read once."""
    entries = entries_at(known_at, EntryFilter(quarters=quarters))
    by = {one: entries.c[one.value] for one in (Dimension.STATION, Dimension.KIND, Dimension.TARGET_GROUP)}
    query = select(
        *by.values(), entries.c.quarter, cast(func.sum(entries.c.trainee_visits), BigInteger).label("visits")
    )
    if within is not None:
        places = places_at(known_at)
        inside = select(places.c.code).where(in_scope(within, places.c.district_code, places.c.town_code))
        query = query.where(entries.c.station_code.in_(inside))
    query = query.group_by(func.grouping_sets(*(tuple_(column, entries.c.quarter) for column in by.values())))
    found: dict[Dimension, dict[tuple[str, str], int]] = {one: {} for one in by}
    for row in session.execute(query):
        dimension, code = next((one, row._mapping[one.value]) for one in by if row._mapping[one.value] is not None)
        found[dimension][code, row.quarter] = row.visits
    return found


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
    at_place = (Dimension.STATION, Dimension.TOWN, Dimension.DISTRICT)
    inside = [one.value for one in by if one not in at_place]
    names = [name for name in Figures.__dataclass_fields__ if name not in ("stations", "lines")]
    # station by station first: to count stations, none has to be told from others again
    held = (
        select(
            entries.c.station_code,
            *(entries.c[name] for name in inside),
            *(func.sum(entries.c[name]).label(name) for name in names),
            func.count().label("lines"),
        )
        .group_by(entries.c.station_code, *(entries.c[name] for name in inside))
        .subquery("held")
    )
    columns = {Dimension.STATION: places.c.code, Dimension.TOWN: places.c.town_code}
    columns[Dimension.DISTRICT] = places.c.district_code
    dimensions = [columns[one] if one in columns else held.c[one.value] for one in by]
    query = (
        select(
            *dimensions,
            *(
                cast(func.sum(held.c[name]), Numeric if name == "training_hours" else BigInteger).label(name)
                for name in names
            ),
            func.count(held.c.station_code.distinct()).label("stations"),
            cast(func.sum(held.c.lines), BigInteger).label("lines"),
        )
        .join(places, places.c.code == held.c.station_code)
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
