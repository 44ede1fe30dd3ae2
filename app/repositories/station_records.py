"""Full records of stations as they are now, by the names of ``app.services.station_record.FIELDS``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.models import Organisation, Station, StationVersion
from app.repositories.scope import Scope, in_scope
from app.repositories.stations import Moment, StationFilter

# the columns that an officer's record is kept in; the position as it was given stands for lng, lat and crs
PLAIN = (
    "name", "type", "host_kind", "status", "address", "batch", "selected_on", "plaque_hung_on", "opened_on",
    "closed_on", "host_organisation", "operator_organisation", "contractor_organisations", "partner_organisations",
    "operating_mode", "training_mode", "target_groups", "opening_hours", "hour_exceptions", "phone",
    "complaint_channel", "published_rules", "published_workflow", "published_norms", "published_services",
    "signage_met", "signage_evidence", "service_met", "service_evidence", "training_met", "training_evidence",
    "staff_count", "staff_trained_count", "seats", "accessible_entrance", "notes",
)  # fmt: skip
GIVEN = {"lng": "source_lng", "lat": "source_lat", "crs": "source_crs"}


@dataclass(frozen=True)
class KeptRecord:
    """One record: ``values`` by field, ``code`` among them; ``lng, lat`` WGS84 is where the station stands."""

    values: dict[str, Any]
    version: int
    updated_at: datetime
    district_code: str | None
    town_code: str | None
    lng: float
    lat: float
    dataset_id: int

    @property
    def code(self) -> str:
        code: str = self.values["code"]
        return code


def _selected(table: type[Station] | type[StationVersion]) -> Select[Any]:
    columns = [getattr(table, name) for name in ("code", *PLAIN)]
    given = [getattr(table, column).label(f"given_{field}") for field, column in GIVEN.items()]
    others = [getattr(table, name) for name in ("version", "updated_at", "district_code", "town_code", "dataset_id")]
    return select(
        *columns, *given, *others, func.ST_X(table.geom).label("lng"), func.ST_Y(table.geom).label("lat")
    )  # fmt: skip


def _record(row: RowMapping) -> KeptRecord:
    values = {name: row[name] for name in ("code", *PLAIN)} | {name: row[f"given_{name}"] for name in GIVEN}
    return KeptRecord(
        values, row["version"], row["updated_at"], row["district_code"], row["town_code"], row["lng"], row["lat"],
        row["dataset_id"],
    )  # fmt: skip


def records_of_codes(session: Session, codes: Collection[str]) -> dict[str, KeptRecord]:
    """The records of some stations as they are now, by code."""
    rows = session.execute(_selected(Station).where(Station.code.in_(codes)))
    return {row.code: _record(row._mapping) for row in rows}


def record_at(session: Session, code: str, at: Moment | None) -> KeptRecord | None:
    """The record of a station as it is now, or was at a moment."""
    table = Station if at is None else StationVersion
    query = _selected(table).where(table.code == code, *(at.conditions() if at is not None else ()))
    row = session.execute(query).one_or_none()
    return None if row is None else _record(row._mapping)


def list_records(
    session: Session,
    scope: Scope,
    wanted: StationFilter,
    more: Sequence[ColumnElement[bool]] = (),
    *,
    after_code: str | None = None,
    limit: int | None = None,
) -> list[KeptRecord]:
    """The records in a scope by code, from the one after ``after_code`` on."""
    query = _selected(Station).where(in_scope(scope), *wanted.conditions(), *more).order_by(Station.code)
    if after_code is not None:
        query = query.where(Station.code > after_code)
    if limit is not None:
        query = query.limit(limit)
    return [_record(row._mapping) for row in session.execute(query)]


def count_records(
    session: Session, scope: Scope, wanted: StationFilter, more: Sequence[ColumnElement[bool]] = ()
) -> int:
    """How many stations a filter lets through in a scope."""
    query = select(func.count()).select_from(Station).where(in_scope(scope), *wanted.conditions(), *more)
    return int(session.scalar(query) or 0)


def in_batch(batch: int) -> ColumnElement[bool]:
    """The condition for stations of a batch (批次)."""
    condition: ColumnElement[bool] = Station.batch == batch
    return condition


def records_at_versions(session: Session, versions: Mapping[str, int]) -> dict[str, KeptRecord]:
    """The records as they were at some earlier version, by code; those that never had it are missing."""
    if not versions:
        return {}
    query = (
        _selected(StationVersion)
        .where(tuple_(StationVersion.code, StationVersion.version).in_(list(versions.items())))
        .order_by(StationVersion.code, StationVersion.valid_from.asc().nulls_first(), StationVersion.known_from)
    )
    return {row.code: _record(row._mapping) for row in session.execute(query)}


def columns_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of the table for fields of a record. Where the station stands is not among them."""
    return {GIVEN.get(name, name): value for name, value in values.items()}


def insert_records(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add stations; each row has all columns but those with defaults, ``lng, lat`` (WGS84) in place of ``geom``."""
    made = []
    for row in rows:
        plain = {name: value for name, value in row.items() if name not in ("lng", "lat")}
        made.append({**plain, "geom": f"SRID=4326;POINT({row['lng']!r} {row['lat']!r})"})
    if made:
        session.execute(insert(Station), made)  # as many executions: one statement for all takes longer


def ensure_organisations(session: Session, names: Collection[str]) -> None:
    """Put the organisations that are not known yet into the register."""
    if names:
        rows = [{"name": name} for name in sorted(set(names))]
        session.execute(insert(Organisation).values(rows).on_conflict_do_nothing(index_elements=["name"]))
