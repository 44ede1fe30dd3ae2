"""Which days are holidays and make-up workdays: what the library announces, and what the office entered instead."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from app.geo.opening_hours import Calendar, CalendarYear
from app.repositories import calendar as repo


def load_calendar(session: Session) -> Calendar:
    """The calendar that hours are read by. A year of the office replaces the library's whole."""
    years = [
        CalendarYear(
            row.year,
            {date.fromisoformat(one["date"]): one.get("name") or "" for one in row.holidays},
            frozenset(date.fromisoformat(day) for day in row.workdays),
        )
        for row in repo.list_years(session)
    ]
    return Calendar.of_library().with_years(years)
