"""Who has still to report, and who answers for it: a list to send round."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.models.vocabularies import ReportState, ReportTimeliness, Role
from app.repositories import reports as repo
from app.services.actors import Actor
from app.services.quarters import Quarter
from app.services.report_tree import Subject
from app.services.reports import list_reports
from app.services.station_table import today
from app.settings import ReportSettings


@dataclass(frozen=True)
class ReminderView:
    """A report that is due. ``days_left`` is negative when it is overdue."""

    subject: Subject
    days_left: int
    responsible: list[str]


def reminders(
    session: Session, actor: Actor, quarter: Quarter, settings: ReportSettings, within_days: int
) -> list[ReminderView]:
    """Reports in the actor's scope that are overdue or due within some days, the most overdue first.

    The officers of the town answer for a station and a town, those of the district for a district; where a town has
    none, the district's.
    """
    actor.require(Role.VIEWER)
    day = today()
    due = [
        subject
        for subject in list_reports(session, actor, quarter, settings)
        if subject.state in (ReportState.DRAFT, ReportState.RETURNED)
        and (subject.timeliness is ReportTimeliness.MISSING or (subject.due_on - day).days <= within_days)
    ]
    areas = {code for s in due for code in (s.town_code, s.district_code) if code is not None}
    officers = repo.officers_of_areas(session, areas) if areas else {}
    found = [
        ReminderView(
            subject,
            (subject.due_on - day).days,
            officers.get(subject.town_code or "") or officers.get(subject.district_code or "") or [],
        )
        for subject in due
    ]
    return sorted(found, key=lambda one: (one.days_left, one.subject.level.value, one.subject.code))
