"""The arithmetic of yearly appraisals: weights, what is missing, ranks, and days open against a day-by-day count."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models.vocabularies import AppraisalComponent, AppraisalGrade, StationStatus
from app.repositories.quality_facts import StationPhase
from app.services.appraisal_measures import days_open
from app.services.appraisal_scores import LEAST_WEIGHT, WEIGHTS, Measured, Thresholds, points, ranks, score_of
from app.services.station_table import StationInfo

POINTS = st.integers(0, 10_000).map(lambda hundredths: Decimal(hundredths) / 100)
MAYBE = st.lists(st.none() | POINTS, min_size=len(WEIGHTS), max_size=len(WEIGHTS))


def measured(values: list[Decimal | None]) -> list[Measured]:
    return [Measured(c, None, value, "", "") for c, value in zip(AppraisalComponent, values, strict=True)]


def test_weights_sum_to_a_hundred_and_name_every_component() -> None:
    assert sum(WEIGHTS.values()) == 100 and set(WEIGHTS) == set(AppraisalComponent)


@given(MAYBE)
def test_a_score_is_the_weighted_mean_of_what_is_known(values: list[Decimal | None]) -> None:
    score = score_of(measured(values))
    known = [(WEIGHTS[c], v) for c, v in zip(AppraisalComponent, values, strict=True) if v is not None]
    weight = sum(w for w, _ in known)
    if weight < LEAST_WEIGHT:
        assert score.value is None and all(part.contribution == 0 for part in score.components)
        return
    mean = sum(Fraction(v) * w for w, v in known) / weight
    assert score.value is not None and abs(Fraction(score.value) - mean) <= Fraction(1, 200)
    assert sum(part.contribution for part in score.components) == score.value
    assert sum(part.weight_used for part in score.components) == pytest.approx(100, abs=0.001)
    for part in score.components:
        assert (part.weight_used == 0) == (part.measured.points is None)


@given(MAYBE, st.sampled_from(range(len(WEIGHTS))), POINTS)
def test_more_points_never_lower_a_score(values: list[Decimal | None], at: int, more: Decimal) -> None:
    held = values[at]
    if held is None:
        return
    better = [*values[:at], min(held + more, Decimal(100)), *values[at + 1 :]]
    before, after = score_of(measured(values)).value, score_of(measured(better)).value
    assert (before is None) == (after is None)
    assert before is None or after is None or after >= before


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.none() | POINTS, max_size=12))
def test_ranks_count_who_is_better(scores: dict[str, Decimal | None]) -> None:
    for code, place in ranks(scores).items():
        own = scores[code]
        if own is None:
            assert place is None
        else:
            assert place == 1 + sum(other is not None and other > own for other in scores.values())


def test_points_are_rounded_half_up_and_cut_off() -> None:
    assert points(Fraction(1, 3)) == Decimal("33.33") and points(Fraction(1, 20_000)) == Decimal("0.01")
    assert points(1.7) == 100 and points(-1) == 0
    assert str(points(1)) == "100.00"


def test_grades_begin_at_their_thresholds() -> None:
    grades = Thresholds(90, 80, 60)
    told = [grades.grade(Decimal(s)) for s in ("90.00", "89.99", "80", "79.99", "60", "59.99")]
    assert told == [
        AppraisalGrade.EXCELLENT, AppraisalGrade.GOOD, AppraisalGrade.GOOD, AppraisalGrade.QUALIFIED,
        AppraisalGrade.QUALIFIED, AppraisalGrade.UNQUALIFIED,
    ]  # fmt: skip


DAYS = st.dates(date(2025, 11, 1), date(2027, 2, 1))


@given(
    cuts=st.lists(DAYS, max_size=3, unique=True).map(sorted),
    facts=st.lists(
        st.tuples(st.sampled_from(StationStatus), st.none() | DAYS, st.none() | DAYS), min_size=4, max_size=4
    ),
)
def test_days_open_are_those_of_the_day_by_day_rule(
    cuts: list[date], facts: list[tuple[StationStatus, date | None, date | None]]
) -> None:
    edges = [None, *cuts, None]
    phases = [
        StationPhase("S", edges[k], edges[k + 1], facts[k][0].value, facts[k][1], facts[k][2])
        for k in range(len(edges) - 1)
    ]
    first, last = date(2026, 1, 1), date(2026, 12, 31)
    wanted, day = 0, first
    while day <= last:
        phase = next(
            p
            for p in phases
            if (p.valid_from is None or p.valid_from <= day) and (p.valid_to is None or day < p.valid_to)
        )
        info = StationInfo(
            "S", "", "community", "other", phase.status, None, phase.opened_on, phase.closed_on, None, None, 0, 0, False
        )
        wanted += info.is_open_on(day)
        day += timedelta(days=1)
    assert days_open(phases, first, last) == wanted
