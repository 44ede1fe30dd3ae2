"""Quarterly reports of stations to towns, of towns to districts, of districts to the city; and every step of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Report(Base):
    """The state of one report now. There is no row for a draft that nobody has ever submitted.

    ``totals`` are the figures as they were submitted last; ``missing`` names those below that are not in it and why.
    """

    __tablename__ = "reports"
    __table_args__ = (
        UniqueConstraint("level", "subject_code", "quarter", name="uq_reports_subject"),
        CheckConstraint("quarter ~ '^20[0-9]{2}Q[1-4]$'", name="quarter"),
        Index("ix_reports_quarter", "quarter", "level", "subject_code"),
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    level: Mapped[str] = mapped_column(Text)  # ReportLevel
    subject_code: Mapped[str] = mapped_column(Text)  # of a station, a town or a district
    district_code: Mapped[str | None] = mapped_column(Text)
    town_code: Mapped[str | None] = mapped_column(Text)
    quarter: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)  # ReportState
    submitted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    submitted_by: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))  # accepted or returned
    decided_by: Mapped[str | None] = mapped_column(Text)
    return_reason: Mapped[str | None] = mapped_column(Text)
    totals: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    missing: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class ReportEvent(Base):
    """One step of a report. Added, never changed: the state at a moment is that of the last step until then."""

    __tablename__ = "report_events"
    __table_args__ = (Index("ix_report_events_report_id", "report_id", "at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    report_id: Mapped[int] = mapped_column(ForeignKey("reports.id"))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.ledger_moment())
    by: Mapped[str] = mapped_column(Text)
    from_state: Mapped[str] = mapped_column(Text)
    to_state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    totals: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    missing: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
