"""The days and quarters of the plan (穗人社 2025-05-30: §1 the targets, §6 the steps)."""

from __future__ import annotations

from datetime import date

from app.models.vocabularies import TargetMeasure
from app.services.quarters import quarter_of, quarters_until

PLAN_START = date(2025, 5, 30)
# 批次: the last day of selection (遴选) of each
BATCH_DUE = {1: date(2025, 6, 30), 2: date(2026, 3, 31), 3: date(2027, 3, 31)}


def default_due(measure: TargetMeasure, year: int) -> date:
    """The day by which a year's target is due: the batch's for selections, else the year's end."""
    if measure is TargetMeasure.SELECTED_STATIONS:
        for due in BATCH_DUE.values():
            if due.year == year:
                return due
    return date(year, 12, 31)


def quarter_ends(until: date) -> list[date]:
    """The last days of the plan's quarters, from 2025Q2 on, that are over by the end of ``until``."""
    return [quarter.last_day for quarter in quarters_until(quarter_of(until)) if quarter.last_day <= until]
