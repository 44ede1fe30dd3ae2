"""Plain lines: expected by now, and where it goes."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models.vocabularies import TargetMeasure, TargetPace
from app.services.pace import Point, expected_at, forecast, pace_of
from app.services.plan import BATCH_DUE, PLAN_START, default_due, quarter_ends

PLAN = [(date(2025, 12, 31), 250), (date(2026, 12, 31), 300), (date(2027, 12, 31), 350)]


def test_the_plan_s_own_days() -> None:
    assert expected_at(PLAN, PLAN_START) == 0
    assert expected_at(PLAN, PLAN_START - timedelta(1)) == 0
    assert [expected_at(PLAN, due) for due, _ in PLAN] == [250, 300, 350]
    assert expected_at(PLAN, date(2030, 1, 1)) == 350
    days = (date(2026, 9, 30) - date(2025, 12, 31)).days
    assert expected_at(PLAN, date(2026, 9, 30)) == pytest.approx(float(250 + Fraction(50 * days, 365)))
    assert expected_at([], date(2026, 1, 1)) is None


def test_a_target_of_before_the_plan_is_where_the_line_begins() -> None:
    assert expected_at([(date(2025, 1, 31), 10), (date(2025, 12, 31), 20)], PLAN_START) == 10


dates = st.dates(PLAN_START, date(2028, 1, 1))


@given(st.dictionaries(dates, st.integers(0, 10**6), min_size=1, max_size=6), dates)
def test_the_line_is_numpy_s(targets: dict[date, int], day: date) -> None:
    line = sorted(targets.items())
    points = {PLAN_START: 0} | targets
    x, y = zip(*sorted((d.toordinal(), v) for d, v in points.items()), strict=True)
    assert expected_at(line, day) == pytest.approx(np.interp(day.toordinal(), x, y))


def test_where_it_stands() -> None:
    assert pace_of(300, 280.0, 300, False) is TargetPace.MET
    assert pace_of(280, 280.0, 300, False) is TargetPace.AHEAD
    assert pace_of(279, 280.0, 300, False) is TargetPace.BEHIND
    assert pace_of(299, 300.0, 300, True) is TargetPace.MISSED
    assert pace_of(5, None, None, False) is TargetPace.NO_TARGET


@given(st.lists(st.integers(0, 5000), min_size=2, max_size=9), st.integers(0, 5000))
def test_the_slope_is_that_of_the_last_four_quarters(figures: list[int], latest: int) -> None:
    ends = quarter_ends(date(2027, 9, 30))[: len(figures)]
    points = [Point(on, value) for on, value in zip(ends, figures, strict=True)]
    last = Point(ends[-1] + timedelta(20), latest)
    made = forecast(points, last, date(2028, 12, 31), 4000)
    assert made is not None and (made.first, made.last) == (ends[-4:][0], ends[-1])
    slope, _ = np.polyfit([on.toordinal() for on in ends[-4:]], figures[-4:], 1)
    reached = latest + slope * (date(2028, 12, 31) - last.on).days
    assert made.value == pytest.approx(max(0.0, reached), abs=1e-3)
    assert made.per_quarter == pytest.approx(slope * 91.3125, abs=1e-3)
    assert made.reaches_on is None or latest < 4000
    if made.reaches_on is not None:
        days = (made.reaches_on - last.on).days
        assert latest + slope * days >= 4000 - 1e-6 and latest + slope * (days - 1) < 4000 + 1e-6


def test_nothing_is_forecast_from_one_quarter_or_for_a_day_that_is_over() -> None:
    points = [Point(date(2025, 6, 30), 3), Point(date(2025, 9, 30), 9)]
    assert forecast(points[:1], points[0], date(2026, 1, 1), 9) is None
    assert forecast(points, points[1], date(2025, 9, 30), 9) is None
    falling = forecast([Point(date(2025, 6, 30), 9), Point(date(2025, 9, 30), 3)], points[1],
                       date(2027, 9, 30), 20)  # fmt: skip
    assert falling is not None and falling.value == 0 and falling.reaches_on is None


def test_days_of_the_plan() -> None:
    assert default_due(TargetMeasure.STATIONS, 2026) == date(2026, 12, 31)
    assert [default_due(TargetMeasure.SELECTED_STATIONS, year) for year in (2025, 2026, 2027)] == list(
        BATCH_DUE.values()
    )
    assert default_due(TargetMeasure.SELECTED_STATIONS, 2028) == date(2028, 12, 31)
    assert quarter_ends(date(2025, 6, 29)) == []
    assert quarter_ends(date(2026, 3, 31)) == [
        date(2025, 6, 30), date(2025, 9, 30), date(2025, 12, 31), date(2026, 3, 31),
    ]  # fmt: skip
