"""The office's own calendar: holidays and make-up workdays of years, in place of what the library announces."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, Integer, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class CalendarYearRow(Base):
    """One year, whole: ``holidays`` as ``[{"date", "name"}]``, ``workdays`` (调休) as ``["date"]``."""

    __tablename__ = "calendar_years"
    __table_args__ = (CheckConstraint("year BETWEEN 2000 AND 2100", name="year"),)

    year: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    holidays: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    workdays: Mapped[list[str]] = mapped_column(JSONB)
    source: Mapped[str] = mapped_column(Text)  # the notice that announced it
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
