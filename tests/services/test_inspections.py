"""Inspections and findings: who may do what, what the states allow, what counts as overdue."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.errors import Conflict, Forbidden, InvalidInput, NotFound, OutOfScope, StaleVersion
from app.models.vocabularies import FindingSeverity, FindingState, InspectionSubject, Standard, Verdict
from app.repositories.quality_inspections import FindingRow
from app.repositories.quality_places import Place
from app.services import inspections
from app.services.actors import Actor
from app.services.inspections import FindingFacts, InspectionFacts, InspectionView
from app.services.station_table import today
from tests.api.conftest import load_known_city
from tests.support.accounts import actor as account
from tests.support.ledger import new_moment
from tests.support.quality import CITY, ELSEWHERE, FIRST, HERE, SECOND, TOWN, VIEWER

SEEN = date(2026, 5, 6)
FACTS = InspectionFacts(SEEN, Verdict.MET, Verdict.PARTLY, score_operation=80, evidence=("照片",))


@pytest.fixture
def city(session: Session) -> Session:
    load_known_city(session)
    return session


def finding(due_on: date = SEEN + timedelta(days=14), **values: Any) -> FindingFacts:
    return FindingFacts(**{
        "severity": FindingSeverity.MAJOR, "text": "未公示投诉方式", "due_on": due_on, "standard": Standard.SERVICE,
        **values,
    })  # fmt: skip


def add(session: Session, actor: Actor = FIRST, station: str = HERE, *found: FindingFacts) -> InspectionView:
    new_moment(session)
    return inspections.add_inspection(session, actor, station, FACTS, found or [finding()])


def listed(session: Session, actor: Actor = FIRST, place: Place = Place(), **wanted: Any) -> list[FindingRow]:  # noqa: B008
    values = {"states": (), "overdue": False, "after": None, "limit": 100, **wanted}
    return inspections.list_findings(session, actor, place, **values)


def test_an_inspection_is_kept_with_its_findings_and_in_the_audit_log(city: Session) -> None:
    view = add(city)
    assert (view.row.inspector, view.row.verdict_service, view.row.verdict_training) == (
        "某人",
        "partly",
        "not_checked",
    )
    assert (view.row.findings, view.row.findings_not_closed, view.row.evidence) == (1, 1, ["照片"])
    assert [(f.standard, f.state, f.due_on) for f in view.findings] == [("service", "open", date(2026, 5, 20))]
    log = city.execute(text("SELECT kind, actor, station_code, district_code FROM audit_log WHERE kind ~ 'ins|find'"))
    assert set(log) == {
        ("inspection", FIRST.username, HERE, "9001"), ("finding", FIRST.username, HERE, "9001"),
    }  # fmt: skip


def test_nobody_inspects_outside_of_the_scope(city: Session) -> None:
    for actor, station in ((SECOND, HERE), (FIRST, ELSEWHERE), (TOWN, "S-000")):
        with pytest.raises(OutOfScope):
            add(city, actor, station)
    with pytest.raises(Forbidden):
        add(city, VIEWER)
    with pytest.raises(NotFound):
        add(city, CITY, "S-999")
    made = add(city)
    with pytest.raises(OutOfScope):
        inspections.get_inspection(city, SECOND, made.row.id)
    with pytest.raises(OutOfScope):
        inspections.remedy_finding(city, SECOND, made.findings[0].id, 1, SEEN, "已改")
    assert listed(city, SECOND) == [] and len(listed(city, FIRST)) == len(listed(city, CITY)) == 1
    with pytest.raises(OutOfScope):
        listed(city, SECOND, Place(station_code=HERE))


@pytest.mark.parametrize(
    ("facts", "found", "field"),
    [
        (InspectionFacts(SEEN), (), "verdict_signage"),
        (replace(FACTS, inspected_on=date(2024, 12, 31)), (), "inspected_on"),
        (replace(FACTS, inspected_on=date(2999, 1, 1)), (), "inspected_on"),
        (FACTS, (finding(), finding(SEEN - timedelta(days=1))), "findings.1.due_on"),
        (FACTS, (finding(subject=InspectionSubject.OPERATION),), "findings.0.standard"),
        (FACTS, (finding(standard=None),), "findings.0.standard"),
    ],
)
def test_what_makes_no_sense_is_refused(
    city: Session, facts: InspectionFacts, found: tuple[FindingFacts, ...], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        inspections.add_inspection(city, FIRST, HERE, facts, found)
    assert [item.field for item in refused.value.errors] == [field]
    assert city.scalar(text("SELECT count(*) FROM inspections")) == 0


def test_a_town_officer_changes_own_inspections_alone(city: Session) -> None:
    town = account(city, TOWN.role, "900101")
    own, other = add(city, town), add(city, FIRST)
    changed = inspections.change_inspection(city, town, own.row.id, 1, replace(FACTS, remarks="改"))
    assert (changed.row.remarks, changed.row.version) == ("改", 2)
    with pytest.raises(Forbidden):
        inspections.change_inspection(city, town, other.row.id, 1, FACTS)
    with pytest.raises(Forbidden):
        inspections.change_finding(city, town, other.findings[0].id, 1, finding())
    with pytest.raises(StaleVersion) as stale:
        inspections.change_inspection(city, FIRST, own.row.id, 1, replace(FACTS, score_operation=70))
    assert {item.field for item in stale.value.errors} == {"score_operation", "remarks"}
    with pytest.raises(InvalidInput):  # its finding would have been due before
        late = replace(FACTS, inspected_on=SEEN + timedelta(days=20))
        inspections.change_inspection(city, FIRST, own.row.id, 2, late)


def test_the_town_remedies_and_the_district_strikes_off(city: Session) -> None:
    found = add(city).findings[0]
    with pytest.raises(Conflict):
        inspections.close_finding(city, FIRST, found.id, 1)
    with pytest.raises(InvalidInput):
        inspections.remedy_finding(city, TOWN, found.id, 1, SEEN - timedelta(days=1), "已公示")
    done = inspections.remedy_finding(city, TOWN, found.id, 1, SEEN + timedelta(days=3), "已公示")
    assert (done.state, done.remedied_on, done.remedy_text) == (FindingState.REMEDIED, date(2026, 5, 9), "已公示")
    with pytest.raises(Forbidden):
        inspections.close_finding(city, TOWN, found.id, 2)
    back = inspections.return_finding(city, FIRST, found.id, 2, "电话打不通")
    assert (back.state, back.remedied_on) == (FindingState.OPEN, None)
    reason = city.scalar(text("SELECT reason FROM audit_log WHERE kind = 'finding' ORDER BY id DESC LIMIT 1"))
    assert reason == "电话打不通"
    inspections.remedy_finding(city, TOWN, found.id, 3, today(), "又改")
    closed = inspections.close_finding(city, FIRST, found.id, 4)
    assert (closed.state, closed.closed_by, closed.closed_on) == (FindingState.CLOSED, FIRST.username, today())
    with pytest.raises(Conflict):
        inspections.change_finding(city, FIRST, found.id, 5, finding())


def test_overdue_is_what_nobody_has_remedied(city: Session) -> None:
    days = [date(2026, 6, k) for k in (10, 12, 11)]
    made = add(city, FIRST, HERE, *(finding(day) for day in days))
    inspections.remedy_finding(city, TOWN, made.findings[0].id, 1, date(2026, 6, 20), "已改")
    assert [row.due_on for row in listed(city)] == sorted(days)
    assert [row.due_on for row in listed(city, overdue=True, day=date(2026, 6, 12))] == [date(2026, 6, 11)]
    second = listed(city, limit=1, after=(date(2026, 6, 10), made.findings[0].id))
    assert [row.due_on for row in second] == [date(2026, 6, 11)]


def test_a_cancelled_inspection_counts_nowhere_and_stays(city: Session) -> None:
    made = add(city)
    inspections.cancel_inspection(city, FIRST, made.row.id, 1, "录错站点")
    assert listed(city) == []
    wanted: dict[str, Any] = {"since": None, "until": None, "after": None, "limit": 10}
    assert inspections.list_inspections(city, FIRST, Place(), cancelled=False, **wanted) == []
    (kept,) = inspections.list_inspections(city, FIRST, Place(), cancelled=True, **wanted)
    assert kept.is_cancelled
    for act in (
        lambda: inspections.change_inspection(city, FIRST, made.row.id, 2, FACTS),
        lambda: inspections.remedy_finding(city, FIRST, made.findings[0].id, 1, today(), "已改"),
    ):
        with pytest.raises(Conflict):
            act()
