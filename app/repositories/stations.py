"""Stations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, not_, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.models import Station
from app.models.stations import StationColumns
from app.models.vocabularies import StationStatus

DATA_COLUMNS = (
    "name", "type", "host_kind", "status", "address", "selected_on", "plaque_hung_on", "opened_on", "closed_on",
    "district_code", "town_code", "source_crs", "source_lng", "source_lat", "geom", "h3_r7", "h3_r8", "h3_r9", "h3_r10",
)  # fmt: skip


@dataclass(frozen=True)
class StationRow:
    """One station as it is kept. ``lng, lat`` are WGS84; ``h3`` by resolution 7 to 10."""

    code: str
    name: str
    type: str
    host_kind: str
    status: str
    address: str | None
    selected_on: date | None
    plaque_hung_on: date | None
    opened_on: date | None
    closed_on: date | None
    district_code: str | None
    town_code: str | None
    source_crs: str
    source_lng: float
    source_lat: float
    lng: float
    lat: float
    h3_r7: int
    h3_r8: int
    h3_r9: int
    h3_r10: int
    dataset_id: int


@dataclass(frozen=True)
class StationFilter:
    """What a list asks for; None means any. ``bbox`` is west, south, east, north in WGS84."""

    text: str | None = None
    types: Sequence[str] = ()
    host_kinds: Sequence[str] = ()
    statuses: Sequence[str] = ()
    district_code: str | None = None
    town_code: str | None = None
    bbox: tuple[float, float, float, float] | None = None
    open_on: date | None = None  # open to the public on that day
    codes: Sequence[str] | None = None  # one of these; none at all where it is empty

    def conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.text:
            pattern = f"%{_escaped(self.text)}%"
            found.append(
                or_(
                    Station.name.ilike(pattern, escape="\\"),
                    Station.address.ilike(pattern, escape="\\"),
                    Station.code.ilike(pattern, escape="\\"),
                )
            )
        for column, wanted in (
            (Station.type, self.types),
            (Station.host_kind, self.host_kinds),
            (Station.status, self.statuses),
        ):
            if wanted:
                found.append(column.in_(wanted))
        if self.district_code is not None:
            found.append(Station.district_code == self.district_code)
        if self.town_code is not None:
            found.append(Station.town_code == self.town_code)
        if self.bbox is not None:
            found.append(Station.geom.intersects(func.ST_MakeEnvelope(*self.bbox, 4326)))
        if self.open_on is not None:
            found.append(open_on(self.open_on))
        if self.codes is not None:
            found.append(Station.code.in_(self.codes))
        return found


def open_on(day: Any, of: type[StationColumns] = Station) -> ColumnElement[bool]:
    """The rule of ``StationInfo.is_open_on`` in SQL: a list and a walk must not differ on what is open.

    ``day`` is a date or a column of dates; ``of`` is the table whose rows are asked about.
    """
    status_open, status_closed = of.status == StationStatus.OPEN.value, of.status == StationStatus.CLOSED.value
    begun = or_(of.opened_on <= day, and_(of.opened_on.is_(None), status_open))
    not_over = or_(of.closed_on.is_(None), of.closed_on > day)
    closed_some_day = and_(status_closed, of.closed_on.is_(None))
    return and_(begun, not_over, of.status != StationStatus.SUSPENDED.value, not_(closed_some_day))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _selected() -> Any:
    plain = [getattr(Station, name) for name in StationRow.__dataclass_fields__ if name not in ("lng", "lat")]
    return select(*plain, func.ST_X(Station.geom).label("lng"), func.ST_Y(Station.geom).label("lat"))


def list_stations(
    session: Session, wanted: StationFilter, *, after_code: str | None = None, limit: int | None = None
) -> list[StationRow]:
    """Stations by code, from the one after ``after_code`` on."""
    query = _selected().where(*wanted.conditions()).order_by(Station.code)
    if after_code is not None:
        query = query.where(Station.code > after_code)
    if limit is not None:
        query = query.limit(limit)
    return [StationRow(**row._mapping) for row in session.execute(query)]


def count_stations(session: Session, wanted: StationFilter) -> int:
    """How many stations a filter lets through."""
    return int(session.scalar(select(func.count()).select_from(Station).where(*wanted.conditions())) or 0)


def get_station(session: Session, code: str) -> StationRow | None:
    row = session.execute(_selected().where(Station.code == code)).one_or_none()
    return None if row is None else StationRow(**row._mapping)


def station_codes(session: Session) -> list[str]:
    """All codes, sorted."""
    return list(session.scalars(select(Station.code).order_by(Station.code)))


def upsert_stations(
    session: Session, rows: Iterable[StationRow], details: Mapping[str, Mapping[str, Any]] | None = None
) -> None:
    """Write stations; those whose code is there already are brought up to date.

    ``details`` are further columns of new ones by code: the same columns for all.
    """
    values = []
    for row in rows:
        value = {**(details or {}).get(row.code, {})} | {
            name: getattr(row, name) for name in StationRow.__dataclass_fields__ if name not in ("lng", "lat")
        }
        value["geom"] = f"SRID=4326;POINT({row.lng!r} {row.lat!r})"
        values.append(value)
    for start in range(0, len(values), 500):
        statement = insert(Station).values(values[start : start + 500])
        changed = {name: getattr(statement.excluded, name) for name in (*DATA_COLUMNS, "dataset_id")}
        session.execute(statement.on_conflict_do_update(index_elements=["code"], set_=changed))


def delete_stations(session: Session, codes: Sequence[str]) -> None:
    """Remove stations."""
    if codes:
        session.execute(delete(Station).where(Station.code.in_(codes)))


def set_areas(session: Session, codes: dict[str, tuple[str | None, str | None]]) -> None:
    """Give stations the district and town that hold them: code -> (district_code, town_code)."""
    if codes:
        values = [{"code": c, "district_code": d, "town_code": t} for c, (d, t) in codes.items()]
        session.execute(update(Station), values)


def dataset_ids(session: Session) -> set[int]:
    """Datasets that stations come from."""
    return set(session.scalars(select(Station.dataset_id).distinct()))
