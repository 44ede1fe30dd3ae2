"""The office's calendar years."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.models import CalendarYearRow


def list_years(session: Session) -> Sequence[CalendarYearRow]:
    """All of them, in order."""
    return session.scalars(select(CalendarYearRow).order_by(CalendarYearRow.year)).all()


def get_year(session: Session, year: int) -> CalendarYearRow | None:
    return session.get(CalendarYearRow, year, populate_existing=True)


def insert_year(session: Session, values: Mapping[str, Any]) -> None:
    session.execute(insert(CalendarYearRow).values(**values))


def update_year(session: Session, year: int, values: Mapping[str, Any]) -> None:
    session.execute(update(CalendarYearRow).where(CalendarYearRow.year == year).values(**values))
