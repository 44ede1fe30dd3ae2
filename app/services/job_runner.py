"""Working on one job: taken from the queue, carried out, its end written down.

Whoever works on a job holds an entry of the queue, and writes of it only as long as the job is that entry's. When a
worker is taken for dead its job gets another entry: should it live after all, it can no longer write, and is told so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from uuid import UUID

import psycopg
import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from app.errors import DatabaseUnavailable, DomainError
from app.models.vocabularies import JobState
from app.repositories import job_queue
from app.repositories import jobs as repo
from app.repositories.jobs import JobRow
from app.services.job_kinds import JobCancelled, JobKind, JobWorld
from app.services.job_problems import interrupted, told, unforeseen

WRITE_SECONDS = 0.5  # progress is written no more often
DATABASE_LOST = (OperationalError, InterfaceError, psycopg.OperationalError, DatabaseUnavailable)
AGAIN = "任务中断,重新排队", "interrupted, queued again"

log = structlog.get_logger(__name__)


class Stop(Enum):
    """Why a job is to stop."""

    CANCELLED = "cancelled"
    SHUTDOWN = "shutdown"


@dataclass(frozen=True)
class Entry:
    """An entry of the queue that a worker took; ``stop`` tells at any time whether the work is to stop, and why."""

    queue_id: int
    stop: Callable[[], Stop | None]


Kinds = Callable[[], Mapping[str, JobKind[Any]]]
Describe = Callable[[BaseException], dict[str, Any]]


def carry_out(world: JobWorld, kinds: Kinds, entry: Entry, *, tries: int, describe: Describe) -> None:
    """Work on the job of an entry, and write down how it ended. An entry whose job is another's, or over, is let be.

    ``kinds`` gives them by name. ``tries``: begun so often, it fails instead. ``describe`` says what may be logged of
    an unforeseen exception. Raises the database's errors where not even the end can be written; the job is then taken
    up again later.
    """
    job = _claim(world, entry, tries)
    if job is None:
        return
    log.info("job.started", job=str(job.id), kind=job.kind, attempt=job.attempts)
    progress = ProgressWriter(world, entry.queue_id)

    def cancelled() -> bool:
        return progress.is_lost or entry.stop() is not None

    try:
        kind = kinds()[job.kind]
        parameters = kind.parameters.model_validate(job.parameters)
        result = kind.run(world, parameters, progress, cancelled)
        finished = {"state": JobState.DONE.value, "result": result, "run_id": result.get("run_id"), "progress": 1.0}
    except JobCancelled:
        if not progress.is_lost and entry.stop() is Stop.SHUTDOWN:
            give_back(world, entry.queue_id)
            log.info("job.given_back", job=str(job.id))
            return
        finished = {"state": JobState.CANCELLED.value}
    except DATABASE_LOST as fault:
        log.warning("job.database_lost", job=str(job.id), error=type(fault).__name__)
        give_back(world, entry.queue_id, is_counted=True)
        return
    except DomainError as fault:
        finished = {"state": JobState.FAILED.value, "problem": told(fault)}
    except Exception as fault:  # whatever a kind does, the job says that it failed
        log.error("job.failed", job=str(job.id), kind=job.kind, **describe(fault))
        finished = {"state": JobState.FAILED.value, "problem": told(unforeseen())}
    is_written = _finish(world, entry.queue_id, finished)
    log.info("job.finished" if is_written else "job.was_another_s", job=str(job.id), state=finished["state"])


class ProgressWriter:
    """Writes how far a job is, at most every WRITE_SECONDS, in transactions of their own.

    ``is_lost``: the job is another worker's by now.
    """

    def __init__(self, world: JobWorld, queue_id: int) -> None:
        self._world = world
        self._queue_id = queue_id
        self._due = 0.0
        self._share = 0.0
        self.is_lost = False

    def __call__(self, share: float, message_zh: str, message_en: str) -> None:
        """See ``job_kinds.Progress``. A share never falls, whatever is said."""
        self._share = max(self._share, min(share, 1.0))
        if time.monotonic() < self._due or self.is_lost:
            return
        with Session(self._world.engine) as session, session.begin():
            written = repo.write_progress(session, self._queue_id, self._share, message_zh, message_en)
        self.is_lost = not written
        self._due = time.monotonic() + WRITE_SECONDS


def take_up_again(session: Session, queue_id: int) -> UUID | None:
    """Queue the job of an entry anew whose worker is dead, and take that entry out; its id, None if it was over.

    Of several who do this at once for the same entry one does it.
    """
    job = repo.lock_entry(session, queue_id)
    if job is not None:
        _queue_again(session, job)
    job_queue.remove(session, queue_id)
    return None if job is None else job.id


def give_back(world: JobWorld, queue_id: int, *, is_counted: bool = False) -> None:
    """Queue the job of an entry anew that this worker does not finish. Unless ``is_counted`` the attempt is none.

    The entry itself is taken out by the queue, when the worker says that it is done with it.
    """
    with Session(world.engine) as session, session.begin():
        job = repo.lock_entry(session, queue_id)
        if job is not None:
            _queue_again(session, job, attempts=job.attempts - (0 if is_counted else 1))


def _queue_again(session: Session, job: JobRow, **values: object) -> None:
    zh, en = AGAIN
    values |= {"state": JobState.QUEUED.value, "progress": 0.0, "message_zh": zh, "message_en": en}
    repo.update_job(session, job.id, {**values, "queue_id": job_queue.put(session, job.id)})


def _claim(world: JobWorld, entry: Entry, tries: int) -> JobRow | None:
    """The job of an entry, from now on running; None where there is none to be worked on, or no more."""
    now = datetime.now(UTC)
    with Session(world.engine) as session, session.begin():
        job = repo.lock_entry(session, entry.queue_id)
        if job is None:
            return None
        if job.cancel_asked_at is not None:
            repo.update_job(session, job.id, {"state": JobState.CANCELLED.value, "finished_at": now})
            return None
        if job.attempts >= tries:
            problem = told(interrupted(job.attempts))
            repo.update_job(session, job.id, {"state": JobState.FAILED.value, "problem": problem, "finished_at": now})
            log.warning("job.interrupted", job=str(job.id), attempts=job.attempts)
            return None
        values = {"state": JobState.RUNNING.value, "attempts": job.attempts + 1, "started_at": now}
        repo.update_job(session, job.id, {**values, "message_zh": None, "message_en": None})
        return repo.get_job(session, job.id)


def _finish(world: JobWorld, queue_id: int, values: dict[str, Any]) -> bool:
    """Write the end of a job down; False when it is another worker's by now."""
    with Session(world.engine) as session, session.begin():
        job = repo.lock_entry(session, queue_id)
        if job is None:
            return False
        repo.update_job(session, job.id, {**values, "finished_at": datetime.now(UTC)})
        return True
