"""Courses, their sessions, and the training ledger (培训台账)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Course(Base):
    """What a station teaches. Ended ones are kept. An online course has a link and no place."""

    __tablename__ = "courses"
    __table_args__ = (
        CheckConstraint("fee_yuan >= 0 AND seats >= 0", name="counts"),
        CheckConstraint("form <> 'online' OR online_url IS NOT NULL", name="online_url"),
        Index("ix_courses_station_code", "station_code", "id"),
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    station_code: Mapped[str] = mapped_column(ForeignKey("stations.code"))
    title: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)  # CourseKind
    form: Mapped[str] = mapped_column(Text)  # CourseForm
    skill: Mapped[str | None] = mapped_column(Text)  # 技能或工种
    industry: Mapped[str | None] = mapped_column(Text)
    target_groups: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'::text[]"))
    fee_yuan: Mapped[Decimal] = mapped_column(Numeric(10, 2), server_default=text("0"))  # 0: free
    subsidised: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    subsidy_note: Mapped[str | None] = mapped_column(Text)
    seats: Mapped[int | None] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(Text, server_default="offered")  # CourseStatus
    online_url: Mapped[str | None] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class CourseSession(Base):
    """One time that a course is held. Cancelled ones are kept."""

    __tablename__ = "course_sessions"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="times"),
        CheckConstraint("seats >= 0 AND attended >= 0 AND certificates >= 0", name="counts"),
        Index("ix_course_sessions_course_id", "course_id", "starts_at"),
        Index("ix_course_sessions_starts_at", "starts_at", "id"),
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id"))
    starts_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ends_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    seats: Mapped[int | None] = mapped_column(Integer)
    teacher: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, server_default="planned")  # SessionStatus
    attended: Mapped[int | None] = mapped_column(Integer)
    certificates: Mapped[int | None] = mapped_column(Integer)
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class TrainingFigures:
    """What is reported of one station, quarter, kind of training and group of people."""

    station_code: Mapped[str] = mapped_column(Text)
    quarter: Mapped[str] = mapped_column(Text)  # 2026Q1
    kind: Mapped[str] = mapped_column(Text)  # CourseKind
    target_group: Mapped[str] = mapped_column(Text)  # TargetGroup
    sessions_held: Mapped[int] = mapped_column(Integer)
    trainee_visits: Mapped[int] = mapped_column(Integer)  # 人次
    training_hours: Mapped[Decimal] = mapped_column(Numeric(10, 1))
    certificates: Mapped[int] = mapped_column(Integer)
    note: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class TrainingEntry(TrainingFigures, Base):
    """One line of the training ledger as it is known now, since ``known_from``."""

    __tablename__ = "training_entries"
    __table_args__ = (
        UniqueConstraint("station_code", "quarter", "kind", "target_group", name="uq_training_entries_line"),
        CheckConstraint(
            "sessions_held >= 0 AND trainee_visits >= 0 AND training_hours >= 0 AND certificates >= 0", name="counts"
        ),
        CheckConstraint("quarter ~ '^20[0-9]{2}Q[1-4]$'", name="quarter"),
        Index("ix_training_entries_quarter", "quarter", "station_code"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    station_code: Mapped[str] = mapped_column(ForeignKey("stations.code"))
    known_from: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.ledger_moment())


class TrainingEntryVersion(TrainingFigures, Base):
    """What was known of a line from ``known_from`` until ``known_to``. Written by a trigger alone."""

    __tablename__ = "training_entry_versions"
    __table_args__ = (
        CheckConstraint("known_to > known_from", name="known"),
        Index("ix_training_entry_versions_known_to", "known_to"),
        Index("ix_training_entry_versions_line", "station_code", "quarter", "kind", "target_group"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    entry_id: Mapped[int] = mapped_column(BigInteger)
    known_from: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    known_to: Mapped[datetime] = mapped_column(DateTime(timezone=True))
