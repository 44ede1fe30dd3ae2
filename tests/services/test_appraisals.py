"""Yearly appraisals over known facts, told again by hand; drafts, publication, exemplars."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.errors import Conflict, Forbidden, InvalidInput, NotFound, OutOfScope, StaleVersion
from app.models.vocabularies import AppraisalGrade, ComplaintSubject, ExemplarState, FindingSeverity, Standard, Verdict
from app.repositories.quality_appraisals import ScoreRow
from app.repositories.quality_places import Place
from app.services import appraisals, complaints, exemplars, inspections, ratings
from app.services.actors import Actor
from app.services.appraisals import position_of
from app.services.complaints import NewComplaint
from app.services.exemplars import NewExemplar
from app.services.inspections import FindingFacts, InspectionFacts
from app.services.ratings import NewRating
from app.services.station_quality import station_quality
from app.services.visitors import visitor_of
from app.settings import QualitySettings
from tests.api.conftest import load_known_city
from tests.support.ledger import new_moment
from tests.support.quality import CITY, ELSEWHERE, FIRST, HERE, SECOND, TOWN, VIEWER

RULES = QualitySettings()
AFTER = date(2026, 1, 20)  # stations opened on 2025-06-01: 214 days of 2025


@pytest.fixture
def city(session: Session) -> Session:
    load_known_city(session)
    return session


def known_year(session: Session) -> None:
    """Facts of 2025 about one station, and training of another one."""
    session.execute(
        text(
            "UPDATE stations SET seats = 50, staff_count = 4, staff_trained_count = 3, training_met = true "
            "WHERE code = :code"
        ),
        {"code": HERE},
    )
    new_moment(session)
    seen = InspectionFacts(date(2025, 9, 1), Verdict.MET, Verdict.PARTLY, score_construction=80, score_operation=91)
    late, prompt = (
        FindingFacts(severity, "问题", date(2025, 9, 15), Standard.SERVICE)
        for severity in (FindingSeverity.CRITICAL, FindingSeverity.MINOR)
    )
    view = inspections.add_inspection(session, FIRST, HERE, seen, [late, prompt])
    inspections.remedy_finding(session, FIRST, view.findings[0].id, 1, date(2025, 9, 16), "晚一天")
    inspections.remedy_finding(session, FIRST, view.findings[1].id, 1, date(2025, 9, 15), "按期")
    wrong = InspectionFacts(date(2025, 10, 1), Verdict.NOT_MET, score_operation=0)
    cancelled = inspections.add_inspection(session, FIRST, HERE, wrong)
    inspections.cancel_inspection(session, FIRST, cancelled.row.id, 1, "录错")
    for code, visits in ((HERE, 400), (ELSEWHERE, 10)):
        session.execute(
            text(
                "INSERT INTO training_entries (station_code, quarter, kind, target_group, sessions_held, "
                "trainee_visits, training_hours, certificates) VALUES "
                "(:code, '2025Q4', 'project', 'women', 9, :n, 9, 0), "
                "(:code, '2026Q1', 'project', 'women', 9, 9999, 9, 0)"
            ),
            {"code": code, "n": visits},
        )
    for stars in (5, 4):
        code = ratings.issue_codes(session, FIRST, HERE, 1, 90, day=date(2025, 10, 1)).codes[0]
        who = visitor_of(session, "a", day=date(2025, 10, 2))
        ratings.rate(session, who, NewRating(HERE, stars, visit_code=code), RULES)
    for k, day in enumerate((date(2025, 8, 1), date(2025, 8, 1), date(2025, 12, 30))):
        who = visitor_of(session, str(k), day=day)
        row = complaints.file_complaint(session, who, NewComplaint(HERE, ComplaintSubject.FEES, "贵"), RULES)
        if k == 0:
            session.execute(
                text("UPDATE complaints SET state = 'answered', first_answered_on = first_due_on WHERE id = :id"),
                {"id": row.id},
            )


def draft(session: Session, year: int = 2025, day: date = AFTER, **rules: Any) -> str:
    new_moment(session)
    return appraisals.make_draft(session, CITY, year, RULES.model_copy(update=rules), day=day).scores_sha256


def scores(session: Session, actor: Actor = CITY, **wanted: Any) -> list[ScoreRow]:
    values = {"types": (), "grades": (), "after": None, "limit": 100, **wanted}
    return appraisals.list_scores(session, actor, 2025, Place(), **values)


def parts(session: Session, code: str = HERE) -> dict[str, dict[str, Any]]:
    row = appraisals.get_score(session, CITY, 2025, code).score
    return {part["component"]: part for part in row.components}


def test_every_component_is_as_told_by_hand(city: Session) -> None:
    known_year(city)
    draft(city)
    held = parts(city)
    told = {name: part["points"] for name, part in held.items()}
    assert told == {
        "standards": 83.33,  # met 1, partly 1/2 (inspected), met 1 (ledger): 2.5 of 3
        "inspection": 85.5,  # (80 + 91) / 2
        "findings": 25.0,  # the minor one (1) of minor and critical (1 + 3)
        "training": 56.85,  # 400 of 50 × 24 × 214 / 365 = 703.56
        "staff_trained": 75.0,
        "rating": 69.64,  # ((5 × 3.5 + 9) / 7 − 1) / 4
        "complaints": 50.0,  # one of two that were due in the year; the third was due in January
    }
    assert all(part["weight"] == part["weight_used"] for part in held.values())
    row = appraisals.get_score(city, CITY, 2025, HERE).score
    # 0.2 × 83.33 + 0.15 × 85.5 + 0.1 × 25 + 0.25 × 56.85 + 0.1 × (75 + 69.64 + 50)
    assert row.score == Decimal("65.67") and row.days_open == 214
    assert round(sum(part["contribution"] for part in held.values()), 2) == 65.67
    assert row.grade == AppraisalGrade.QUALIFIED and row.rank == 1
    assert "2025-09-01" in held["standards"]["text_zh"] and "400 trainee-visits" in held["training"]["text_en"]


def test_what_is_missing_is_said_and_shared_out(city: Session) -> None:
    known_year(city)
    city.execute(text("UPDATE stations SET signage_met = true WHERE code IN ('S-000', 'S-003')"))
    city.execute(text("UPDATE stations SET seats = 10 WHERE code IN ('S-000', 'S-003')"))
    city.execute(text("UPDATE stations SET staff_count = 2, staff_trained_count = 1 WHERE code = 'S-003'"))
    draft(city)
    held = parts(city, "S-003")
    assert [name for name, part in held.items() if part["points"] is None] == [
        "inspection", "findings", "rating", "complaints",
    ]  # fmt: skip
    assert "权重" in held["rating"]["text_zh"] and held["rating"]["weight_used"] == 0
    assert held["standards"]["weight_used"] == pytest.approx(20 / 55 * 100, abs=1e-3)
    row = appraisals.get_score(city, CITY, 2025, "S-003").score
    assert row.score == Decimal("45.45") and row.grade == AppraisalGrade.UNQUALIFIED  # (20 × 100 + 0 + 10 × 50) / 55
    unranked = appraisals.get_score(city, CITY, 2025, "S-000").score  # known: 45 of 100
    assert (unranked.score, unranked.rank, unranked.grade) == (None, None, None)
    assert position_of(scores(city)[-1]) > position_of(row)


def test_only_stations_that_were_open_long_enough(city: Session) -> None:
    city.execute(text("UPDATE stations SET opened_on = '2025-10-03' WHERE code = 'S-000'"))  # 90 days
    city.execute(text("UPDATE stations SET opened_on = '2025-10-04' WHERE code = 'S-001'"))
    new_moment(city)
    draft(city)
    codes = {row.station_code: row.days_open for row in scores(city)}
    assert codes["S-000"] == 90 and "S-001" not in codes and "S-002" not in codes  # S-002 is planned
    assert codes["S-004"] == 214  # closed on 2026-01-01
    with pytest.raises(NotFound):
        appraisals.get_score(city, CITY, 2025, "S-001")


def test_ties_share_a_rank_overall_and_by_type(city: Session) -> None:
    city.execute(text("UPDATE stations SET signage_met = true, seats = 10, staff_count = 1, staff_trained_count = 1"))
    city.execute(text("UPDATE stations SET signage_met = false WHERE code IN ('S-000', 'S-001')"))
    new_moment(city)
    known_year(city)
    draft(city)
    rows = scores(city)
    assert [row.rank for row in rows] == sorted(1 + sum(o.score > r.score for o in rows) for r in rows)  # type: ignore[operator]
    for row in rows:
        same = [other for other in rows if other.station_type == row.station_type]
        assert row.rank_in_type == 1 + sum(other.score > row.score for other in same)  # type: ignore[operator]
    assert len({row.rank for row in rows}) < len(rows)
    paged, after = [], None
    while page := scores(city, limit=3, after=after):
        paged += page
        after = position_of(page[-1])
    assert paged == rows


def test_same_facts_same_ranking(city: Session) -> None:
    known_year(city)
    first, before = draft(city), scores(city)
    assert draft(city) == first and scores(city) == before
    assert draft(city, appraisal_visits_per_seat=48.0) != first
    assert parts(city)["training"]["points"] == 28.43
    assert draft(city) == first


def test_a_published_year_stays_as_it_is(city: Session) -> None:
    known_year(city)
    draft(city)
    with pytest.raises(StaleVersion):
        appraisals.publish(city, CITY, 2025, 7, day=AFTER)
    made = appraisals.publish(city, CITY, 2025, 1, day=AFTER)
    assert made.published_on == AFTER and made.published_by == CITY.username
    before = scores(city)
    with pytest.raises(Conflict):
        draft(city)
    with pytest.raises(Conflict):
        appraisals.publish(city, CITY, 2025, made.version, day=AFTER)
    for statement in (
        "UPDATE appraisal_scores SET score = 100", "DELETE FROM appraisal_scores", "DELETE FROM appraisals",
        "UPDATE appraisals SET state = 'draft', published_on = NULL", "TRUNCATE appraisal_scores",
        "INSERT INTO appraisal_scores SELECT year, 'S-002', station_name, station_type, district_code, town_code, "
        "days_open, score, grade, rank, rank_in_type, components FROM appraisal_scores LIMIT 1",
    ):  # fmt: skip
        with pytest.raises(Exception, match="may not be changed"), city.begin_nested():
            city.execute(text(statement))
    city.execute(text("UPDATE stations SET staff_trained_count = 4 WHERE code = :code"), {"code": HERE})
    assert scores(city) == before
    shown = station_quality(city, HERE, RULES)
    assert (shown.grade, shown.graded_year) == (AppraisalGrade.QUALIFIED, 2025)


def test_a_year_that_is_not_over_can_be_looked_at_and_not_published(city: Session) -> None:
    draft(city, day=date(2025, 11, 30))
    assert {row.days_open for row in scores(city)} == {183}
    with pytest.raises(Conflict):
        appraisals.publish(city, CITY, 2025, 1, day=date(2026, 1, 2))
    for year, day in ((2024, AFTER), (2027, AFTER)):
        with pytest.raises(InvalidInput):
            draft(city, year, day)
    with pytest.raises(Conflict):
        draft(city, 2025, date(2025, 6, 30))  # nobody was open for 90 days


def test_who_may_appraise_and_who_sees_it(city: Session) -> None:
    with pytest.raises(Forbidden):
        appraisals.make_draft(city, FIRST, 2025, RULES, day=AFTER)
    draft(city)
    with pytest.raises(Forbidden):
        appraisals.publish(city, FIRST, 2025, 1, day=AFTER)
    for actor in (TOWN, VIEWER):
        assert appraisals.list_appraisals(city, actor) == []
        with pytest.raises(NotFound):
            scores(city, actor)
    mine = scores(city, FIRST)
    assert mine and {row.district_code for row in mine} == {"9001"} and len(mine) < len(scores(city))
    with pytest.raises(OutOfScope):
        appraisals.get_score(city, FIRST, 2025, ELSEWHERE)
    assert station_quality(city, HERE, RULES).grade is None  # a draft is nobody's business yet
    appraisals.publish(city, CITY, 2025, 1, day=AFTER)
    assert {row.town_code for row in scores(city, TOWN)} == {"900101"} and scores(city, VIEWER) == mine


def test_the_district_proposes_and_the_city_names(city: Session) -> None:
    new = NewExemplar(HERE, 2025, "“产业+培训”典型样板", "夜校")
    for actor, fault in ((TOWN, Forbidden), (SECOND, OutOfScope)):
        with pytest.raises(fault):
            exemplars.add_exemplar(city, actor, new)
    with pytest.raises(InvalidInput):
        exemplars.add_exemplar(city, FIRST, NewExemplar(HERE, 2099, "x", "x"))
    proposed = exemplars.add_exemplar(city, FIRST, new)
    assert proposed.state == ExemplarState.PROPOSED and station_quality(city, HERE, RULES).exemplar_titles == []
    with pytest.raises(Conflict):
        exemplars.add_exemplar(city, CITY, new)
    with pytest.raises(Forbidden):
        exemplars.name_exemplar(city, FIRST, proposed.id, 1)
    named = exemplars.name_exemplar(city, CITY, proposed.id, 1)
    assert (named.state, named.decided_by) == (ExemplarState.NAMED, CITY.username)
    assert station_quality(city, HERE, RULES).exemplar_titles == [(2025, "“产业+培训”典型样板")]
    with pytest.raises(Forbidden):
        exemplars.withdraw_exemplar(city, FIRST, named.id, 2, "不符")
    gone = exemplars.withdraw_exemplar(city, CITY, named.id, 2, "不符")
    assert gone.state == ExemplarState.WITHDRAWN and station_quality(city, HERE, RULES).exemplar_titles == []
    with pytest.raises(Conflict):
        exemplars.name_exemplar(city, CITY, gone.id, 3)
    assert exemplars.add_exemplar(city, CITY, new).state == ExemplarState.NAMED
    listed = exemplars.list_exemplars(city, FIRST, Place(), year=2025, states=(), before_id=None, limit=9)
    assert [row.state for row in listed] == ["named", "withdrawn"]
    none = exemplars.list_exemplars(city, SECOND, Place(), year=None, states=(), before_id=None, limit=9)
    assert none == []


def test_the_public_sees_the_latest_verdicts(city: Session) -> None:
    city.execute(text("UPDATE stations SET training_met = false, signage_met = false WHERE code = :c"), {"c": HERE})
    for day, verdict in ((date(2026, 3, 1), Verdict.NOT_MET), (date(2026, 4, 1), Verdict.MET)):
        inspections.add_inspection(city, FIRST, HERE, InspectionFacts(day, verdict))
    older = InspectionFacts(date(2026, 3, 1) - timedelta(days=9), verdict_service=Verdict.PARTLY)
    inspections.add_inspection(city, FIRST, HERE, older)
    shown = station_quality(city, HERE, RULES)
    assert [(s.standard.value, s.verdict.value, s.checked_on) for s in shown.standards] == [
        ("signage", "met", date(2026, 4, 1)), ("service", "partly", date(2026, 2, 20)), ("training", "not_met", None),
    ]  # fmt: skip
    assert shown.last_inspected_on == date(2026, 4, 1)
