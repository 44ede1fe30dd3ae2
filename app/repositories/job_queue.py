"""The queue of jobs, procrastinate's: entries are put in, cancelled and taken out in the caller's own transaction."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from procrastinate import App, PsycopgConnector
from sqlalchemy import text
from sqlalchemy.orm import Session

QUEUE = "skillsmap"
TASK = "run_job"

_queue = App(connector=PsycopgConnector())  # never opened: the connection is the session's


def put(session: Session, job_id: UUID) -> int:
    """Queue a job; the number of the entry. Workers hear of it when the transaction is committed."""
    return _queue.configure_task(TASK, queue=QUEUE, connection=_connection(session)).defer(job_id=str(job_id))


def cancel(session: Session, queue_id: int) -> None:
    """Take an entry out that nobody works on yet; tell whoever works on it to stop. Neither: nothing happens."""
    _queue.job_manager.cancel_job_by_id(queue_id, abort=True, delete_job=True, connection=_connection(session))


def remove(session: Session, queue_id: int) -> None:
    """Take an entry out, whatever its state."""
    session.execute(text("DELETE FROM procrastinate_jobs WHERE id = :id"), {"id": queue_id})


def _connection(session: Session) -> Any:
    """The psycopg connection of the session's transaction."""
    return session.connection().connection.driver_connection
