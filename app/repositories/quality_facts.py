"""What a yearly appraisal looks at, by station: all of it up to a day, as known now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import case, func, not_, or_, select
from sqlalchemy.orm import Session

from app.models import Complaint, Finding, Inspection, StationVersion, TrainingEntry

COUNTED_FIELDS = (
    "code", "name", "type", "district_code", "town_code", "seats", "staff_count", "staff_trained_count", "signage_met",
    "service_met", "training_met",
)  # fmt: skip


@dataclass(frozen=True)
class StationPhase:
    """What was so of a station from ``valid_from`` until before ``valid_to`` (None: without bound)."""

    code: str
    valid_from: date | None
    valid_to: date | None
    status: str
    opened_on: date | None
    closed_on: date | None


@dataclass(frozen=True)
class StationFacts:
    """A station as it was on a day."""

    code: str
    name: str
    type: str
    district_code: str | None
    town_code: str | None
    seats: int | None
    staff_count: int | None
    staff_trained_count: int | None
    signage_met: bool | None
    service_met: bool | None
    training_met: bool | None


@dataclass(frozen=True)
class InspectionFact:
    """One inspection. Verdicts: signage, service, training; scores: construction, operation, service quality."""

    inspected_on: date
    verdicts: tuple[str, str, str]
    scores: tuple[int | None, int | None, int | None]


@dataclass(frozen=True)
class FindingFact:
    """A finding that was due: how severe, and whether it was remedied by its day."""

    severity: str
    is_in_time: bool


def phases(session: Session) -> dict[str, list[StationPhase]]:
    """The timelines of all stations as known now."""
    columns = [getattr(StationVersion, name) for name in StationPhase.__dataclass_fields__]
    query = select(*columns).where(StationVersion.known_to.is_(None)).order_by(StationVersion.code, StationVersion.id)
    found: dict[str, list[StationPhase]] = {}
    for row in session.execute(query):
        found.setdefault(row.code, []).append(StationPhase(**row._mapping))
    return found


def facts_on(session: Session, day: date) -> dict[str, StationFacts]:
    """Stations as they were on a day, as known now, by code in order."""
    columns = [getattr(StationVersion, name) for name in COUNTED_FIELDS]
    query = (
        select(*columns)
        .where(
            StationVersion.known_to.is_(None),
            or_(StationVersion.valid_from.is_(None), StationVersion.valid_from <= day),
            or_(StationVersion.valid_to.is_(None), StationVersion.valid_to > day),
        )
        .order_by(StationVersion.code)
    )
    return {row.code: StationFacts(**row._mapping) for row in session.execute(query)}


def inspections(session: Session, first: date, last: date) -> dict[str, list[InspectionFact]]:
    """Inspections from ``first`` to ``last``, the latest first; cancelled ones left out."""
    query = (
        select(Inspection)
        .where(Inspection.inspected_on.between(first, last), not_(Inspection.is_cancelled))
        .order_by(Inspection.station_code, Inspection.inspected_on.desc(), Inspection.id.desc())
    )
    found: dict[str, list[InspectionFact]] = {}
    for row in session.scalars(query):
        fact = InspectionFact(
            row.inspected_on,
            (row.verdict_signage, row.verdict_service, row.verdict_training),
            (row.score_construction, row.score_operation, row.score_service_quality),
        )
        found.setdefault(row.station_code, []).append(fact)
    return found


def findings_due(session: Session, first: date, last: date) -> dict[str, list[FindingFact]]:
    """Findings whose day was from ``first`` to ``last``; those of cancelled inspections left out."""
    query = (
        select(Finding.station_code, Finding.severity, func.coalesce(Finding.remedied_on <= Finding.due_on, False))
        .join(Inspection, Inspection.id == Finding.inspection_id)
        .where(Finding.due_on.between(first, last), not_(Inspection.is_cancelled))
        .order_by(Finding.station_code, Finding.id)
    )
    found: dict[str, list[FindingFact]] = {}
    for code, severity, is_in_time in session.execute(query):
        found.setdefault(code, []).append(FindingFact(severity, bool(is_in_time)))
    return found


def trainee_visits(session: Session, year: int) -> dict[str, int]:
    """Trainee-visits (人次) of a year's quarters."""
    quarters = [f"{year}Q{k}" for k in range(1, 5)]
    query = (
        select(TrainingEntry.station_code, func.sum(TrainingEntry.trainee_visits))
        .where(TrainingEntry.quarter.in_(quarters))
        .group_by(TrainingEntry.station_code)
    )
    return {code: int(visits) for code, visits in session.execute(query)}


def complaints_due(session: Session, first: date, last: date) -> dict[str, tuple[int, int]]:
    """Complaints that were first due from ``first`` to ``last``: how many, and how many were answered by then."""
    in_time = func.count(case((Complaint.first_answered_on <= Complaint.first_due_on, 1)))
    query = (
        select(Complaint.station_code, func.count(), in_time)
        .where(Complaint.first_due_on.between(first, last))
        .group_by(Complaint.station_code)
    )
    return {code: (int(due), int(answered)) for code, due, answered in session.execute(query)}
