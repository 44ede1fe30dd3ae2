"""Inspections (检查) and their findings (问题)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, and_, func, insert, not_, select, tuple_, update
from sqlalchemy.orm import Session

from app.models import Finding, Inspection, Station
from app.models.vocabularies import FindingState
from app.repositories.quality_places import Place
from app.repositories.scope import Scope


@dataclass(frozen=True)
class InspectionRow:
    """One inspection; ``findings`` counts all of its findings, ``findings_not_closed`` those still to be seen to."""

    id: int
    station_code: str
    station_name: str
    inspected_on: date
    inspector: str
    inspector_id: int | None
    verdict_signage: str
    verdict_service: str
    verdict_training: str
    score_construction: int | None
    score_operation: int | None
    score_service_quality: int | None
    remarks: str | None
    evidence: list[str]
    is_cancelled: bool
    synthetic: bool
    version: int
    findings: int
    findings_not_closed: int


@dataclass(frozen=True)
class FindingRow:
    """One finding. ``is_cancelled``: its inspection is."""

    id: int
    inspection_id: int
    station_code: str
    station_name: str
    inspected_on: date
    inspector_id: int | None
    is_cancelled: bool
    standard: str | None
    subject: str | None
    severity: str
    text: str
    due_on: date
    state: str
    remedied_on: date | None
    remedy_text: str | None
    closed_on: date | None
    closed_by: str | None
    version: int


def _inspections() -> Select[Any]:
    of_it = select(func.count()).select_from(Finding).where(Finding.inspection_id == Inspection.id)
    made = {
        "station_name": Station.name,
        "findings": of_it.scalar_subquery(),
        "findings_not_closed": of_it.where(Finding.state != FindingState.CLOSED.value).scalar_subquery(),
    }
    columns = [
        made[name].label(name) if name in made else getattr(Inspection, name)
        for name in InspectionRow.__dataclass_fields__
    ]
    return select(*columns).join(Station, Station.code == Inspection.station_code)


def list_inspections(
    session: Session, scope: Scope, place: Place, *, since: date | None = None, until: date | None = None,
    cancelled: bool = False, after: tuple[date, int] | None = None, limit: int,
) -> list[InspectionRow]:  # fmt: skip
    """Inspections in a scope, the latest first, from the one after ``after`` (day and id) on."""
    query = _inspections().where(*place.conditions(scope, Inspection.station_code))
    if since is not None:
        query = query.where(Inspection.inspected_on >= since)
    if until is not None:
        query = query.where(Inspection.inspected_on <= until)
    if not cancelled:
        query = query.where(not_(Inspection.is_cancelled))
    if after is not None:
        query = query.where(tuple_(Inspection.inspected_on, Inspection.id) < tuple_(*after))
    query = query.order_by(Inspection.inspected_on.desc(), Inspection.id.desc()).limit(limit)
    return [InspectionRow(**row._mapping) for row in session.execute(query)]


def get_inspection(session: Session, inspection_id: int) -> InspectionRow | None:
    row = session.execute(_inspections().where(Inspection.id == inspection_id)).one_or_none()
    return None if row is None else InspectionRow(**row._mapping)


def insert_inspection(session: Session, values: Mapping[str, Any]) -> int:
    return int(session.scalars(insert(Inspection).values(**values).returning(Inspection.id)).one())


def update_inspection(session: Session, inspection_id: int, values: Mapping[str, Any]) -> None:
    session.execute(update(Inspection).where(Inspection.id == inspection_id).values(**values))


def _findings() -> Select[Any]:
    made = {
        "station_name": Station.name,
        "inspected_on": Inspection.inspected_on,
        "inspector_id": Inspection.inspector_id,
        "is_cancelled": Inspection.is_cancelled,
    }
    columns = [
        made[name].label(name) if name in made else getattr(Finding, name) for name in FindingRow.__dataclass_fields__
    ]
    return (
        select(*columns)
        .join(Inspection, Inspection.id == Finding.inspection_id)
        .join(Station, Station.code == Finding.station_code)
    )


def list_findings(
    session: Session, scope: Scope, place: Place, *, states: Sequence[str] = (), overdue_on: date | None = None,
    after: tuple[date, int] | None = None, limit: int,
) -> list[FindingRow]:  # fmt: skip
    """Findings in a scope by the day that they are due, those of cancelled inspections left out.

    ``overdue_on``: only those that nobody has remedied though they were due before that day.
    """
    query = _findings().where(not_(Inspection.is_cancelled), *place.conditions(scope, Finding.station_code))
    if states:
        query = query.where(Finding.state.in_(states))
    if overdue_on is not None:
        query = query.where(Finding.state == FindingState.OPEN.value, Finding.due_on < overdue_on)
    if after is not None:
        query = query.where(tuple_(Finding.due_on, Finding.id) > tuple_(*after))
    return [
        FindingRow(**row._mapping) for row in session.execute(query.order_by(Finding.due_on, Finding.id).limit(limit))
    ]


def findings_of(session: Session, inspection_id: int) -> list[FindingRow]:
    """All findings of an inspection by id."""
    query = _findings().where(Finding.inspection_id == inspection_id).order_by(Finding.id)
    return [FindingRow(**row._mapping) for row in session.execute(query)]


def get_finding(session: Session, finding_id: int) -> FindingRow | None:
    row = session.execute(_findings().where(Finding.id == finding_id)).one_or_none()
    return None if row is None else FindingRow(**row._mapping)


def insert_findings(session: Session, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Write findings; their ids in the same order."""
    return [int(session.scalars(insert(Finding).values(**row).returning(Finding.id)).one()) for row in rows]


def update_finding(session: Session, finding_id: int, values: Mapping[str, Any]) -> None:
    session.execute(update(Finding).where(Finding.id == finding_id).values(**values))


def latest_verdicts(session: Session, station_code: str) -> list[tuple[str, str, str, date]]:
    """Verdicts (signage, service, training) and days of a station's inspections, the latest first."""
    query = (
        select(
            Inspection.verdict_signage, Inspection.verdict_service, Inspection.verdict_training, Inspection.inspected_on
        )
        .where(and_(Inspection.station_code == station_code, not_(Inspection.is_cancelled)))
        .order_by(Inspection.inspected_on.desc(), Inspection.id.desc())
        .limit(50)
    )
    return [(row[0], row[1], row[2], row[3]) for row in session.execute(query)]


def any_inspections(session: Session) -> bool:
    return session.scalar(select(Inspection.id).limit(1)) is not None


def insert_many(
    session: Session, inspections: Sequence[Mapping[str, Any]], findings: Sequence[Mapping[str, Any]]
) -> None:
    """Write many inspections and findings; ``inspection`` of a finding is the place of its inspection in the list."""
    ids = list(
        session.scalars(insert(Inspection).returning(Inspection.id, sort_by_parameter_order=True), list(inspections))
    )
    if findings:
        rows = [{**row, "inspection_id": ids[row["inspection"]]} for row in findings]
        session.execute(insert(Finding), [{k: v for k, v in row.items() if k != "inspection"} for row in rows])
