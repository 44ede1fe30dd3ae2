"""Where a figure should be by now, and where it goes: plain lines, no model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app.models.vocabularies import TargetPace
from app.services.plan import PLAN_START

FORECAST_QUARTERS = 4
FARTHEST_DAYS = 3653  # ten years: beyond, no day is named


@dataclass(frozen=True)
class Point:
    """A figure on a day."""

    on: date
    value: int


@dataclass(frozen=True)
class Forecast:
    """If it went on as in the last quarters: ``value`` on ``due_on``, ``reaches_on`` the day the target is reached,
    None where it is already, or will not be in ten years.

    ``per_quarter`` is the slope of the least-squares line through the ends of the quarters from ``first`` to ``last``.
    """

    due_on: date
    value: float
    per_quarter: float
    reaches_on: date | None
    first: date
    last: date


def expected_at(targets: Sequence[tuple[date, int]], day: date) -> float | None:
    """What should be there on a day: zero when the plan began, linear from due day to due day, level after the last.

    ``targets`` are by day, each day once. None without any.
    """
    if not targets:
        return None
    (before, low), *rest = [(PLAN_START, 0), *(t for t in targets if t[0] > PLAN_START)]
    begun = [value for due, value in targets if due <= PLAN_START]
    if begun:
        low = begun[-1]
    if day <= before:
        return float(low)
    for due, value in rest:
        if day <= due:
            return low + (value - low) * (day - before).days / (due - before).days
        before, low = due, value
    return float(low)


def pace_of(actual: int, expected: float | None, target: int | None, is_over: bool) -> TargetPace:
    """``target`` is the next that is due, or the last that was; ``is_over``: its day is past."""
    if target is None or expected is None:
        return TargetPace.NO_TARGET
    if actual >= target:
        return TargetPace.MET
    if is_over:
        return TargetPace.MISSED
    return TargetPace.AHEAD if actual >= expected else TargetPace.BEHIND


def forecast(quarters: Sequence[Point], latest: Point, due_on: date, target: int) -> Forecast | None:
    """From ``latest`` on with the slope of the last four quarters' ends. None with fewer than two of them, or where
    the target's day is over."""
    used = quarters[-FORECAST_QUARTERS:]
    if len(used) < 2 or due_on <= latest.on:
        return None
    x = [(point.on - used[0].on).days for point in used]
    mean_x, mean_y = sum(x) / len(x), sum(point.value for point in used) / len(used)
    slope = sum((a - mean_x) * (point.value - mean_y) for a, point in zip(x, used, strict=True)) / sum(
        (a - mean_x) ** 2 for a in x
    )
    reaches_on = None
    if slope > 0 and latest.value < target:
        days = math.ceil((target - latest.value) / slope)
        reaches_on = latest.on + timedelta(days) if days <= FARTHEST_DAYS else None
    value = max(0.0, latest.value + slope * (due_on - latest.on).days)
    return Forecast(due_on, value, slope * 365.25 / 4, reaches_on, used[0].on, used[-1].on)
