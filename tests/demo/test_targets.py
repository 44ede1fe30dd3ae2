"""The plan's numbers are the plan's; the shares of the districts add up to them and say that they are made up."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.demo.facts import CITY_CODE, districts
from app.demo.targets import load_targets, plan_targets, shares
from app.services.acting import act_as
from app.services.actors import of_system


@given(st.integers(0, 10**7), st.lists(st.integers(1, 10**7), min_size=1, max_size=30))
def test_shares_add_up_and_are_near(value: int, weights: list[int]) -> None:
    made = shares(value, weights)
    assert sum(made) == value
    for share, weight in zip(made, weights, strict=True):
        assert abs(share - Fraction(value * weight, sum(weights))) < Fraction(1000001, 1000000)


def test_the_plan_s_numbers() -> None:
    rows = plan_targets(districts())
    city = {(r["measure"], r["due_on"]): r["value"] for r in rows if r["area_code"] == CITY_CODE and not r["synthetic"]}
    assert city == {
        ("stations", date(2025, 12, 31)): 250,
        ("stations", date(2026, 12, 31)): 300,
        ("stations", date(2027, 12, 31)): 350,
        ("trainee_visits", date(2027, 12, 31)): 1_000_000,
        ("districts_covered", date(2025, 12, 31)): 11,
    }
    assert all(r["note"] and ("示范" in r["note"]) == r["synthetic"] for r in rows)


def test_districts_add_up_to_the_city() -> None:
    sums: dict[tuple[str, date, bool], int] = defaultdict(int)
    for row in plan_targets(districts()):
        sums[row["measure"], row["due_on"], row["area_code"] == CITY_CODE] += row["value"]
    for (measure, due_on, is_city), value in sums.items():
        assert sums[measure, due_on, not is_city] == value


def test_they_are_written_once(session: Session) -> None:
    act_as(session, of_system("demo"))
    assert load_targets(session) == len(plan_targets(districts()))
    assert load_targets(session) == 0
    actors = session.execute(text("SELECT DISTINCT actor, channel FROM audit_log WHERE kind = 'target'")).all()
    assert [tuple(row) for row in actors] == [("demo", "system")]
