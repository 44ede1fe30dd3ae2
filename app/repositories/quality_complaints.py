"""Complaints (投诉), their steps, and the contacts that are kept apart from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, func, insert, or_, select, tuple_, update
from sqlalchemy.orm import Session

from app.models import Complaint, ComplaintContact, ComplaintStep, Station
from app.models.vocabularies import ComplaintState
from app.repositories.quality_places import Place
from app.repositories.scope import Scope

NOT_DONE = (ComplaintState.RECEIVED.value, ComplaintState.IN_PROGRESS.value)


@dataclass(frozen=True)
class ComplaintRow:
    """One complaint, without the contact."""

    id: int
    number: str
    station_code: str
    station_name: str
    subject: str
    text: str
    state: str
    received_on: date
    due_on: date
    first_due_on: date
    first_answered_on: date | None
    closed_on: date | None
    taken_by: str | None
    synthetic: bool
    version: int

    @property
    def is_done(self) -> bool:
        """Is it answered, so that nothing is due?"""
        return self.state not in NOT_DONE

    def is_overdue(self, day: date) -> bool:
        return not self.is_done and self.due_on < day


@dataclass(frozen=True)
class StepRow:
    """A step; ``actor`` is None for the public."""

    at: datetime
    actor: str | None
    action: str
    text: str | None
    is_public: bool


def _complaints() -> Select[Any]:
    columns = [
        Station.name.label(name) if name == "station_name" else getattr(Complaint, name)
        for name in ComplaintRow.__dataclass_fields__
    ]
    return select(*columns).join(Station, Station.code == Complaint.station_code)


def list_complaints(
    session: Session, scope: Scope, place: Place, *, states: Sequence[str] = (), subjects: Sequence[str] = (),
    overdue_on: date | None = None, after: tuple[bool, date, int] | None = None, limit: int,
) -> list[ComplaintRow]:  # fmt: skip
    """Complaints in a scope: those not answered first, each part by the day that they are (were) due.

    ``overdue_on``: only those not answered that were due before that day. ``after``: is it answered, day due, id.
    """
    query = _complaints().where(*place.conditions(scope, Complaint.station_code))
    if states:
        query = query.where(Complaint.state.in_(states))
    if subjects:
        query = query.where(Complaint.subject.in_(subjects))
    if overdue_on is not None:
        query = query.where(Complaint.state.in_(NOT_DONE), Complaint.due_on < overdue_on)
    query = query.order_by(Complaint.due_on, Complaint.id)
    found: list[ComplaintRow] = []
    for is_done, part in ((False, Complaint.state.in_(NOT_DONE)), (True, Complaint.state.not_in(NOT_DONE))):
        of_part = query.where(part).limit(limit - len(found))  # each part has an index that is in its order
        if after is not None and after[0] == is_done:
            of_part = of_part.where(tuple_(Complaint.due_on, Complaint.id) > tuple_(*after[1:]))
        if len(found) < limit and not (after is not None and after[0] > is_done):
            found += [ComplaintRow(**row._mapping) for row in session.execute(of_part)]
    return found


def get_complaint(session: Session, number: str) -> ComplaintRow | None:
    row = session.execute(_complaints().where(Complaint.number == number)).one_or_none()
    return None if row is None else ComplaintRow(**row._mapping)


def steps_of(session: Session, complaint_id: int) -> list[StepRow]:
    """The steps of a complaint, the first first."""
    columns = [getattr(ComplaintStep, name) for name in StepRow.__dataclass_fields__]
    query = select(*columns).where(ComplaintStep.complaint_id == complaint_id).order_by(ComplaintStep.id)
    return [StepRow(**row._mapping) for row in session.execute(query)]


def contact_of(session: Session, complaint_id: int) -> tuple[str | None, date | None]:
    """The contact, and the day on which it was erased."""
    query = select(ComplaintContact.contact, ComplaintContact.erased_on)
    row = session.execute(query.where(ComplaintContact.complaint_id == complaint_id)).one_or_none()
    return (None, None) if row is None else (row.contact, row.erased_on)


def insert_complaint(session: Session, values: Mapping[str, Any], contact: str | None) -> int:
    made = int(session.scalars(insert(Complaint).values(**values).returning(Complaint.id)).one())
    if contact is not None:
        session.execute(insert(ComplaintContact).values(complaint_id=made, contact=contact))
    return made


def insert_step(session: Session, values: Mapping[str, Any]) -> None:
    session.execute(insert(ComplaintStep).values(**values))


def update_complaint(session: Session, complaint_id: int, values: Mapping[str, Any]) -> None:
    session.execute(update(Complaint).where(Complaint.id == complaint_id).values(**values))


def contacts_to_erase(session: Session, closed_before: date) -> list[int]:
    """Complaints that were closed before a day, or answered before it and left so, whose contact is still there."""
    left = and_(Complaint.state == ComplaintState.ANSWERED.value, Complaint.updated_at < closed_before)
    query = (
        select(ComplaintContact.complaint_id)
        .join(Complaint, Complaint.id == ComplaintContact.complaint_id)
        .where(ComplaintContact.contact.is_not(None), or_(Complaint.closed_on < closed_before, left))
        .order_by(ComplaintContact.complaint_id)
    )
    return list(session.scalars(query))


def erase_contacts(session: Session, complaint_ids: Sequence[int], day: date) -> None:
    session.execute(
        update(ComplaintContact)
        .where(ComplaintContact.complaint_id.in_(complaint_ids))
        .values(contact=None, erased_on=day)
    )


def count_not_done(session: Session, station_code: str) -> int:
    """Complaints about a station that are not answered yet."""
    query = select(func.count()).where(Complaint.station_code == station_code, Complaint.state.in_(NOT_DONE))
    return int(session.scalar(query) or 0)


def insert_many(session: Session, complaints: Sequence[Mapping[str, Any]], steps: Sequence[Mapping[str, Any]]) -> None:
    """Write many complaints and steps; ``complaint`` of a step is the place of its complaint in the list."""
    made = insert(Complaint).returning(Complaint.id, sort_by_parameter_order=True)
    ids = list(session.scalars(made, list(complaints)))
    rows = [{**{k: v for k, v in s.items() if k != "complaint"}, "complaint_id": ids[s["complaint"]]} for s in steps]
    session.execute(insert(ComplaintStep), rows)
