"""Scenarios that planners keep."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, Identity, Index, Integer, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class SavedScenario(Base):
    """A named scenario. ``question`` is what is asked, as ``POST /v1/scenarios`` takes it; figures are never kept."""

    __tablename__ = "scenarios"
    __table_args__ = (
        CheckConstraint("shared IN ('private', 'office', 'link')", name="shared"),
        Index("ix_scenarios_owner", "owner", "id"),
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    owner: Mapped[str] = mapped_column(Text)  # a user's name
    name: Mapped[str] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
    shared: Mapped[str] = mapped_column(Text, server_default=text("'private'"))  # Sharing
    share_key: Mapped[str] = mapped_column(Text, unique=True)  # opens it to who has the link
    question: Mapped[dict[str, Any]] = mapped_column(JSONB)
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
