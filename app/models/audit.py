"""Who wrote what: the audit log, and the requests that were answered once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Identity, Index, Integer, LargeBinary, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class AuditEntry(Base):
    """One row that was written, or one event. Nobody changes or removes it: triggers see to that.

    ``before`` and ``after`` hold what changed of a row that was changed, and all of one that was added or removed.
    """

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_at", "at", "id"),
        Index("ix_audit_log_subject", "kind", "key", "id"),
        Index("ix_audit_log_actor", "actor", "id"),
        Index("ix_audit_log_station_code", "station_code", "id"),
        Index("ix_audit_log_district_code", "district_code", "id"),
        Index("ix_audit_log_town_code", "town_code", "id"),
        Index("ix_audit_log_channel", "channel", "id"),
        Index(
            "ix_audit_log_event", "action", "id",
            postgresql_where=text("action NOT IN ('insert', 'update')"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    actor: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[int | None] = mapped_column(Integer)
    role: Mapped[str | None] = mapped_column(Text)  # Role
    scope_code: Mapped[str | None] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)  # Channel
    address: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)  # AuditAction
    kind: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    station_code: Mapped[str | None] = mapped_column(Text)
    district_code: Mapped[str | None] = mapped_column(Text)
    town_code: Mapped[str | None] = mapped_column(Text)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    database_user: Mapped[str] = mapped_column(Text, server_default=func.session_user())


class AnsweredRequest(Base):
    """The answer to a creating request that came with an idempotency key: sent again, it is answered from here."""

    __tablename__ = "answered_requests"

    asker: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    request_sha256: Mapped[str] = mapped_column(Text)  # method, path, body
    status: Mapped[int | None] = mapped_column(Integer)
    media_type: Mapped[str | None] = mapped_column(Text)
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), index=True)
