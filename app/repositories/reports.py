"""Quarterly reports: their states now and at a moment, and their steps."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.models import Report, ReportEvent, Station, StationVersion, User
from app.models.vocabularies import ReportLevel, ReportState, Role
from app.repositories.scope import Scope, in_scope


@dataclass(frozen=True)
class ReportRow:
    """One report as it is kept."""

    id: int
    level: str
    subject_code: str
    district_code: str | None
    town_code: str | None
    quarter: str
    state: str
    submitted_at: datetime | None
    submitted_by: str | None
    decided_at: datetime | None
    decided_by: str | None
    return_reason: str | None
    totals: dict[str, Any] | None
    missing: dict[str, Any]
    version: int
    updated_at: datetime


@dataclass(frozen=True)
class EventRow:
    """One step of a report."""

    id: int
    report_id: int
    at: datetime
    by: str
    from_state: str
    to_state: str
    reason: str | None
    totals: dict[str, Any] | None
    missing: dict[str, Any]


@dataclass(frozen=True)
class StateRow:
    """What state a report was in at a moment. ``reason`` is that of the last step, ``steps`` how many there were."""

    state: str
    reason: str | None
    steps: int


_REPORT = [getattr(Report, name) for name in ReportRow.__dataclass_fields__]
# hundreds of reports are listed at a time, and documents take long to read
_LISTED = [getattr(Report, name) for name in ReportRow.__dataclass_fields__ if name not in ("totals", "missing")]
_EVENT = [getattr(ReportEvent, name) for name in EventRow.__dataclass_fields__]


def pairs_in_states(
    session: Session, pairs: Collection[tuple[str, str]], states: Sequence[str], levels: Sequence[ReportLevel]
) -> set[tuple[str, str]]:
    """Those of the pairs (station code, quarter) of which a report of these levels is in one of these states."""
    codes, quarters = {code for code, _ in pairs}, {quarter for _, quarter in pairs}
    subject: dict[ReportLevel, Any] = {
        ReportLevel.STATION: Station.code,
        ReportLevel.TOWN: Station.town_code,
        ReportLevel.DISTRICT: Station.district_code,
    }
    covers = or_(*(and_(Report.level == level.value, Report.subject_code == subject[level]) for level in levels))
    query = (
        select(Station.code, Report.quarter)
        .join(Report, covers)
        .where(Station.code.in_(codes), Report.quarter.in_(quarters), Report.state.in_(states))
        .distinct()
    )
    asked = set(pairs)
    return {(row.code, row.quarter) for row in session.execute(query)} & asked


def find_report(session: Session, level: str, subject_code: str, quarter: str) -> ReportRow | None:
    query = select(*_REPORT).where(
        Report.level == level, Report.subject_code == subject_code, Report.quarter == quarter
    )
    row = session.execute(query).one_or_none()
    return None if row is None else ReportRow(**row._mapping)


def reports_of_quarter(
    session: Session,
    scope: Scope,
    quarter: str,
    *,
    levels: Collection[str] = (),
    subjects: Collection[str] | None = None,
) -> list[ReportRow]:
    """All reports of a quarter in a scope, without ``totals`` and ``missing``."""
    conditions: list[ColumnElement[bool]] = [
        Report.quarter == quarter, in_scope(scope, Report.district_code, Report.town_code),
    ]  # fmt: skip
    if levels:
        conditions.append(Report.level.in_(levels))
    if subjects is not None:
        conditions.append(Report.subject_code.in_(subjects))
    query = select(*_LISTED).where(*conditions).order_by(Report.level, Report.subject_code)
    return [ReportRow(**row._mapping, totals=None, missing={}) for row in session.execute(query)]


def put_report(session: Session, key: tuple[str, str, str], values: Mapping[str, Any]) -> ReportRow:
    """Write a report's state; ``key`` is level, subject and quarter."""
    named = dict(zip(("level", "subject_code", "quarter"), key, strict=True))
    statement = insert(Report).values(**named, **values)
    session.execute(
        statement.on_conflict_do_update(index_elements=["level", "subject_code", "quarter"], set_=dict(values))
    )
    found = find_report(session, *key)
    if found is None:
        raise LookupError(key)
    return found


def add_event(session: Session, values: Mapping[str, Any]) -> None:
    session.execute(insert(ReportEvent).values(**values))


def events_of(session: Session, report_ids: Collection[int], *, until: datetime | None = None) -> list[EventRow]:
    """The steps of some reports, the oldest first; only those known at ``until`` where it is given."""
    query = select(*_EVENT).where(ReportEvent.report_id.in_(report_ids)).order_by(ReportEvent.at, ReportEvent.id)
    if until is not None:
        query = query.where(ReportEvent.at <= until)
    return [EventRow(**row._mapping) for row in session.execute(query)]


def states_at(session: Session, quarter: str, known_at: datetime) -> dict[tuple[str, str], StateRow]:
    """The reports of a quarter that had taken a step, as known at a moment, by level and subject."""
    latest = (
        select(func.max(ReportEvent.id).label("id"), func.count().label("steps"))
        .join(Report, Report.id == ReportEvent.report_id)
        .where(Report.quarter == quarter, ReportEvent.at <= known_at)
        .group_by(ReportEvent.report_id)
        .subquery()
    )
    query = (
        select(Report.level, Report.subject_code, ReportEvent.to_state, ReportEvent.reason, latest.c.steps)
        .join(latest, latest.c.id == ReportEvent.id)
        .join(Report, Report.id == ReportEvent.report_id)
    )
    return {
        (row.level, row.subject_code): StateRow(row.to_state, row.reason, row.steps) for row in session.execute(query)
    }


@dataclass(frozen=True)
class StationSpan:
    """What was so of a station during a part of a period, as was known at a moment."""

    code: str
    name: str
    type: str
    status: str
    selected_on: date | None
    plaque_hung_on: date | None
    opened_on: date | None
    closed_on: date | None
    district_code: str | None
    town_code: str | None
    valid_from: date | None
    valid_to: date | None


def station_spans(
    session: Session, first_day: date, last_day: date, known_at: datetime | None = None
) -> list[StationSpan]:
    """All that was so of stations between two days (both included), by code, the oldest first."""
    of = StationVersion
    known: list[ColumnElement[bool]] = [of.known_to.is_(None)]
    if known_at is not None:
        known = [of.known_from <= known_at, or_(of.known_to.is_(None), of.known_to > known_at)]
    query = (
        select(*(getattr(of, name) for name in StationSpan.__dataclass_fields__))
        .where(
            *known,
            or_(of.valid_from.is_(None), of.valid_from <= last_day),
            or_(of.valid_to.is_(None), of.valid_to > first_day),
        )
        .order_by(of.code, of.valid_from.asc().nulls_first())
    )
    return [StationSpan(**row._mapping) for row in session.execute(query)]


def first_submissions(
    session: Session, quarter: str, known_at: datetime | None = None
) -> dict[tuple[str, str], datetime]:
    """When each report of a quarter was first submitted, by level and subject."""
    query = (
        select(Report.level, Report.subject_code, func.min(ReportEvent.at).label("at"))
        .join(Report, Report.id == ReportEvent.report_id)
        .where(Report.quarter == quarter, ReportEvent.to_state == ReportState.SUBMITTED.value)
        .group_by(Report.level, Report.subject_code)
    )
    if known_at is not None:
        query = query.where(ReportEvent.at <= known_at)
    return {(row.level, row.subject_code): row.at for row in session.execute(query)}


def officers_of_areas(session: Session, codes: Collection[str]) -> dict[str, list[str]]:
    """The names of those who answer for areas: enabled officers whose scope is exactly that area."""
    query = (
        select(User.area_code, User.display_name)
        .where(User.area_code.in_(codes), User.is_disabled.is_(False), User.role != Role.VIEWER.value)
        .order_by(User.area_code, User.username)
    )
    found: dict[str, list[str]] = {}
    for row in session.execute(query):
        found.setdefault(row.area_code, []).append(row.display_name)
    return found


def insert_history(
    session: Session, rows: Sequence[Mapping[str, Any]], events: Sequence[Sequence[Mapping[str, Any]]]
) -> None:
    """Add reports with the steps that brought each where it is."""
    if not rows:
        return
    added = session.scalars(
        insert(Report).returning(Report.id, sort_by_parameter_order=True), [dict(row) for row in rows]
    )
    steps = [{**event, "report_id": number} for number, held in zip(list(added), events, strict=True) for event in held]
    session.execute(insert(ReportEvent), steps)
