"""The demonstration city's targets: the plan's own numbers, and shares of the districts that nobody has set.

What the plan says (穗人社 2025-05-30, §1 and §6) is so: 250, 300 and 350 stations by the ends of 2025, 2026 and 2027, a
million trainee-visits in three years, every district with a station by the end of 2025. How they are shared among the
districts is not published: the shares here go by residents, and are marked as made up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from app.demo.facts import CITY_CODE, DistrictFact, districts
from app.models.vocabularies import TargetMeasure
from app.repositories.targets import any_targets, insert_targets
from app.services.plan import default_due

STATIONS = {2025: 250, 2026: 300, 2027: 350}
TRAINEE_VISITS = {2027: 1_000_000}
PLAN = "《广州市开展“羊城技能加油站”建设工作实施方案(2025-2027年)》(穗人社,2025-05-30)"
SHARED = "示范:按常住人口分摊的推算值,并非下达的目标 · made up: shared by residents, set by nobody"
SELECTION = "示范:方案只定遴选时限、未定数量,此处取当年建成目标 · made up: the plan names the day, not the number"


def load_targets(session: Session) -> int:
    """Write the targets unless there are any; the number written. The caller has said who acts."""
    if any_targets(session):
        return 0
    rows = plan_targets(districts())
    insert_targets(session, rows)
    return len(rows)


def plan_targets(facts: Sequence[DistrictFact]) -> list[dict[str, Any]]:
    """Rows of ``targets`` for the city (code 4401 among ``facts``) and its districts."""
    parts = [fact for fact in facts if fact.code != CITY_CODE]
    people = [fact.yearend2023_resident for fact in parts]
    made = []
    for measure, by_year, note, synthetic in (
        (TargetMeasure.STATIONS, STATIONS, f"{PLAN}一", False),
        (TargetMeasure.TRAINEE_VISITS, TRAINEE_VISITS, f"{PLAN}一:三年累计", False),
        (TargetMeasure.SELECTED_STATIONS, STATIONS, SELECTION, True),
    ):
        for year, value in by_year.items():
            due_on = default_due(measure, year)
            made.append(_row(CITY_CODE, measure, value, due_on, note, synthetic))
            for fact, share in zip(parts, shares(value, people), strict=True):
                made.append(_row(fact.code, measure, share, due_on, SHARED, True))
    covered, day = f"{PLAN}六(三):站点每个区基本覆盖", date(min(STATIONS), 12, 31)
    made.append(_row(CITY_CODE, TargetMeasure.DISTRICTS_COVERED, len(parts), day, covered, False))
    made += [_row(fact.code, TargetMeasure.DISTRICTS_COVERED, 1, day, covered, False) for fact in parts]
    return made


def shares(value: int, weights: Sequence[int]) -> list[int]:
    """Whole shares of a value by weight, by largest remainder: they add up to it."""
    exact = np.array(weights, dtype=np.float64) * value / sum(weights)
    whole = np.floor(exact).astype(np.int64)
    most = np.argsort(whole - exact, kind="stable")[: value - int(whole.sum())]
    whole[most] += 1
    return [int(share) for share in whole]


def _row(
    area_code: str, measure: TargetMeasure, value: int, due_on: date, note: str, synthetic: bool
) -> dict[str, Any]:  # fmt: skip
    return {
        "area_code": area_code, "measure": measure.value, "value": value, "due_on": due_on, "year": due_on.year,
        "note": note, "synthetic": synthetic,
    }  # fmt: skip
