"""Signing up for sessions: seats that are taken, who took them (as little as is needed), and who came."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base

LIVE = "state IN ('confirmed', 'waiting', 'attended', 'absent')"


class SessionSeats(Base):
    """How many seats of a session are taken. Whoever gives or takes one holds this row's lock: so they are exact."""

    __tablename__ = "session_seats"
    __table_args__ = (CheckConstraint("taken >= 0 AND waiting >= 0", name="counts"),)

    session_id: Mapped[int] = mapped_column(ForeignKey("course_sessions.id"), primary_key=True, autoincrement=False)
    taken: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    waiting: Mapped[int] = mapped_column(Integer, server_default=text("0"))


class SignUp(Base):
    """One person for one session, known by a code of which the hash is kept. The phone number is encrypted; its keyed
    hash tells whether the same person signs up twice. Both are erased after ``erase_after``, or when it is cancelled.
    """

    __tablename__ = "sign_ups"
    __table_args__ = (
        CheckConstraint("state IN ('confirmed', 'waiting', 'cancelled', 'attended', 'absent')", name="state"),
        Index("uq_sign_ups_person", "session_id", "phone_mac", unique=True, postgresql_where=text(LIVE)),
        Index("ix_sign_ups_session_id", "session_id", "id"),
        Index("ix_sign_ups_phone_mac", "phone_mac", postgresql_where=text("state IN ('confirmed', 'waiting')")),
        Index("ix_sign_ups_erase_after", "erase_after", postgresql_where=text("phone_encrypted IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("course_sessions.id"))
    code_sha256: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    state: Mapped[str] = mapped_column(Text)  # SignUpState
    target_group: Mapped[str] = mapped_column(Text)  # TargetGroup
    phone_encrypted: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_mac: Mapped[bytes | None] = mapped_column(LargeBinary)
    erase_after: Mapped[date] = mapped_column(Date)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class SessionAttendance(Base):
    """How many of each group came to a session: what was added to the training ledger, without persons."""

    __tablename__ = "session_attendance"
    __table_args__ = (CheckConstraint("attended >= 0 AND certificates >= 0", name="counts"),)

    session_id: Mapped[int] = mapped_column(ForeignKey("course_sessions.id"), primary_key=True, autoincrement=False)
    target_group: Mapped[str] = mapped_column(Text, primary_key=True)
    attended: Mapped[int] = mapped_column(Integer)
    certificates: Mapped[int] = mapped_column(Integer, server_default=text("0"))
