"""The demonstration city's quarterly reports: earlier quarters are accepted, the last one is under way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.demo.spec import CitySpec
from app.models.vocabularies import ReportLevel, ReportState
from app.repositories.reports import insert_history
from app.services.quarters import quarter_of, quarters_until
from app.services.report_tree import Subject, report_tree
from app.services.reports import totals_json
from app.settings import ReportSettings

AUTHOR = "demo"


def load_reports(session: Session, spec: CitySpec) -> int:
    """Write reports and their steps, as if they had been sent a few days before they were due; how many."""
    last = quarter_of(spec.as_of).previous
    settings = ReportSettings()
    rows: list[dict[str, Any]] = []
    events: list[list[dict[str, Any]]] = []
    for quarter in quarters_until(last):
        for subject in report_tree(session, quarter, settings).subjects.values():
            steps = list(_steps(subject, is_last=quarter == last))
            if not steps:
                continue
            done = steps[-1]
            rows.append(
                {
                    "level": subject.level.value, "subject_code": subject.code, "quarter": str(quarter),
                    "district_code": subject.district_code, "town_code": subject.town_code,
                    "state": done["to_state"], "submitted_at": steps[0]["at"], "submitted_by": AUTHOR,
                    "decided_at": done["at"] if len(steps) > 1 else None,
                    "decided_by": AUTHOR if len(steps) > 1 else None, "totals": totals_json(subject.figures),
                    "missing": {}, "version": len(steps),
                }
            )  # fmt: skip
            events.append(steps)
    insert_history(session, rows, events)
    return len(rows)


def _steps(subject: Subject, *, is_last: bool) -> Iterator[dict[str, Any]]:
    """Stations and towns of the last quarter have reported, districts not yet."""
    if is_last and subject.level is ReportLevel.DISTRICT:
        return
    at = datetime.combine(subject.due_on - timedelta(days=2), time(2, 0), UTC)
    yield {
        "at": at, "by": AUTHOR, "from_state": ReportState.DRAFT.value, "to_state": ReportState.SUBMITTED.value,
        "reason": None, "totals": totals_json(subject.figures),
    }  # fmt: skip
    if not is_last or subject.level is ReportLevel.STATION:
        yield {
            "at": at + timedelta(days=1), "by": AUTHOR, "from_state": ReportState.SUBMITTED.value,
            "to_state": ReportState.ACCEPTED.value, "reason": None, "totals": None,
        }  # fmt: skip
