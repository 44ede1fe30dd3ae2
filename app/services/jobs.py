"""Long work: starting it, looking at it, cancelling it, forgetting it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID, uuid4

from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.errors import ErrorItem, JobFinished, NotFound, TooManyRequests
from app.models.vocabularies import AuditAction, JobState, Role
from app.repositories import job_queue
from app.repositories import jobs as repo
from app.repositories.jobs import JobRow
from app.services.actors import Actor
from app.services.audit import note_event
from app.services.job_kinds import JobKind
from app.settings import JobSettings

SUBJECT = "job"
RETRY_SECONDS = 30
Parameters = TypeVar("Parameters", bound=BaseModel)


def start_job(
    session: Session, actor: Actor, kind: JobKind[Parameters], parameters: Parameters, settings: JobSettings
) -> JobRow:
    """Queue a job; a worker takes it up when the transaction is committed.

    Raises Forbidden below the kind's role; TooManyRequests when as many jobs of the actor are not over yet.
    """
    actor.require(kind.role, write=True)
    if actor.user_id is not None and repo.count_open(session, actor.user_id) >= settings.jobs_open:
        raise _too_many(settings.jobs_open)
    job_id = uuid4()
    asked = parameters.model_dump(mode="json")
    values = {"id": job_id, "kind": kind.name, "parameters": asked, "user_id": actor.user_id}
    repo.insert_job(session, {**values, "asked_by": actor.username, "queue_id": job_queue.put(session, job_id)})
    details = {"kind": kind.name, "parameters": asked}
    note_event(session, actor, AuditAction.START_JOB, SUBJECT, str(job_id), details=details)
    return _there(session, job_id)


def get_job(session: Session, actor: Actor, job_id: UUID) -> JobRow:
    """One's own job; of an administrator's, anybody's. Raises NotFound."""
    row = repo.get_job(session, job_id)
    if row is None or not _may_see(actor, row):
        raise _unknown(job_id)
    return row


def list_jobs(
    session: Session, actor: Actor, *, state: JobState | None, kind: str | None, before: int | None, limit: int
) -> list[JobRow]:
    """One's own jobs, newest first; for administrators everybody's."""
    user_id = None if actor.role is Role.ADMINISTRATOR else actor.user_id
    wanted = state.value if state is not None else None
    return repo.list_jobs(session, user_id=user_id, state=wanted, kind=kind, before=before, limit=limit)


def cancel_job(session: Session, actor: Actor, job_id: UUID) -> JobRow:
    """Cancel a job: at once while it is queued; while it runs its worker is told, and stops within a second or two.

    Cancelled again, it stays as it is. Raises NotFound; JobFinished when there was nothing left to cancel.
    """
    actor.require(Role.VIEWER, write=True)
    row = repo.lock_job(session, job_id)
    if row is None or not _may_see(actor, row):
        raise _unknown(job_id)
    state = JobState(row.state)
    if state in (JobState.DONE, JobState.FAILED):
        raise JobFinished(
            f"任务已结束({state.title_zh}),无法取消。", f"The job is over ({state.value}) and cannot be cancelled."
        )
    if state is JobState.CANCELLED or row.cancel_asked_at is not None:
        return row
    now = datetime.now(UTC)
    values: dict[str, object] = {"cancel_asked_at": now}
    if state is JobState.QUEUED:
        values |= {"state": JobState.CANCELLED.value, "finished_at": now}
    repo.update_job(session, job_id, values)
    if row.queue_id is not None:
        job_queue.cancel(session, row.queue_id)
    note_event(session, actor, AuditAction.CANCEL_JOB, SUBJECT, str(job_id), details={"state": state.value})
    return _there(session, job_id)


def erase_old_jobs(session: Session, settings: JobSettings) -> int:
    """Erase jobs, with their results, that were over so many days ago; how many. Coverage runs stay."""
    return repo.delete_finished_before(session, datetime.now(UTC) - timedelta(days=settings.job_days))


def _may_see(actor: Actor, row: JobRow) -> bool:
    return actor.role is Role.ADMINISTRATOR or (actor.user_id is not None and row.user_id == actor.user_id)


def _there(session: Session, job_id: UUID) -> JobRow:
    row = repo.get_job(session, job_id)
    if row is None:
        raise _unknown(job_id)
    return row


def _unknown(job_id: UUID) -> NotFound:
    item = ErrorItem(
        "id", "没有这个任务,或不是您的", "no such job, or not yours", value=str(job_id),
        remedy_zh="自己的任务见 /v1/jobs;结束已久的任务会被清除",
        remedy_en="yours are at /v1/jobs; jobs that were over long ago are erased",
    )  # fmt: skip
    return NotFound(f"没有编号为 {job_id} 的任务。", f"There is no job {job_id}.", errors=[item])


def _too_many(limit: int) -> TooManyRequests:
    item = ErrorItem(
        "jobs", "尚未结束的任务过多", "too many that are not over", value=str(limit),
        remedy_zh="等其中一项结束,或取消一项", remedy_en="wait until one of them is over, or cancel one",
    )  # fmt: skip
    return TooManyRequests(
        f"您已有 {limit} 项任务在排队或运行。", f"{limit} jobs of yours are queued or running.",
        retry_after_s=RETRY_SECONDS, errors=[item],
    )  # fmt: skip
