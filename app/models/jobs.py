"""Long work: what was asked for, how far it is, and what came of it. The queue itself is procrastinate's."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base

# made by the library's own schema (see migration 20261125_20)
QUEUE_TABLES = frozenset(
    {"procrastinate_jobs", "procrastinate_workers", "procrastinate_events", "procrastinate_periodic_defers"}
)
OPEN = "state IN ('queued', 'running')"


class Job(Base):
    """One piece of long work. ``id`` cannot be guessed; ``number`` is the order in which jobs came.

    ``queue_id`` is the entry of the queue that stands for it: whoever works on another entry has lost the job.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="state"),
        CheckConstraint("progress BETWEEN 0 AND 1", name="progress"),
        CheckConstraint(f"({OPEN}) = (finished_at IS NULL)", name="finished"),
        CheckConstraint("(state = 'failed') = (problem IS NOT NULL)", name="problem"),
        Index("ix_jobs_user_id", "user_id", "number"),
        Index("uq_jobs_queue_id", "queue_id", unique=True, postgresql_where=text(OPEN)),
        Index("ix_jobs_open", "number", postgresql_where=text(OPEN)),
        Index("ix_jobs_finished_at", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    kind: Mapped[str] = mapped_column(Text)  # a name of app.services.job_registry
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(Text, server_default="queued")  # JobState
    progress: Mapped[float] = mapped_column(Double, server_default=text("0"))
    message_zh: Mapped[str | None] = mapped_column(Text)
    message_en: Mapped[str | None] = mapped_column(Text)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    run_id: Mapped[str | None] = mapped_column(Text)  # of the coverage run that it made or found
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # why it failed, in both languages
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    asked_by: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))  # of the latest attempt
    cancel_asked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    queue_id: Mapped[int | None] = mapped_column(BigInteger)
