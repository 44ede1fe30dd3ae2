"""Exemplars (典型样板)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, insert, select, update
from sqlalchemy.orm import Session

from app.models import Exemplar, Station
from app.models.vocabularies import ExemplarState
from app.repositories.quality_places import Place
from app.repositories.scope import Scope


@dataclass(frozen=True)
class ExemplarRow:
    """A station that is, was, or shall be shown to others as an example, for a year."""

    id: int
    station_code: str
    station_name: str
    year: int
    title: str
    reason: str
    state: str
    proposed_by: str
    decided_by: str | None
    withdrawn_reason: str | None
    version: int


def _exemplars() -> Select[Any]:
    columns = [
        Station.name.label(name) if name == "station_name" else getattr(Exemplar, name)
        for name in ExemplarRow.__dataclass_fields__
    ]
    return select(*columns).join(Station, Station.code == Exemplar.station_code)


def list_exemplars(
    session: Session, scope: Scope, place: Place, *, year: int | None, states: Sequence[str], before_id: int | None,
    limit: int,
) -> list[ExemplarRow]:  # fmt: skip
    """Exemplars in a scope, the latest first."""
    query = _exemplars().where(*place.conditions(scope, Exemplar.station_code))
    if year is not None:
        query = query.where(Exemplar.year == year)
    if states:
        query = query.where(Exemplar.state.in_(states))
    if before_id is not None:
        query = query.where(Exemplar.id < before_id)
    return [ExemplarRow(**row._mapping) for row in session.execute(query.order_by(Exemplar.id.desc()).limit(limit))]


def named_exemplars(session: Session, station_code: str) -> list[ExemplarRow]:
    """What a station was named for, the latest year first."""
    query = _exemplars().where(Exemplar.station_code == station_code, Exemplar.state == ExemplarState.NAMED.value)
    return [ExemplarRow(**row._mapping) for row in session.execute(query.order_by(Exemplar.year.desc()))]


def in_force(session: Session, station_code: str, year: int) -> ExemplarRow | None:
    """The one of a station and year that is not withdrawn."""
    query = _exemplars().where(
        Exemplar.station_code == station_code, Exemplar.year == year, Exemplar.state != ExemplarState.WITHDRAWN.value
    )
    row = session.execute(query).one_or_none()
    return None if row is None else ExemplarRow(**row._mapping)


def get_exemplar(session: Session, exemplar_id: int) -> ExemplarRow | None:
    row = session.execute(_exemplars().where(Exemplar.id == exemplar_id)).one_or_none()
    return None if row is None else ExemplarRow(**row._mapping)


def insert_exemplar(session: Session, values: Mapping[str, Any]) -> int:
    return int(session.scalars(insert(Exemplar).values(**values).returning(Exemplar.id)).one())


def update_exemplar(session: Session, exemplar_id: int, values: Mapping[str, Any]) -> None:
    session.execute(update(Exemplar).where(Exemplar.id == exemplar_id).values(**values))
