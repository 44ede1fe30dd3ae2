"""Complaints (投诉): filed by anybody, followed up by their number, answered by the district.

How to reach somebody who complained is kept apart, seen by officers in scope alone, and erased some time after the
complaint is closed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.errors import NotFound
from app.models.vocabularies import ComplaintAction, ComplaintState, ComplaintSubject, Role
from app.repositories import quality_complaints as repo
from app.repositories.quality_complaints import ComplaintRow, StepRow
from app.repositories.quality_places import Place
from app.services.actors import Actor, of_public, of_system
from app.services.quality_checks import (
    any_station,
    begin,
    check_place,
    check_version,
    not_now,
    station_of,
    working_days_after,
)
from app.services.ratings import ALPHABET
from app.services.station_table import today
from app.services.visitors import Visitor, count_visit
from app.settings import QualitySettings

COMPLAINTS = "complaint"
SUFFIX_LENGTH = 6


@dataclass(frozen=True)
class NewComplaint:
    """What somebody complains of, and how to reach them if they want to be reached."""

    station_code: str
    subject: ComplaintSubject
    text: str
    contact: str | None = None


@dataclass(frozen=True)
class FollowUp:
    """What anybody may read who knows the number: nothing of what was written, or by whom."""

    row: ComplaintRow
    steps: list[StepRow]


@dataclass(frozen=True)
class ComplaintFile:
    """All that is known of a complaint. ``contact`` is None where none was left, or it was erased, or for viewers."""

    row: ComplaintRow
    steps: list[StepRow]
    contact: str | None
    contact_erased_on: date | None


def file_complaint(session: Session, visitor: Visitor, new: NewComplaint, settings: QualitySettings) -> ComplaintRow:
    """Take a complaint in; its number is the way to follow it up. Raises NotFound, TooManyRequests."""
    _begin(session, of_public(), visitor.day, settings)
    any_station(session, new.station_code)
    count_visit(session, visitor, COMPLAINTS, settings.complaints_a_day)
    number = new_number(visitor.day)
    while repo.get_complaint(session, number) is not None:
        number = new_number(visitor.day)
    due_on = working_days_after(visitor.day, settings.complaint_working_days)
    values = {
        "number": number, "station_code": new.station_code, "subject": new.subject.value, "text": new.text,
        "received_on": visitor.day, "due_on": due_on, "first_due_on": due_on,
    }  # fmt: skip
    made = repo.insert_complaint(session, values, new.contact)
    _note(session, made, new.station_code, None, ComplaintAction.RECEIVED, None)
    return _there(session, number)


def follow_up(session: Session, number: str) -> FollowUp:
    """Where a complaint stands: steps with their days, answers with their texts. Raises NotFound."""
    row = _there(session, number)
    return FollowUp(row, repo.steps_of(session, row.id))


def list_complaints(
    session: Session, actor: Actor, place: Place, *, states: Sequence[ComplaintState],
    subjects: Sequence[ComplaintSubject], overdue: bool, after: tuple[bool, date, int] | None, limit: int,
    day: date | None = None,
) -> list[ComplaintRow]:  # fmt: skip
    """Complaints about stations in scope: not answered ones first, the longest due at the top."""
    actor.require(Role.VIEWER)
    check_place(session, actor, place)
    return repo.list_complaints(
        session, actor.scope, place, states=[s.value for s in states], subjects=[s.value for s in subjects],
        overdue_on=(day or today()) if overdue else None, after=after, limit=limit,
    )  # fmt: skip


def open_file(
    session: Session, actor: Actor, number: str, settings: QualitySettings, *, day: date | None = None
) -> ComplaintFile:
    """One complaint with its steps; the contact for town officers and above. Raises NotFound, OutOfScope."""
    actor.require(Role.VIEWER)
    row = _in_scope(session, actor, number)
    contact, erased_on = repo.contact_of(session, row.id)
    is_due = row.closed_on is not None and row.closed_on < _last_day_of_contacts(day or today(), settings)
    if is_due or actor.role.rank < Role.TOWN_OFFICER.rank:
        contact = None
    return ComplaintFile(row, repo.steps_of(session, row.id), contact, erased_on)


def take(session: Session, actor: Actor, number: str, version: int, settings: QualitySettings) -> ComplaintFile:
    """Take a complaint on (承办). Raises Forbidden below the district, NotFound, OutOfScope, StaleVersion, Conflict."""

    def change(held: ComplaintRow, day: date) -> Mapping[str, Any]:
        return {"state": ComplaintState.IN_PROGRESS.value, "taken_by": actor.username}

    return _step(session, actor, number, version, settings, ComplaintAction.TAKEN, None, change)


def answer(
    session: Session, actor: Actor, number: str, version: int, text: str, settings: QualitySettings
) -> ComplaintFile:
    """Answer it (答复): whoever knows the number can read it. Raises as ``take`` does."""

    def change(held: ComplaintRow, day: date) -> Mapping[str, Any]:
        first = held.first_answered_on or day
        return {
            "state": ComplaintState.ANSWERED.value, "first_answered_on": first,
            "taken_by": held.taken_by or actor.username,
        }  # fmt: skip

    return _step(session, actor, number, version, settings, ComplaintAction.ANSWERED, text, change)


def close(
    session: Session, actor: Actor, number: str, version: int, note: str | None, settings: QualitySettings
) -> ComplaintFile:
    """Close it (办结), once it is answered; ``note`` is for officers. Raises as ``take`` does."""

    def change(held: ComplaintRow, day: date) -> Mapping[str, Any]:
        return {"state": ComplaintState.CLOSED.value, "closed_on": day}

    return _step(session, actor, number, version, settings, ComplaintAction.CLOSED, note, change)


def reopen(
    session: Session, actor: Actor, number: str, version: int, reason: str, settings: QualitySettings
) -> ComplaintFile:
    """Take it up again, with a new day by which it is to be answered. Raises as ``take`` does."""

    def change(held: ComplaintRow, day: date) -> Mapping[str, Any]:
        due_on = working_days_after(day, settings.complaint_working_days)
        return {"state": ComplaintState.IN_PROGRESS.value, "closed_on": None, "due_on": due_on}

    return _step(session, actor, number, version, settings, ComplaintAction.REOPENED, reason, change)


def erase_old_contacts(session: Session, settings: QualitySettings, *, day: date | None = None) -> int:
    """Erase the contacts of complaints closed (or answered, and left so) more than ``contact_days`` ago; how many."""
    day = day or today()
    old = repo.contacts_to_erase(session, _last_day_of_contacts(day, settings))
    if old:
        begin(session, of_system("retention"), "到期清除联系方式 contacts are kept for a limited time")
        repo.erase_contacts(session, old, day)
    return len(old)


def new_number(day: date) -> str:
    """``TS-20261125-7KQ4RM``: the end of it cannot be guessed."""
    return f"TS-{day:%Y%m%d}-{''.join(secrets.choice(ALPHABET) for _ in range(SUFFIX_LENGTH))}"


# from which states a step leads on
FROM = {
    ComplaintAction.TAKEN: (ComplaintState.RECEIVED,),
    ComplaintAction.ANSWERED: (ComplaintState.RECEIVED, ComplaintState.IN_PROGRESS),
    ComplaintAction.CLOSED: (ComplaintState.ANSWERED,),
    ComplaintAction.REOPENED: (ComplaintState.ANSWERED, ComplaintState.CLOSED),
}


def _step(
    session: Session, actor: Actor, number: str, version: int, settings: QualitySettings, action: ComplaintAction,
    text: str | None, change: Callable[[ComplaintRow, date], Mapping[str, Any]],
) -> ComplaintFile:  # fmt: skip
    actor.require(Role.DISTRICT_OFFICER, write=True)
    day = today()
    _begin(session, actor, day, settings)
    held = _in_scope(session, actor, number)
    check_version(held, version, {})
    state = ComplaintState(held.state)
    if state not in FROM[action]:
        allowed_zh = "、".join(s.title_zh for s in FROM[action])
        allowed_en = " or ".join(s.value for s in FROM[action])
        raise not_now(
            "state", state.title_zh, state.value, f"“{action.title_zh}”只适用于{allowed_zh}",
            f"{action.value} is for what is {allowed_en}",
        )  # fmt: skip
    repo.update_complaint(session, held.id, change(held, day))
    _note(session, held.id, held.station_code, actor.username, action, text)
    return open_file(session, actor, number, settings)


def _begin(session: Session, actor: Actor, day: date, settings: QualitySettings) -> None:
    """Every write about complaints erases what is due; the actor's own context comes after."""
    erase_old_contacts(session, settings, day=day)
    begin(session, actor)


def _note(
    session: Session, complaint_id: int, station_code: str, actor: str | None, action: ComplaintAction, text: str | None
) -> None:
    values = {
        "complaint_id": complaint_id, "station_code": station_code, "actor": actor, "action": action.value,
        "text": text, "is_public": action is ComplaintAction.ANSWERED,
    }  # fmt: skip
    repo.insert_step(session, values)


def _last_day_of_contacts(day: date, settings: QualitySettings) -> date:
    return day - timedelta(days=settings.contact_days)


def _in_scope(session: Session, actor: Actor, number: str) -> ComplaintRow:
    row = _there(session, number)
    station_of(session, actor, row.station_code, field="number")
    return row


def _there(session: Session, number: str) -> ComplaintRow:
    row = repo.get_complaint(session, number)
    if row is None:
        raise NotFound(f"没有编号为 {number} 的投诉。", f"There is no complaint {number}.")
    return row
