"""Jobs: what was asked for, how far it is, what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.orm import Session, aliased

from app.models import Job, User
from app.models.vocabularies import JobState

OPEN = (JobState.QUEUED.value, JobState.RUNNING.value)


@dataclass(frozen=True)
class JobRow:
    """One job, and how many that are not over yet came before it (``ahead``)."""

    id: UUID
    number: int
    kind: str
    parameters: dict[str, Any]
    state: str
    progress: float
    message_zh: str | None
    message_en: str | None
    result: dict[str, Any] | None
    run_id: str | None
    problem: dict[str, Any] | None
    user_id: int | None
    asked_by: str
    asked_at: datetime
    started_at: datetime | None
    cancel_asked_at: datetime | None
    finished_at: datetime | None
    attempts: int
    queue_id: int | None
    ahead: int


_Other = aliased(Job)
_AHEAD = (
    select(func.count())
    .where(_Other.state.in_(OPEN), _Other.number < Job.number)
    .correlate(Job)
    .scalar_subquery()
    .label("ahead")
)
_ROW = [*(getattr(Job, name) for name in JobRow.__dataclass_fields__ if name != "ahead"), _AHEAD]


def insert_job(session: Session, values: Mapping[str, Any]) -> None:
    session.execute(insert(Job).values(**values))


def get_job(session: Session, job_id: UUID) -> JobRow | None:
    row = session.execute(select(*_ROW).where(Job.id == job_id)).one_or_none()
    return None if row is None else JobRow(**row._mapping)


def list_jobs(
    session: Session, *, user_id: int | None, state: str | None, kind: str | None, before: int | None, limit: int
) -> list[JobRow]:
    """Jobs of somebody (None: everybody's), newest first, from the one before number ``before`` back."""
    wanted: list[ColumnElement[bool]] = []
    if user_id is not None:
        wanted.append(Job.user_id == user_id)
    if state is not None:
        wanted.append(Job.state == state)
    if kind is not None:
        wanted.append(Job.kind == kind)
    if before is not None:
        wanted.append(Job.number < before)
    rows = session.execute(select(*_ROW).where(*wanted).order_by(Job.number.desc()).limit(limit))
    return [JobRow(**row._mapping) for row in rows]


def count_open(session: Session, user_id: int) -> int:
    """Jobs of somebody that are not over. Holds the account's row, so that two who ask at once are counted in turn."""
    session.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))
    found = session.scalar(select(func.count()).where(Job.user_id == user_id, Job.state.in_(OPEN)))
    return found or 0


def lock_job(session: Session, job_id: UUID) -> JobRow | None:
    """The job, held until the transaction ends."""
    row = session.execute(select(*_ROW).where(Job.id == job_id).with_for_update(of=Job)).one_or_none()
    return None if row is None else JobRow(**row._mapping)


def lock_entry(session: Session, queue_id: int) -> JobRow | None:
    """The job, not over yet, that an entry of the queue stands for; held until the transaction ends."""
    query = select(*_ROW).where(Job.queue_id == queue_id, Job.state.in_(OPEN)).with_for_update(of=Job)
    row = session.execute(query).one_or_none()
    return None if row is None else JobRow(**row._mapping)


def update_job(session: Session, job_id: UUID, values: Mapping[str, Any]) -> None:
    session.execute(update(Job).where(Job.id == job_id).values(**values))


def write_progress(session: Session, queue_id: int, share: float, message_zh: str, message_en: str) -> bool:
    """How far the work on an entry is. False when the job is no longer that entry's: another worker has it."""
    query = update(Job).where(Job.queue_id == queue_id, Job.state == JobState.RUNNING.value)
    values = {"progress": share, "message_zh": message_zh, "message_en": message_en}
    return bool(session.execute(query.values(**values).returning(Job.id)).one_or_none())


def delete_finished_before(session: Session, moment: datetime) -> int:
    """Erase jobs that were over before a moment; how many."""
    return len(session.execute(delete(Job).where(Job.finished_at < moment).returning(Job.id)).all())
