"""How a year's score comes about: pure arithmetic over what was measured.

A score is the weighted mean of the points (0 to 100) of the components that are known. What is not known of a station
takes no part: its weight goes to the others in proportion, and where more than half of the weight is unknown there is
no score at all. Points have two decimals, sums are exact, and halves are rounded up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from app.models.vocabularies import AppraisalComponent, AppraisalGrade

WEIGHTS: Mapping[AppraisalComponent, int] = {
    AppraisalComponent.STANDARDS: 20,
    AppraisalComponent.INSPECTION: 15,
    AppraisalComponent.FINDINGS: 10,
    AppraisalComponent.TRAINING: 25,
    AppraisalComponent.STAFF_TRAINED: 10,
    AppraisalComponent.RATING: 10,
    AppraisalComponent.COMPLAINTS: 10,
}
LEAST_WEIGHT = 50  # of 100: less is too little to compare a station by
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Measured:
    """One component of one station: the raw value in its own unit, points 0 to 100 (None: not known), and why."""

    component: AppraisalComponent
    raw: float | None
    points: Decimal | None
    text_zh: str
    text_en: str


@dataclass(frozen=True)
class Weighed:
    """A component in a score: ``weight_used`` is its share (of 100) when those that are missing are left out.

    ``contribution`` is what it adds; contributions sum to the score exactly.
    """

    measured: Measured
    weight: int
    weight_used: float
    contribution: Decimal


@dataclass(frozen=True)
class Score:
    """``value`` 0 to 100 with two decimals; None where too little is known."""

    value: Decimal | None
    components: tuple[Weighed, ...]


def points(share: Fraction | float) -> Decimal:
    """A share of 0 to 1 (beyond: cut off) as points of 0 to 100."""
    exact = min(max(Fraction(share), Fraction(0)), Fraction(1)) * 100
    return rounded(exact)


def rounded(value: Fraction) -> Decimal:
    """To two decimals, halves up."""
    hundredths = (value * 100 + Fraction(1, 2)).__floor__()
    return (Decimal(hundredths) / 100).quantize(CENT, rounding=ROUND_HALF_UP)


def score_of(measured: Sequence[Measured]) -> Score:
    """The score of one station. It never falls when the points of a component rise."""
    known = [m for m in measured if m.points is not None]
    present = sum(WEIGHTS[m.component] for m in known)
    exact = {m.component: Fraction(m.points or 0) * WEIGHTS[m.component] / present for m in known} if present else {}
    is_enough = present >= LEAST_WEIGHT
    value = rounded(sum(exact.values(), Fraction(0))) if is_enough else None
    parts = _parts(exact, value) if value is not None else {}
    weighed = tuple(
        Weighed(
            m, WEIGHTS[m.component], round(WEIGHTS[m.component] * 100 / present, 4) if m.component in exact else 0.0,
            parts.get(m.component, Decimal(0)),
        )
        for m in measured
    )  # fmt: skip
    return Score(value, weighed)


def _parts(exact: Mapping[AppraisalComponent, Fraction], value: Decimal) -> dict[AppraisalComponent, Decimal]:
    """Contributions in hundredths that sum to the score: the largest remainders get what is left."""
    whole = {component: (part * 100).__floor__() for component, part in exact.items()}
    left = int(value * 100) - sum(whole.values())
    order = sorted(exact, key=lambda c: (whole[c] - exact[c] * 100, list(AppraisalComponent).index(c)))
    for component in order[:left]:
        whole[component] += 1
    return {component: (Decimal(hundredths) / 100).quantize(CENT) for component, hundredths in whole.items()}


def ranks(scores: Mapping[str, Decimal | None]) -> dict[str, int | None]:
    """Places from 1 on, the best first; equal scores share a place and the next one is left out (1, 2, 2, 4)."""
    known = sorted((score for score in scores.values() if score is not None), reverse=True)
    first: dict[Decimal, int] = {}
    for place, score in enumerate(known, start=1):
        first.setdefault(score, place)
    return {code: None if score is None else first[score] for code, score in scores.items()}


@dataclass(frozen=True)
class Thresholds:
    """From which score on a grade is given."""

    excellent: float
    good: float
    qualified: float

    def grade(self, score: Decimal) -> AppraisalGrade:
        for least, grade in (
            (self.excellent, AppraisalGrade.EXCELLENT),
            (self.good, AppraisalGrade.GOOD),
            (self.qualified, AppraisalGrade.QUALIFIED),
        ):
            if score >= Decimal(str(least)):
                return grade
        return AppraisalGrade.UNQUALIFIED
