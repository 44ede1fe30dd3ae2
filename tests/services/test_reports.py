"""A quarter is reported, returned, mended and accepted, from the stations up to the city."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.errors import Conflict, Forbidden, InvalidInput, NotFound, OutOfScope, StaleVersion
from app.models.vocabularies import AreaLevel, Channel, ReportLevel, ReportState, ReportTimeliness, Role
from app.repositories.context import ledger_moment
from app.repositories.reports import ReportRow, StationSpan
from app.repositories.scope import Scope
from app.services import report_tree
from app.services.actors import Actor
from app.services.quarters import Quarter, quarter_of
from app.services.report_tree import is_open_during, timeliness
from app.services.reports import Step, StepQuestion, list_reports, take_step, view_report
from app.services.station_ledger import Outcome
from app.services.training import EntryEdit, save_entries
from app.settings import ReportSettings
from tests.api.conftest import load_known_city
from tests.support.ledger import new_moment

Q = Quarter(2026, 3)
SETTINGS = ReportSettings()


def officer(role: Role, level: AreaLevel, code: str) -> Actor:
    return Actor(None, f"{role.value}-{code}", "某", role, Scope(level, code), Channel.SESSION)


CITY = officer(Role.CITY_OFFICER, AreaLevel.CITY, "90")
DISTRICT = officer(Role.DISTRICT_OFFICER, AreaLevel.DISTRICT, "9001")
OTHER = officer(Role.DISTRICT_OFFICER, AreaLevel.DISTRICT, "9002")
TOWN = officer(Role.TOWN_OFFICER, AreaLevel.TOWN, "900101")


@pytest.fixture
def city(session: Session) -> Session:
    load_known_city(session)
    return session


def line(code: str, visits: int, version: int | None = None) -> EntryEdit:
    return EntryEdit(code, str(Q), "special", "women", 2, visits, Decimal(4), 1, version=version)


def enter(session: Session, *edits: EntryEdit, actor: Actor = CITY) -> list[Outcome]:
    new_moment(session)
    return [result.outcome for result in save_entries(session, actor, edits)]


def step(
    session: Session, actor: Actor, name: Step, level: ReportLevel, *codes: str, reason: str | None = None,
    missing: Mapping[str, str] | None = None, versions: Mapping[str, int] | None = None,
) -> list[ReportRow]:  # fmt: skip
    new_moment(session)
    return take_step(session, actor, Q, StepQuestion(name, level, codes, reason, versions, missing), SETTINGS)


def states(session: Session, known_at: datetime | None = None) -> dict[tuple[str, str], str]:
    return {s.key: s.state.value for s in list_reports(session, CITY, Q, SETTINGS, known_at)}


def stations_of(session: Session, town: str) -> list[str]:
    return [s.code for s in list_reports(session, CITY, Q, SETTINGS) if s.level == "station" and s.town_code == town]


def report_town(session: Session, town: str, actor: Actor) -> None:
    codes = stations_of(session, town)
    step(session, actor, Step.SUBMIT, ReportLevel.STATION, *codes)
    step(session, actor, Step.ACCEPT, ReportLevel.STATION, *codes)
    step(session, actor, Step.SUBMIT, ReportLevel.TOWN, town)


def test_the_whole_story(city: Session) -> None:
    first = stations_of(city, "900101")
    enter(city, *(line(code, 10 + k) for k, code in enumerate(first)), line(stations_of(city, "900102")[0], 7))
    report_town(city, "900101", TOWN)
    report_town(city, "900102", DISTRICT)
    assert enter(city, line(first[0], 99, 1)) == [Outcome.FAULTY]  # submitted: it stands still
    step(city, DISTRICT, Step.ACCEPT, ReportLevel.TOWN, "900101", "900102")
    (district,) = step(city, DISTRICT, Step.SUBMIT, ReportLevel.DISTRICT, "9001")
    total = sum(10 + k for k in range(len(first))) + 7
    assert district.totals is not None and district.totals["trainee_visits"] == total
    before = ledger_moment(city)

    step(city, CITY, Step.RETURN, ReportLevel.DISTRICT, "9001", reason="核对第一站")
    with pytest.raises(InvalidInput):
        step(city, DISTRICT, Step.RETURN, ReportLevel.STATION, first[0])
    with pytest.raises(Conflict):  # the town's report is accepted: a town officer cannot undo that
        step(city, TOWN, Step.RETURN, ReportLevel.STATION, first[0], reason="改")
    step(city, DISTRICT, Step.RETURN, ReportLevel.STATION, first[0], reason="人次填错")
    assert states(city)["town", "900101"] == "returned"
    assert states(city)["town", "900102"] == "accepted"
    assert enter(city, line(first[1], 50, 1)) == [Outcome.FAULTY]  # still accepted
    assert enter(city, line(first[0], 30, 1), actor=TOWN) == [Outcome.CHANGED]

    step(city, TOWN, Step.SUBMIT, ReportLevel.STATION, first[0])
    step(city, TOWN, Step.ACCEPT, ReportLevel.STATION, first[0])
    step(city, TOWN, Step.SUBMIT, ReportLevel.TOWN, "900101")
    step(city, DISTRICT, Step.ACCEPT, ReportLevel.TOWN, "900101")
    step(city, DISTRICT, Step.SUBMIT, ReportLevel.DISTRICT, "9001")
    step(city, CITY, Step.ACCEPT, ReportLevel.DISTRICT, "9001")

    now = view_report(city, CITY, Q, ReportLevel.DISTRICT, "9001", SETTINGS)
    then = view_report(city, CITY, Q, ReportLevel.DISTRICT, "9001", SETTINGS, before)
    assert (now.subject.figures.trainee_visits, then.subject.figures.trainee_visits) == (total + 20, total)
    assert now.reconciles and then.reconciles and not now.differences and not then.differences
    assert (now.subject.state, then.subject.state) == (ReportState.ACCEPTED, ReportState.SUBMITTED)
    assert [(e.from_state, e.to_state, e.by) for e in now.events] == [
        ("draft", "submitted", DISTRICT.username), ("submitted", "returned", CITY.username),
        ("returned", "submitted", DISTRICT.username), ("submitted", "accepted", CITY.username),
    ]  # fmt: skip
    assert len(then.events) == 1
    town = view_report(city, CITY, Q, ReportLevel.TOWN, "900101", SETTINGS)
    assert town.events[2].reason is not None and "人次填错" in town.events[2].reason
    logged = city.execute(text("SELECT actor, reason FROM audit_log WHERE kind = 'report' ORDER BY id DESC")).first()
    assert logged is not None and logged.actor == CITY.username


def test_a_submission_is_taken_back_by_who_might_have_made_it(city: Session) -> None:
    report_town(city, "900101", TOWN)
    code = stations_of(city, "900101")[0]
    step(city, TOWN, Step.RETURN, ReportLevel.STATION, code, reason="人次填错")
    assert (states(city)["town", "900101"], states(city)["station", code]) == ("returned", "returned")
    step(city, TOWN, Step.SUBMIT, ReportLevel.STATION, code)
    step(city, TOWN, Step.ACCEPT, ReportLevel.STATION, code)
    step(city, TOWN, Step.SUBMIT, ReportLevel.TOWN, "900101")
    report_town(city, "900102", DISTRICT)
    step(city, DISTRICT, Step.ACCEPT, ReportLevel.TOWN, "900101", "900102")
    step(city, DISTRICT, Step.SUBMIT, ReportLevel.DISTRICT, "9001")
    with pytest.raises(Conflict):
        step(city, TOWN, Step.RETURN, ReportLevel.STATION, code, reason="改")
    step(city, DISTRICT, Step.RETURN, ReportLevel.TOWN, "900101", reason="改")  # its own submission goes back with it
    assert states(city)["district", "9001"] == "returned"
    step(city, DISTRICT, Step.SUBMIT, ReportLevel.DISTRICT, "9001", missing={"900101": "改"})
    step(city, CITY, Step.ACCEPT, ReportLevel.DISTRICT, "9001")
    with pytest.raises(Conflict) as told:  # what the city has accepted, the city returns
        step(city, DISTRICT, Step.RETURN, ReportLevel.TOWN, "900102", reason="改")
    assert told.value.errors[0].value == "9001" and states(city)["town", "900102"] == "accepted"


def test_a_report_is_shown_as_it_was_known(city: Session) -> None:
    codes = stations_of(city, "900101")
    enter(city, *(line(code, 10) for code in codes))
    step(city, TOWN, Step.SUBMIT, ReportLevel.TOWN, "900101", missing=dict.fromkeys(codes, "停电"))
    sent = ledger_moment(city)
    step(city, DISTRICT, Step.RETURN, ReportLevel.TOWN, "900101", reason="请补报")
    returned = ledger_moment(city)
    step(city, TOWN, Step.SUBMIT, ReportLevel.TOWN, "900101", missing=dict.fromkeys(codes, "装修停业"))

    def at(moment: datetime | None) -> tuple[str, str | None, int, set[str]]:
        view = view_report(city, CITY, Q, ReportLevel.TOWN, "900101", SETTINGS, moment)
        return view.subject.state.value, view.subject.return_reason, view.subject.version, set(view.missing.values())

    assert at(None) == at(ledger_moment(city)) == ("submitted", None, 3, {"装修停业"})
    assert at(returned) == ("returned", "请补报", 2, {"停电"})
    assert at(sent) == ("submitted", None, 1, {"停电"})


def test_a_station_that_moves_takes_its_figures_along(city: Session) -> None:
    code = stations_of(city, "900101")[0]
    enter(city, line(code, 40))
    report_town(city, "900101", TOWN)
    before = ledger_moment(city)
    new_moment(city)
    city.execute(
        text("UPDATE stations SET town_code = '900102', valid_from = '2026-11-01' WHERE code = :code"), {"code": code}
    )
    old, new = (view_report(city, CITY, Q, ReportLevel.TOWN, town, SETTINGS) for town in ("900101", "900102"))
    assert (old.subject.figures.trainee_visits, new.subject.figures.trainee_visits) == (0, 40)
    assert old.reconciles and new.reconciles and code in {child.code for child in new.children}
    assert old.differences["trainee_visits"] == (40, 0)  # said, since it is not what the town has submitted
    was = view_report(city, CITY, Q, ReportLevel.TOWN, "900101", SETTINGS, before)
    assert was.subject.figures.trainee_visits == 40 and was.reconciles and not was.differences


def test_a_town_waits_for_its_stations(city: Session) -> None:
    codes = stations_of(city, "900101")
    with pytest.raises(Conflict) as told:
        step(city, TOWN, Step.SUBMIT, ReportLevel.TOWN, "900101")
    assert {item.value for item in told.value.errors} == set(codes)
    step(city, TOWN, Step.SUBMIT, ReportLevel.STATION, codes[0])
    step(city, TOWN, Step.ACCEPT, ReportLevel.STATION, codes[0])
    (town,) = step(city, TOWN, Step.SUBMIT, ReportLevel.TOWN, "900101", missing=dict.fromkeys(codes, "装修停业"))
    assert town.missing == dict.fromkeys(codes[1:], "装修停业")
    assert enter(city, line(codes[1], 5)) == [Outcome.FAULTY]  # reported as missing: it stands still, too


@pytest.mark.parametrize(
    ("actor", "name", "level", "code", "error"),
    [
        (TOWN, Step.ACCEPT, ReportLevel.TOWN, "900101", Forbidden),
        (DISTRICT, Step.ACCEPT, ReportLevel.DISTRICT, "9001", Forbidden),
        (officer(Role.VIEWER, AreaLevel.CITY, "90"), Step.SUBMIT, ReportLevel.STATION, "S-000", Forbidden),
        (OTHER, Step.SUBMIT, ReportLevel.DISTRICT, "9001", OutOfScope),
        (OTHER, Step.SUBMIT, ReportLevel.STATION, "S-000", OutOfScope),
        (TOWN, Step.SUBMIT, ReportLevel.TOWN, "900102", OutOfScope),
        (CITY, Step.SUBMIT, ReportLevel.STATION, "S-002", NotFound),  # planned: nothing is expected
        (CITY, Step.ACCEPT, ReportLevel.STATION, "S-000", Conflict),  # nothing was submitted
        (CITY, Step.RETURN, ReportLevel.STATION, "S-000", Conflict),
    ],
)  # fmt: skip
def test_who_may_do_what(
    city: Session, actor: Actor, name: Step, level: ReportLevel, code: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        step(city, actor, name, level, code, reason="因", missing=dict.fromkeys(stations_of(city, "900102"), "缺"))
    assert set(states(city).values()) == {"draft"}


def test_a_step_for_many_is_taken_for_all_or_none(city: Session) -> None:
    codes = stations_of(city, "900101")
    step(city, TOWN, Step.SUBMIT, ReportLevel.STATION, codes[0])
    with pytest.raises(Conflict):
        step(city, TOWN, Step.SUBMIT, ReportLevel.STATION, *codes)
    assert sum(state == "submitted" for state in states(city).values()) == 1
    with pytest.raises(StaleVersion):
        step(city, TOWN, Step.ACCEPT, ReportLevel.STATION, codes[0], versions={codes[0]: 7})
    step(city, TOWN, Step.ACCEPT, ReportLevel.STATION, codes[0], versions={codes[0]: 1})


def test_the_scope_limits_the_list(city: Session) -> None:
    shown = list_reports(city, TOWN, Q, SETTINGS)
    assert {s.town_code for s in shown} == {"900101"} and {s.level.value for s in shown} == {"station", "town"}


def test_in_time_late_due_missing() -> None:
    due = date(2026, 10, 5)
    evening = datetime(2026, 10, 5, 15, 59, tzinfo=UTC)  # a minute before midnight in China
    assert timeliness(ReportState.SUBMITTED, evening, due, due) is ReportTimeliness.ON_TIME
    assert timeliness(ReportState.ACCEPTED, evening.replace(hour=16), due, due) is ReportTimeliness.LATE
    assert timeliness(ReportState.DRAFT, None, due, due) is ReportTimeliness.DUE
    assert timeliness(ReportState.RETURNED, evening, due, date(2026, 10, 6)) is ReportTimeliness.MISSING


def test_what_was_not_due_at_a_moment_is_not_missing_later(city: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    current, moment = quarter_of(report_tree.today()), ledger_moment(city)

    def shown(known_at: datetime | None) -> set[ReportTimeliness]:
        return {s.timeliness for s in list_reports(city, CITY, current, SETTINGS, known_at)}

    assert shown(None) == shown(moment) == {ReportTimeliness.DUE}
    monkeypatch.setattr(report_tree, "today", lambda: date(2091, 1, 1))
    assert shown(moment) == {ReportTimeliness.DUE}
    assert shown(None) == {ReportTimeliness.MISSING}


def test_who_is_expected() -> None:
    span = StationSpan("A", "站", "park", "open", None, None, date(2026, 9, 30), None, None, None, None, None)
    assert is_open_during(span, Q)  # opened on the last day
    assert not is_open_during(replace(span, opened_on=date(2026, 10, 1)), Q)
    assert is_open_during(replace(span, opened_on=None), Q)
    assert not is_open_during(replace(span, status="suspended"), Q)
    closed = replace(span, opened_on=date(2025, 1, 1), status="closed", closed_on=date(2026, 7, 2))
    assert is_open_during(closed, Q)
    assert not is_open_during(replace(closed, closed_on=date(2026, 7, 1)), Q)
    assert not is_open_during(replace(closed, closed_on=None), Q)
    late = replace(span, opened_on=date(2026, 1, 1), closed_on=date(2026, 8, 1), valid_from=date(2026, 8, 1))
    assert not is_open_during(late, Q)  # so only from the day on which it closed
