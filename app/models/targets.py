"""Targets (目标) by area, measure and day, and what was known of them before."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Date, DateTime, Identity, Index, Integer, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class TargetColumns:
    """What is to be reached, the same for now and for then."""

    year: Mapped[int] = mapped_column(Integer)
    area_code: Mapped[str] = mapped_column(Text)  # no key: boundaries may be re-imported
    measure: Mapped[str] = mapped_column(Text)  # TargetMeasure
    value: Mapped[int] = mapped_column(BigInteger)  # at least so many
    due_on: Mapped[date] = mapped_column(Date)
    note: Mapped[str | None] = mapped_column(Text)  # where it comes from, in words
    synthetic: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))  # a share that nobody has set
    is_retired: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))  # raised by a trigger
    # the moment from which on it is known as it is
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.ledger_moment())


class Target(TargetColumns, Base):
    """So many of a measure in an area by a day. Those that no longer hold are retired, never removed."""

    __tablename__ = "targets"
    __table_args__ = (
        CheckConstraint("value >= 0", name="value"),
        CheckConstraint("year = extract(year FROM due_on)", name="year"),
        Index(
            "uq_targets_in_force", "area_code", "measure", "due_on", unique=True,
            postgresql_where=text("NOT is_retired"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)


class TargetVersion(TargetColumns, Base):
    """A target as it was known from ``updated_at`` until ``known_to``. Written by a trigger alone."""

    __tablename__ = "target_versions"
    __table_args__ = (CheckConstraint("known_to > updated_at", name="known"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    target_id: Mapped[int] = mapped_column(Integer, index=True)
    known_to: Mapped[datetime] = mapped_column(DateTime(timezone=True))
