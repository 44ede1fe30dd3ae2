"""Areas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy import and_, case, delete, func, select, update
from sqlalchemy.orm import Session, undefer

from app.models import Area, Dataset, Station, StationVersion
from app.models.vocabularies import AreaLevel, BoundaryKind
from app.repositories.bulk import copy_in
from app.repositories.stations import Moment, open_on

COLUMNS = (
    "code", "level", "name", "parent_code", "boundary_kind", "area_km2", "label_lng", "label_lat", "geom", "dataset_id",
)  # fmt: skip


@dataclass(frozen=True)
class AreaRow:
    """One area with its outline (WGS84) and whether its dataset is synthetic."""

    code: str
    level: str
    name: str
    parent_code: str | None
    boundary_kind: str
    area_km2: float
    label_lng: float
    label_lat: float
    dataset_id: int
    geom: shapely.Geometry


@dataclass(frozen=True)
class AreaFacts:
    """One area without its outline, and the stations inside: all on record, and those open to the public on a day."""

    code: str
    level: str
    name: str
    parent_code: str | None
    boundary_kind: str
    area_km2: float
    label_lng: float
    label_lat: float
    dataset_id: int
    stations: int
    stations_open: int


def list_area_facts(
    session: Session,
    day: date,
    *,
    level: str | None = None,
    parent_code: str | None = None,
    codes: Sequence[str] | None = None,
    at: Moment | None = None,
) -> list[AreaFacts]:
    """Areas without outlines, by code, with the stations as they are or were at a moment, and those open on ``day``.

    A station counts for the district and town that it was placed in (a border belongs to one of two neighbours), and
    for every city whose outline holds it.
    """
    plain = [getattr(Area, name) for name in AreaFacts.__dataclass_fields__ if not name.startswith("stations")]
    of: Any = Station if at is None else StationVersion
    inside = case(
        (Area.level == AreaLevel.DISTRICT.value, of.district_code == Area.code),
        (Area.level == AreaLevel.TOWN.value, of.town_code == Area.code),
        else_=func.ST_Intersects(Area.geom, of.geom),
    )
    query = (
        select(
            *plain,
            func.count(of.code).label("stations"),
            func.count(of.code).filter(open_on(day, of)).label("stations_open"),
        )
        .outerjoin(of, and_(inside, *(at.conditions() if at is not None else ())))
        .group_by(Area.code)
        .order_by(Area.code)
    )
    if level is not None:
        query = query.where(Area.level == level)
    if parent_code is not None:
        query = query.where(Area.parent_code == parent_code)
    if codes is not None:
        query = query.where(Area.code.in_(codes))
    return [AreaFacts(**row._mapping) for row in session.execute(query)]


def area_codes(session: Session, level: str | None = None) -> list[str]:
    """All codes (of a level), sorted."""
    query = select(Area.code).order_by(Area.code)
    return list(session.scalars(query if level is None else query.where(Area.level == level)))


def names_of_codes(session: Session, codes: Iterable[str]) -> dict[str, str]:
    """The name of every code that is there."""
    rows = session.execute(select(Area.code, Area.name).where(Area.code.in_(list(codes))))
    return {row.code: row.name for row in rows}


def datasets_with_inexact_outlines(session: Session) -> set[int]:
    """Datasets with an area whose outline is not official."""
    query = select(Area.dataset_id).where(Area.boundary_kind != BoundaryKind.OFFICIAL.value).distinct()
    return set(session.scalars(query))


def list_areas(
    session: Session, *, level: str | None = None, parent_code: str | None = None, codes: Sequence[str] | None = None
) -> list[AreaRow]:
    """Areas with outlines, by code."""
    query = select(Area).order_by(Area.code)
    if level is not None:
        query = query.where(Area.level == level)
    if parent_code is not None:
        query = query.where(Area.parent_code == parent_code)
    if codes is not None:
        query = query.where(Area.code.in_(codes))
    return [
        AreaRow(
            code=a.code, level=a.level, name=a.name, parent_code=a.parent_code, boundary_kind=a.boundary_kind,
            area_km2=a.area_km2, label_lng=a.label_lng, label_lat=a.label_lat, dataset_id=a.dataset_id,
            geom=to_shape(a.geom),
        )
        for a in session.scalars(query.options(undefer("*")))
    ]  # fmt: skip


def levels_of_codes(session: Session, codes: Sequence[str]) -> dict[str, str]:
    """The level of every code that is there."""
    rows = session.execute(select(Area.code, Area.level).where(Area.code.in_(codes)))
    return {row.code: row.level for row in rows}


def delete_levels(session: Session, levels: Sequence[str]) -> None:
    """Remove all areas of some levels; those below lose their parent."""
    gone = select(Area.code).where(Area.level.in_(levels))
    session.execute(
        update(Area)
        .where(Area.parent_code.in_(gone), Area.level.not_in(levels))
        .values(parent_code=None)
        .execution_options(synchronize_session=False)
    )
    session.execute(delete(Area).where(Area.level.in_(levels)).execution_options(synchronize_session=False))


def insert_areas(session: Session, rows: Iterable[AreaRow]) -> int:
    """Write areas, parents in any order; the number written."""

    def values() -> Iterable[tuple[object, ...]]:
        for row in rows:
            geom = shapely.to_wkb(shapely.set_srid(row.geom, 4326), hex=True, include_srid=True)
            yield (
                row.code, row.level, row.name, row.parent_code, row.boundary_kind, row.area_km2, row.label_lng,
                row.label_lat, geom, row.dataset_id,
            )  # fmt: skip

    return copy_in(session, "areas", COLUMNS, values())


def set_parents(session: Session, parents: dict[str, str | None]) -> None:
    """Give areas their parents."""
    for code, parent in parents.items():
        session.execute(update(Area).where(Area.code == code).values(parent_code=parent))


def datasets_without_areas(session: Session) -> list[int]:
    """Current boundary datasets of which no area is left."""
    used = select(Area.dataset_id)
    return list(
        session.scalars(
            select(Dataset.id).where(Dataset.kind == "boundaries", Dataset.is_current, Dataset.id.not_in(used))
        )
    )


def count_by_level(session: Session) -> dict[str, int]:
    """How many areas there are of every level."""
    rows = session.execute(select(Area.level, func.count()).group_by(Area.level))
    return {level: int(count) for level, count in rows}


def label_point(geom: shapely.Geometry) -> tuple[float, float]:
    """A point inside, for labels: ``lng, lat``."""
    point = shapely.point_on_surface(geom)
    return float(np.round(shapely.get_x(point), 6)), float(np.round(shapely.get_y(point), 6))
