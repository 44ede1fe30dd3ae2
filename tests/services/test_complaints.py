"""Complaints: states, days, and that nobody reads what is not for them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.errors import Conflict, Forbidden, NotFound, OutOfScope, StaleVersion, TooManyRequests
from app.models.vocabularies import ComplaintState, ComplaintSubject
from app.repositories.quality_complaints import ComplaintRow
from app.repositories.quality_places import Place
from app.services import complaints
from app.services.actors import Actor
from app.services.complaints import ComplaintFile, NewComplaint
from app.services.quality_checks import working_days_after
from app.services.station_quality import station_quality
from app.services.station_table import today
from app.services.visitors import visitor_of
from app.settings import QualitySettings
from tests.api.conftest import load_known_city
from tests.support.quality import CITY, ELSEWHERE, FIRST, HERE, SECOND, TOWN, VIEWER, whole_table

RULES = QualitySettings()
CONTACT, WORDS = "13800001234", "周六来访无人,本人王小明"


@pytest.fixture
def city(session: Session) -> Session:
    load_known_city(session)
    return session


def file(
    session: Session, station: str = HERE, day: date | None = None, address: str = "a", **more: Any
) -> ComplaintRow:
    new = NewComplaint(station, ComplaintSubject.OPENING, WORDS, **{"contact": CONTACT, **more})
    return complaints.file_complaint(session, visitor_of(session, address, day=day), new, RULES)


def opened(session: Session, number: str, actor: Actor = FIRST) -> ComplaintFile:
    return complaints.open_file(session, actor, number, RULES)


def listed(session: Session, actor: Actor = FIRST, place: Place = Place(), **wanted: Any) -> list[ComplaintRow]:  # noqa: B008
    values = {"states": (), "subjects": (), "overdue": False, "after": None, "limit": 100, **wanted}
    return complaints.list_complaints(session, actor, place, **values)


def test_a_complaint_has_a_number_and_a_day(city: Session) -> None:
    row = file(city, day=date(2026, 11, 26))  # a Thursday
    assert re.fullmatch(r"TS-20261126-[A-Z0-9]{6}", row.number)
    assert (row.state, row.received_on, row.due_on) == ("received", date(2026, 11, 26), date(2026, 12, 3))
    assert len({complaints.new_number(date(2026, 1, 1)) for _ in range(500)}) == 500
    with pytest.raises(NotFound):
        complaints.follow_up(city, "TS-20261126-AAAAAA")
    with pytest.raises(NotFound):
        file(city, "S-999")


@given(st.dates(date(2025, 1, 1), date(2030, 1, 1)), st.integers(1, 60))
def test_working_days_are_counted(day: date, count: int) -> None:
    due = working_days_after(day, count)
    between = [day + timedelta(days=k) for k in range(1, (due - day).days + 1)]
    assert due.weekday() < 5 and sum(d.weekday() < 5 for d in between) == count


def test_the_whole_way_of_a_complaint(city: Session) -> None:
    number = file(city).number
    assert opened(city, number).contact == CONTACT
    taken = complaints.take(city, FIRST, number, 1, RULES)
    assert (taken.row.state, taken.row.taken_by) == ("in_progress", FIRST.username)
    answered = complaints.answer(city, FIRST, number, 2, "已调整值班。", RULES)
    assert (answered.row.state, answered.row.first_answered_on) == ("answered", today())
    closed = complaints.close(city, FIRST, number, 3, "回访满意", RULES)
    assert (closed.row.state, closed.row.closed_on) == ("closed", today())
    again = complaints.reopen(city, CITY, number, 4, "又发生", RULES)
    assert (again.row.state, again.row.closed_on, again.row.first_answered_on) == ("in_progress", None, today())
    told = complaints.follow_up(city, number)
    assert [(s.action, s.text if s.is_public else None) for s in told.steps] == [
        ("received", None), ("taken", None), ("answered", "已调整值班。"), ("closed", None), ("reopened", None),
    ]  # fmt: skip
    actors = [s.actor for s in opened(city, number).steps]
    assert actors == [None, FIRST.username, FIRST.username, FIRST.username, CITY.username]


STEPS: dict[str, Callable[[Session, str, int], Any]] = {
    "take": lambda s, n, v: complaints.take(s, FIRST, n, v, RULES),
    "answer": lambda s, n, v: complaints.answer(s, FIRST, n, v, "答复", RULES),
    "close": lambda s, n, v: complaints.close(s, FIRST, n, v, None, RULES),
    "reopen": lambda s, n, v: complaints.reopen(s, FIRST, n, v, "原因", RULES),
}
ALLOWED = {
    ComplaintState.RECEIVED: {"take": "in_progress", "answer": "answered"},
    ComplaintState.IN_PROGRESS: {"answer": "answered"},
    ComplaintState.ANSWERED: {"close": "closed", "reopen": "in_progress"},
    ComplaintState.CLOSED: {"reopen": "in_progress"},
}


def test_no_step_leads_where_it_should_not(city: Session) -> None:
    """Every step is tried in every state that can be reached."""
    ways: dict[ComplaintState, list[str]] = {ComplaintState.RECEIVED: []}
    ways[ComplaintState.IN_PROGRESS] = ["take"]
    ways[ComplaintState.ANSWERED] = ["answer"]
    ways[ComplaintState.CLOSED] = ["answer", "close"]
    for k, (state, way) in enumerate(ways.items()):
        for name, step in STEPS.items():
            row = file(city, address=f"{k}{name}")
            for before in way:
                STEPS[before](city, row.number, opened(city, row.number).row.version)
            held = opened(city, row.number).row
            assert held.state == state
            if name in ALLOWED[state]:
                assert step(city, row.number, held.version).row.state == ALLOWED[state][name]
            else:
                with pytest.raises(Conflict):
                    step(city, row.number, held.version)
                assert opened(city, row.number).row == held


def test_who_may_see_and_do_what(city: Session) -> None:
    here, there = file(city).number, file(city, ELSEWHERE).number
    assert opened(city, here, TOWN).contact == CONTACT and opened(city, here, VIEWER).contact is None
    with pytest.raises(OutOfScope):
        opened(city, there)
    with pytest.raises(OutOfScope):
        complaints.answer(city, SECOND, here, 1, "答复", RULES)
    with pytest.raises(Forbidden):
        complaints.answer(city, TOWN, here, 1, "答复", RULES)
    assert [row.number for row in listed(city)] == [here] and [row.number for row in listed(city, SECOND)] == [there]
    complaints.take(city, FIRST, here, 1, RULES)
    with pytest.raises(StaleVersion):
        complaints.answer(city, FIRST, here, 1, "答复", RULES)


def test_the_list_begins_with_what_is_overdue(city: Session) -> None:
    days = [date(2026, 6, k) for k in (3, 1, 2)]
    rows = [file(city, day=day, address=str(day)) for day in days]
    complaints.answer(city, FIRST, rows[1].number, 1, "答复", RULES)
    order = [rows[2].number, rows[0].number, rows[1].number]
    assert [row.number for row in listed(city)] == order
    pages, after = [], None
    while page := listed(city, limit=1, after=after):
        pages += [row.number for row in page]
        after = (page[0].is_done, page[0].due_on, page[0].id)
    assert pages == order
    assert [r.number for r in listed(city, overdue=True, day=date(2026, 6, 10))] == order[:1]
    assert listed(city, subjects=[ComplaintSubject.FEES]) == []
    assert station_quality(city, HERE, RULES).complaints_not_answered == 2


def test_contacts_are_erased_in_time_and_stand_in_no_log(city: Session) -> None:
    number = file(city).number
    complaints.answer(city, FIRST, number, 1, "已处理,请王先生放心", RULES)
    complaints.close(city, FIRST, number, 2, None, RULES)
    last = today() + timedelta(days=RULES.contact_days)
    assert complaints.erase_old_contacts(city, RULES, day=last) == 0
    shown = complaints.open_file(city, FIRST, number, RULES, day=last + timedelta(days=1))
    assert shown.contact is None and shown.contact_erased_on is None  # due, though nobody has erased it yet
    assert complaints.erase_old_contacts(city, RULES, day=last + timedelta(days=1)) == 1
    assert complaints.erase_old_contacts(city, RULES, day=last + timedelta(days=1)) == 0
    kept = opened(city, number)
    assert kept.contact is None and kept.contact_erased_on == last + timedelta(days=1)
    assert city.scalar(text("SELECT count(*) FROM complaint_contacts WHERE contact IS NOT NULL")) == 0
    log = whole_table(city, "audit_log")
    for trace in (CONTACT, WORDS, "王先生"):
        assert trace not in log
    eraser = city.scalar(text("SELECT actor FROM audit_log WHERE kind = 'complaint_contact' AND action = 'update'"))
    assert eraser == "retention"


def test_every_write_erases_what_is_due(city: Session) -> None:
    number = file(city).number
    complaints.answer(city, FIRST, number, 1, "答复", RULES)
    complaints.close(city, FIRST, number, 2, None, RULES)
    later = today() + timedelta(days=RULES.contact_days + 1)
    row = file(city, day=later)
    assert opened(city, number).contact is None and opened(city, row.number).contact == CONTACT
    actor = city.scalar(text("SELECT actor FROM audit_log WHERE kind = 'complaint' ORDER BY id DESC LIMIT 1"))
    assert actor == "public"


def test_steps_cannot_be_changed_by_anybody(city: Session) -> None:
    file(city)
    for statement in ("UPDATE complaint_steps SET text = 'x'", "DELETE FROM complaint_steps"):
        with pytest.raises(Exception, match="may not be changed"), city.begin_nested():
            city.execute(text(statement))


def test_there_are_so_many_a_day(city: Session) -> None:
    for _ in range(RULES.complaints_a_day):
        file(city)
    with pytest.raises(TooManyRequests):
        file(city, ELSEWHERE)
    file(city, address="b")
    counted = Counter(row.station_code for row in listed(city, CITY))
    assert counted == {HERE: RULES.complaints_a_day + 1}
