"""An edit and a submission at once: one of them waits for the other, and no figure changes that was reported."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from itertools import pairwise
from threading import Barrier

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.db.engine import make_engine, session_scope
from app.errors import Conflict
from app.models.vocabularies import AreaLevel, Channel, ReportLevel, Role
from app.repositories.scope import Scope
from app.services.actors import Actor
from app.services.quarters import Quarter
from app.services.report_locks import locked_pairs
from app.services.reports import Step, StepQuestion, take_step, view_report
from app.services.station_ledger import Outcome
from app.services.training import EntryEdit, save_entries
from app.settings import ReportSettings
from tests.api.conftest import load_known_city
from tests.conftest import MakeDatabase

Q = Quarter(2026, 3)
SETTINGS = ReportSettings()
CITY = Actor(None, "city", "某", Role.CITY_OFFICER, Scope(AreaLevel.CITY, "90"), Channel.SESSION)
ROUNDS = 12


@pytest.fixture(scope="module")
def place(make_database: MakeDatabase) -> Iterator[Engine]:
    made = make_engine(make_database())
    with session_scope(made) as writing:
        load_known_city(writing)
    yield made
    made.dispose()


def save(session: Session, code: str, visits: int, version: int | None) -> Outcome:
    edit = EntryEdit(code, str(Q), "special", "women", 2, visits, Decimal(4), 1, version=version)
    return save_entries(session, CITY, [edit])[0].outcome


def step(session: Session, name: Step, level: ReportLevel, code: str, reason: str | None = None) -> None:
    take_step(session, CITY, Q, StepQuestion(name, level, [code], reason), SETTINGS)


def test_an_edit_and_a_submission_at_once(place: Engine) -> None:
    code, version = "S-000", 1
    with session_scope(place) as writing:
        assert save(writing, code, 1, None) is Outcome.ADDED
    outcomes = set()
    for k in range(ROUNDS):
        together = Barrier(2)

        def edit(visits: int, seen: int, together: Barrier = together) -> Outcome:
            with session_scope(place) as session:
                together.wait()
                return save(session, code, visits, seen)

        def submit(together: Barrier = together) -> None:
            with session_scope(place) as session:
                together.wait()
                step(session, Step.SUBMIT, ReportLevel.STATION, code)

        with ThreadPoolExecutor(2) as pool:
            edited, submitted = pool.submit(edit, 100 + k, version), pool.submit(submit)
            outcome = edited.result()
            submitted.result()
        outcomes.add(outcome)
        version += outcome is Outcome.CHANGED
        with session_scope(place) as session:
            shown = view_report(session, CITY, Q, ReportLevel.STATION, code, SETTINGS)
            assert not shown.differences  # what was submitted is what there is
            assert (shown.subject.figures.trainee_visits == 100 + k) == (outcome is Outcome.CHANGED)
            assert locked_pairs(session, {(code, str(Q)), ("S-001", str(Q))}) == {(code, str(Q))}
            step(session, Step.RETURN, ReportLevel.STATION, code, "再来")
    assert outcomes <= {Outcome.CHANGED, Outcome.FAULTY}


def test_a_report_is_decided_on_once(place: Engine) -> None:
    """Two officers at once, one accepts and one returns; the second sees what the first did, and is told."""
    for _ in range(ROUNDS):
        with session_scope(place) as session:
            state = view_report(session, CITY, Q, ReportLevel.STATION, "S-001", SETTINGS).subject
            if state.state != "submitted":
                step(session, Step.SUBMIT, ReportLevel.STATION, "S-001")
            seen = view_report(session, CITY, Q, ReportLevel.STATION, "S-001", SETTINGS).subject.version
        together = Barrier(2)

        def decide(name: Step, together: Barrier = together, seen: int = seen) -> bool:
            with suppress(Conflict), session_scope(place) as session:
                together.wait()
                question = StepQuestion(name, ReportLevel.STATION, ["S-001"], "因", {"S-001": seen})
                take_step(session, CITY, Q, question, SETTINGS)
                return True
            return False

        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(decide, (Step.ACCEPT, Step.RETURN)))
        assert sum(done) == 1
        with session_scope(place) as session:
            if view_report(session, CITY, Q, ReportLevel.STATION, "S-001", SETTINGS).subject.state == "accepted":
                step(session, Step.RETURN, ReportLevel.STATION, "S-001", "再来")
    with session_scope(place) as session:
        steps = session.execute(
            text(
                "SELECT from_state, to_state FROM report_events JOIN reports ON reports.id = report_id"
                " WHERE subject_code = 'S-001' ORDER BY report_events.id"
            )
        ).all()
    assert steps[0].from_state == "draft"
    assert all(before.to_state == after.from_state for before, after in pairwise(steps))
