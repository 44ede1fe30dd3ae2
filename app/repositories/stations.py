"""Stations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, and_, delete, func, not_, or_, select, union, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.models import Base, Station, StationVersion
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

    def conditions(self, of: Any = Station) -> list[ColumnElement[bool]]:
        """Of rows of ``stations``, or of ``station_versions``."""
        found: list[ColumnElement[bool]] = []
        if self.text:
            pattern = f"%{_escaped(self.text)}%"
            found.append(
                or_(
                    of.name.ilike(pattern, escape="\\"),
                    of.address.ilike(pattern, escape="\\"),
                    of.code.ilike(pattern, escape="\\"),
                )
            )
        for column, wanted in (
            (of.type, self.types),
            (of.host_kind, self.host_kinds),
            (of.status, self.statuses),
        ):
            if wanted:
                found.append(column.in_(wanted))
        if self.district_code is not None:
            found.append(of.district_code == self.district_code)
        if self.town_code is not None:
            found.append(of.town_code == self.town_code)
        if self.bbox is not None:
            found.append(of.geom.intersects(func.ST_MakeEnvelope(*self.bbox, 4326)))
        if self.open_on is not None:
            found.append(open_on(self.open_on, of))
        if self.codes is not None:
            found.append(of.code.in_(self.codes))
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


@dataclass(frozen=True)
class Moment:
    """What was so on ``day``, as was known at ``known_at`` (None: as is known now)."""

    day: date
    known_at: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Of rows of ``station_versions``."""
        of = StationVersion
        known: list[ColumnElement[bool]] = [of.known_to.is_(None)]
        if self.known_at is not None:
            known = [of.known_from <= self.known_at, or_(of.known_to.is_(None), of.known_to > self.known_at)]
        return [
            *known,
            or_(of.valid_from.is_(None), of.valid_from <= self.day),
            or_(of.valid_to.is_(None), of.valid_to > self.day),
        ]


def _selected(at: Moment | None = None) -> Any:
    of: Any = Station if at is None else StationVersion
    plain = [getattr(of, name) for name in StationRow.__dataclass_fields__ if name not in ("lng", "lat")]
    query = select(*plain, func.ST_X(of.geom).label("lng"), func.ST_Y(of.geom).label("lat")).order_by(of.code)
    return query if at is None else query.where(*at.conditions())


def list_stations(
    session: Session, wanted: StationFilter, *, after_code: str | None = None, limit: int | None = None,
    at: Moment | None = None,
) -> list[StationRow]:  # fmt: skip
    """Stations by code, from the one after ``after_code`` on; as they are now, or at a moment."""
    of: Any = Station if at is None else StationVersion
    query = _selected(at).where(*wanted.conditions(of))
    if after_code is not None:
        query = query.where(of.code > after_code)
    if limit is not None:
        query = query.limit(limit)
    return [StationRow(**row._mapping) for row in session.execute(query)]


@dataclass(frozen=True)
class ServingRow:
    """What visitors of a station should know besides where it is."""

    opening_hours: str | None
    hour_exceptions: list[dict[str, Any]]
    accessible_entrance: bool | None
    seats: int | None
    phone: str | None
    target_groups: list[str]


def list_serving(session: Session, at: Moment | None = None) -> dict[str, ServingRow]:
    """The same stations as ``list_stations`` without a filter, by code."""
    of: Any = Station if at is None else StationVersion
    query = select(of.code, *(getattr(of, name) for name in ServingRow.__dataclass_fields__))
    if at is not None:
        query = query.where(*at.conditions())
    return {code: ServingRow(*values) for code, *values in session.execute(query)}


def count_stations(session: Session, wanted: StationFilter, at: Moment | None = None) -> int:
    """How many stations a filter lets through."""
    of: Any = Station if at is None else StationVersion
    moment = [] if at is None else at.conditions()
    return int(session.scalar(select(func.count()).select_from(of).where(*wanted.conditions(of), *moment)) or 0)


def get_station(session: Session, code: str, at: Moment | None = None) -> StationRow | None:
    of: Any = Station if at is None else StationVersion
    row = session.execute(_selected(at).where(of.code == code)).one_or_none()
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


def with_records(session: Session, codes: Sequence[str]) -> list[str]:
    """Those of the codes that other tables point to: courses, pairings, training, inspections, …; in order."""
    keys = [key.parent for table in Base.metadata.sorted_tables for key in table.foreign_keys if _is_station(key)]
    if not codes or not keys:
        return []
    found = union(*(select(column).where(column.in_(codes)) for column in keys)).subquery()
    return list(session.scalars(select(found.c[0]).order_by(found.c[0])))


def _is_station(key: ForeignKey) -> bool:
    return key.column is Station.__table__.c.code


def delete_stations(session: Session, codes: Sequence[str]) -> None:
    """Remove stations."""
    if codes:
        session.execute(delete(Station).where(Station.code.in_(codes)))


def set_areas(session: Session, codes: dict[str, tuple[str | None, str | None]]) -> None:
    """Give stations the district and town that hold them: code -> (district_code, town_code)."""
    if codes:
        values = [{"code": c, "district_code": d, "town_code": t} for c, (d, t) in codes.items()]
        session.execute(update(Station), values)


def last_change_on(session: Session) -> date | None:
    """The latest day from which on a station is as it is now; None where no change has a day."""
    return session.scalar(select(func.max(Station.valid_from)))


def dataset_ids(session: Session, at: Moment | None = None) -> set[int]:
    """Datasets that stations come from, as they are now or were at a moment."""
    if at is None:
        return set(session.scalars(select(Station.dataset_id).distinct()))
    return set(session.scalars(select(StationVersion.dataset_id).where(*at.conditions()).distinct()))
