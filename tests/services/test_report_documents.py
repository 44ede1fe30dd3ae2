"""The quarterly report beside sums of our own, and as it was known."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.errors import InvalidInput, NotReady, OutOfScope
from app.models.vocabularies import AreaLevel, Channel, CourseKind, Role, StationType, TargetGroup
from app.repositories.context import ledger_moment
from app.repositories.reports import StationSpan
from app.repositories.scope import Scope
from app.services.actors import Actor
from app.services.coverage import CoverageAnswer
from app.services.quarters import Quarter, quarter_of
from app.services.report_documents import QuarterlyReport, count_stations, quarterly_report
from app.services.station_ledger import Outcome
from app.services.station_table import today
from app.services.training import EntryEdit, save_entries
from app.settings import ReportSettings
from tests.api.conftest import load_known_city
from tests.support.ledger import new_moment

Q = Quarter(2026, 3)
SETTINGS = ReportSettings()


def officer(role: Role, level: AreaLevel, code: str) -> Actor:
    return Actor(None, f"{role.value}-{code}", "某", role, Scope(level, code), Channel.SESSION)


CITY = officer(Role.CITY_OFFICER, AreaLevel.CITY, "90")


def no_coverage(level: AreaLevel, within: str) -> CoverageAnswer:
    raise NotReady("还没有路网。", "There is no network yet.")


def report(
    session: Session, area: str = "90", quarter: Quarter = Q, known_at: datetime | None = None, actor: Actor = CITY
) -> QuarterlyReport:
    moment = known_at or ledger_moment(session)
    return quarterly_report(session, actor, area, quarter, SETTINGS, known_at=moment, coverage_of=no_coverage)


@pytest.fixture
def city(session: Session) -> Session:
    load_known_city(session)
    return session


@pytest.fixture
def lines(city: Session) -> list[EntryEdit]:
    """Lines of all quarters of the plan, of some stations."""
    chance = random.Random(7)
    codes = [f"S-{k:03d}" for k in range(23)]
    drawn = {
        (
            chance.choice(codes), chance.choice(["2025Q2", "2025Q4", "2026Q1", "2026Q2", "2026Q3", "2026Q4"]),
            chance.choice(list(CourseKind)).value, chance.choice(list(TargetGroup)).value,
        )
        for _ in range(300)
    }  # fmt: skip
    made = [
        EntryEdit(
            *key, chance.randint(1, 9), chance.randint(1, 90), Decimal(chance.randint(0, 99)) / 2, chance.randint(0, 5)
        )
        for key in sorted(drawn)
    ]  # fmt: skip
    new_moment(city)
    assert {r.outcome for r in save_entries(city, CITY, made)} == {Outcome.ADDED}
    return made


def test_every_sum_is_that_of_the_lines(city: Session, lines: list[EntryEdit]) -> None:
    rows = city.execute(text("SELECT code, district_code, town_code FROM stations"))
    places = {row.code: (row.district_code, row.town_code) for row in rows}
    for area, column in (("90", 0), ("9001", 1)):
        shown = report(city, area)
        inside = [one for one in lines if area in ("90", places[one.station_code][0])]
        assert shown.reconciles and shown.parts
        of_part = {line.code: line.visits for line in shown.parts}
        of_kind = {share.code: share.visits for share in shown.kinds}
        of_group = {share.code: share.visits for share in shown.groups}
        for held, name_of in (
            (of_part, lambda one, column=column: places[one.station_code][column]), (of_kind, lambda one: one.kind),
            (of_group, lambda one: one.target_group),
        ):  # fmt: skip
            for name, visits in held.items():
                own = [one for one in inside if name_of(one) == name]
                per_quarter: Counter[str] = Counter()
                for one in own:
                    per_quarter[one.quarter] += one.trainee_visits
                assert visits.quarter.trainee_visits == per_quarter["2026Q3"]
                assert visits.previous == per_quarter["2026Q2"]
                assert visits.year == sum(per_quarter[f"2026Q{k}"] for k in (1, 2, 3))  # not what came later
                assert visits.plan == sum(per_quarter.values()) - per_quarter["2026Q4"]
                now = [one for one in own if one.quarter == "2026Q3"]
                assert visits.quarter.training_hours == sum(one.training_hours for one in now)
                assert visits.quarter.stations == len({one.station_code for one in now})
        assert (
            shown.whole.visits.plan == sum(v.plan for v in of_kind.values()) == sum(v.plan for v in of_group.values())
        )


def test_the_same_moment_gives_the_same(city: Session, lines: list[EntryEdit]) -> None:
    moment = ledger_moment(city)
    before, narrow = report(city, known_at=moment), report(city, "9001", known_at=moment)
    new_moment(city)
    city.execute(text("UPDATE training_entries SET trainee_visits = trainee_visits + 1, certificates = 999"))
    city.execute(
        text("UPDATE stations SET seats = 1, name = name || '改', closed_on = '2026-08-01', status = 'closed'")
    )
    city.execute(text("UPDATE stations SET district_code = '9002', town_code = '900201' WHERE code < 'S-005'"))
    city.execute(
        text(
            "INSERT INTO courses (station_code, title, kind, form, seats, status, fee_yuan, subsidised)"
            " SELECT code, '课', 'special', 'evening_class', 1, 'offered', 0, false FROM stations"
        )
    )
    assert report(city, known_at=moment) == before
    assert report(city, "9001", known_at=moment) == narrow
    now = report(city)
    assert now.warnings != before.warnings and now.whole.stations != before.whole.stations
    assert now.whole.visits.quarter.certificates != before.whole.visits.quarter.certificates


def test_a_quarter_that_is_not_over(city: Session, lines: list[EntryEdit]) -> None:
    shown = report(city, quarter=quarter_of(today()))
    assert shown.reconciles and not shown.late and shown.coverage_gap is not None


def test_districts_see_their_own(city: Session) -> None:
    first = officer(Role.DISTRICT_OFFICER, AreaLevel.DISTRICT, "9001")
    town = officer(Role.TOWN_OFFICER, AreaLevel.TOWN, "900101")
    assert report(city, "9001", actor=first).area_name == "第1区"
    for actor, area in ((first, "90"), (first, "9002"), (town, "9001")):
        with pytest.raises(OutOfScope):
            report(city, area, actor=actor)
    with pytest.raises(InvalidInput):
        report(city, "900101")


def test_stations_at_the_quarter_s_end_and_what_happened_in_it() -> None:
    made = StationSpan("A", "站", "park", "open", None, None, date(2026, 7, 1), None, None, None, None, None)
    spans = [
        made,
        replace(made, code="B", opened_on=date(2026, 9, 30), plaque_hung_on=date(2026, 10, 1)),
        replace(made, code="C", opened_on=date(2026, 6, 30), closed_on=date(2026, 9, 30), status="closed"),
        replace(made, code="D", opened_on=date(2025, 6, 30), status="suspended", selected_on=date(2025, 1, 1)),
        replace(made, code="E", opened_on=date(2026, 10, 1), type="rural"),
        replace(made, code="F", valid_to=date(2026, 9, 1)),  # so only until then
    ]
    counts = count_stations(spans, Q)
    assert (counts.open, counts.opened, counts.closed, counts.suspended) == (2, 2, 1, 1)
    assert (counts.selected, counts.plaque_hung) == (1, 0)
    assert counts.by_type == {kind.value: 2 if kind == "park" else 0 for kind in StationType}
    assert counts.by_status == {
        ("park", "open"): 2, ("park", "closed"): 1, ("park", "suspended"): 1, ("rural", "open"): 1
    }  # fmt: skip
