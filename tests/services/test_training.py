"""The training ledger: lines saved all or none, what was known of them, sums that reconcile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select, text, tuple_
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from app.db.engine import make_engine, session_scope
from app.models import Report, Station
from app.models.vocabularies import AreaLevel, Channel, CourseKind, Role, TargetGroup
from app.repositories.context import ledger_moment
from app.repositories.scope import Scope, in_scope
from app.repositories.training import LINE, EntryFilter, entries_at, entries_of_lines, list_entries, listing
from app.repositories.training_totals import Dimension, sum_entries
from app.services.actors import Actor
from app.services.plausibility import plausibility_warnings
from app.services.quarters import FIRST, Quarter, check_quarter, parse_quarter, quarter_of, quarters_until
from app.services.station_ledger import Outcome
from app.services.training import EntryEdit, EntryResult, remove_entry, save_entries
from app.services.training_totals import training_totals
from tests.api.conftest import load_known_city
from tests.conftest import MakeDatabase
from tests.support.ledger import new_moment

QUARTERS = ["2025Q3", "2025Q4", "2026Q1"]


def officer(role: Role, level: AreaLevel, code: str) -> Actor:
    return Actor(None, f"{role.value}-{code}", "某", role, Scope(level, code), Channel.SESSION)


CITY = officer(Role.CITY_OFFICER, AreaLevel.CITY, "90")
FIRST_DISTRICT = officer(Role.DISTRICT_OFFICER, AreaLevel.DISTRICT, "9001")


@pytest.fixture
def city(session: Session) -> Session:
    load_known_city(session)
    return session


def line(code: str = "S-000", **values: Any) -> EntryEdit:
    made = EntryEdit(code, "2026Q1", "special", "women", 2, 40, Decimal("8.5"), 3)
    return replace(made, **values)


def save(session: Session, *edits: EntryEdit, actor: Actor = CITY, **more: Any) -> list[EntryResult]:
    new_moment(session)
    return save_entries(session, actor, edits, **more)


def visits(session: Session, known_at: datetime | None = None) -> int:
    sums = sum_entries(session, CITY.scope, EntryFilter(), (), known_at=known_at)
    return sums[()].trainee_visits if sums else 0


def test_a_line_is_entered_changed_and_known_as_it_was(city: Session) -> None:
    (added,) = save(city, line())
    assert added.outcome is Outcome.ADDED and added.entry is not None
    assert (added.entry.version, added.entry.training_hours) == (1, Decimal("8.5"))
    first = ledger_moment(city)
    (changed,) = save(city, line(trainee_visits=50, version=1))
    assert changed.changes == {"trainee_visits": (40, 50)}
    second = ledger_moment(city)
    assert changed.entry is not None
    new_moment(city)
    removed = remove_entry(city, CITY, changed.entry.id, 2, reason="重复")
    assert removed.outcome is Outcome.CHANGED
    assert [visits(city, moment) for moment in (added.entry.known_from, first, second, None)] == [40, 40, 50, 0]
    query = "SELECT action, before, after, reason FROM audit_log WHERE kind = 'training_entry' ORDER BY id"
    kept = city.execute(text(query)).all()
    assert [row.action for row in kept] == ["insert", "update", "delete"]
    assert kept[1].before == {"trainee_visits": 40} and kept[1].after == {"trainee_visits": 50}
    assert kept[2].reason == "重复"


def test_all_or_none(city: Session) -> None:
    results = save(city, line(), line("S-999"), line("S-001", trainee_visits=-1), line("S-001", quarter="2026Q5"))
    assert [r.outcome for r in results] == [Outcome.ADDED, *[Outcome.FAULTY] * 3]
    assert [[i.field for i in r.faults] for r in results[1:]] == [["station_code"], ["trainee_visits"], ["quarter"]]
    assert visits(city) == 0
    assert [r.outcome for r in save(city, line(), line("S-001"), dry_run=True)] == [Outcome.ADDED] * 2
    assert visits(city) == 0


def test_a_line_stands_once(city: Session) -> None:
    assert [r.outcome for r in save(city, line(), line())] == [Outcome.FAULTY] * 2
    save(city, line())
    assert [r.outcome for r in save(city, line())] == [Outcome.UNCHANGED]
    (again,) = save(city, line(sessions_held=9))
    assert [item.field for item in again.faults] == ["version"]
    save(city, line(sessions_held=9, version=1))
    (stale,) = save(city, line(sessions_held=7, version=1))
    assert stale.outcome is Outcome.CONFLICT and [c.theirs for c in stale.conflicts] == [9]
    assert entries_of_lines(city, [line().line])[line().line].sessions_held == 9


def test_scope_and_role(city: Session) -> None:
    second = "S-020"  # in the other district
    assert save(city, line(second), actor=FIRST_DISTRICT)[0].out_of_scope
    assert save(city, line(), actor=FIRST_DISTRICT)[0].outcome is Outcome.ADDED
    save(city, line(second))
    assert training_totals(city, FIRST_DISTRICT, [], Dimension.STATION).whole.stations == 1
    assert training_totals(city, CITY, [], Dimension.STATION).whole.stations == 2


@pytest.mark.parametrize(
    ("level", "subject", "state", "is_locked"),
    [
        ("station", "S-000", "submitted", True), ("station", "S-000", "accepted", True),
        ("station", "S-000", "returned", False), ("town", "900102", "submitted", True),
        ("district", "9001", "accepted", True), ("town", "900101", "submitted", False),
        ("district", "9002", "accepted", False),
    ],
)  # fmt: skip
def test_what_is_reported_stands_still(city: Session, level: str, subject: str, state: str, is_locked: bool) -> None:
    save(city, line())
    city.add(Report(level=level, subject_code=subject, quarter="2026Q1", state=state))
    city.flush()
    (result,) = save(city, line(trainee_visits=1, version=1))
    assert result.locked is is_locked
    assert visits(city) == (40 if is_locked else 1)
    assert save(city, line(quarter="2025Q4"))[0].outcome is Outcome.ADDED  # another quarter
    assert save(city, line(trainee_visits=40 if is_locked else 1))[0].outcome is Outcome.UNCHANGED


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_sums_reconcile_at_every_moment(city: Session, data: st.DataObject) -> None:
    """Random edits, several transactions; brute force keeps what was known after each."""
    with city.begin_nested() as savepoint:
        known: dict[tuple[str, ...], tuple[int, int]] = {}  # line -> version, visits
        history: list[tuple[datetime, int]] = []
        for _ in range(data.draw(st.integers(1, 5))):
            edits = []
            for key in data.draw(
                st.sets(
                    st.tuples(
                        st.sampled_from([f"S-{k:03d}" for k in range(0, 23, 3)]), st.sampled_from(QUARTERS),
                        st.sampled_from([k.value for k in list(CourseKind)[:2]]),
                        st.sampled_from([g.value for g in list(TargetGroup)[:2]]),
                    ),
                    min_size=1, max_size=6,
                )
            ):  # fmt: skip
                count = data.draw(st.integers(0, 100))
                edits.append(line(*key[:1], quarter=key[1], kind=key[2], target_group=key[3], trainee_visits=count,
                                  version=known[key][0] if key in known else None))  # fmt: skip
            for edit, result in zip(edits, save(city, *edits), strict=True):
                assert result.entry is not None
                known[edit.line] = result.entry.version, edit.trainee_visits
            history.append((ledger_moment(city), sum(v for _, v in known.values())))
        for moment, total in history:
            assert visits(city, moment) == total
        for by in Dimension:
            found = training_totals(city, CITY, [], by)
            assert sum(row.figures.trainee_visits for row in found.rows) == found.whole.trainee_visits == history[-1][1]
        in_districts = [training_totals(city, CITY, [], Dimension.TOWN, within=Scope(AreaLevel.DISTRICT, d)) for d in
                        ("9001", "9002")]  # fmt: skip
        assert sum(t.whole.trainee_visits for t in in_districts) == history[-1][1]
        savepoint.rollback()


def doubts(session: Session, quarter: str = "2026Q1") -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in plausibility_warnings(session, CITY, Quarter(int(quarter[:4]), int(quarter[-1]))):
        assert one.message_zh and one.message_en
        found.setdefault(one.station_code, []).append(one.code)
    return found


def test_doubts_name_what_is_odd(city: Session) -> None:
    city.execute(text("UPDATE stations SET seats = 10 WHERE code = 'S-000'"))
    save(
        city,
        line("S-000", trainee_visits=21),
        line("S-001", certificates=41),
        line("S-003", sessions_held=0),
        line("S-006", trainee_visits=0, certificates=0),
        line("S-002"),
        *(line("S-007", quarter=q, trainee_visits=20) for q in ("2025Q3", "2025Q4")),
        line("S-007", trainee_visits=101),
    )
    found = doubts(city)
    assert found["S-000"] == ["visits_above_seats"]
    assert found["S-001"] == ["certificates_above_visits"]
    assert found["S-003"] == ["no_sessions"]
    assert found["S-006"] == ["no_visits"]
    assert found["S-002"] == ["not_open"]  # planned
    assert found["S-007"] == ["jump"]
    assert found["S-009"] == ["no_entries"]
    assert "S-004" not in found  # closed on the first day of the year, and without lines
    assert "S-004" in doubts(city, "2025Q4")


def test_a_station_is_judged_by_what_it_was_in_the_quarter(city: Session) -> None:
    """Suspended from the first day of 2026 on: open and without lines before, with lines and not open since."""
    new_moment(city)
    city.execute(text("UPDATE stations SET status = 'suspended', valid_from = '2026-01-01' WHERE code = 'S-009'"))
    save(city, line("S-009"), line("S-009", quarter="2025Q3"))
    assert doubts(city, "2026Q1")["S-009"] == ["not_open"]
    assert "S-009" not in doubts(city, "2025Q3")
    assert doubts(city, "2025Q4")["S-009"] == ["no_entries"]


def test_quarters() -> None:
    assert [str(quarter_of(date(2026, m, 1))) for m in (1, 3, 4, 12)] == ["2026Q1", "2026Q1", "2026Q2", "2026Q4"]
    assert Quarter(2025, 4).next == Quarter(2026, 1) and Quarter(2026, 1).previous == Quarter(2025, 4)
    assert (Quarter(2026, 1).first_day, Quarter(2026, 1).last_day) == (date(2026, 1, 1), date(2026, 3, 31))
    assert [str(q) for q in quarters_until(Quarter(2026, 1))] == ["2025Q2", "2025Q3", "2025Q4", "2026Q1"]
    assert parse_quarter("2026Q5") is None and parse_quarter("2026q1") is None
    assert check_quarter(str(FIRST)) is None
    assert check_quarter("2025Q1") is not None and check_quarter("2091Q1") is not None


@pytest.fixture(
    scope="module", params=[pytest.param(10, id="60,000"), pytest.param(84, id="500,000", marks=pytest.mark.slow)]
)
def many(request: pytest.FixtureRequest, make_database: MakeDatabase) -> Iterator[Engine]:
    """A city with 60,000 lines or half a million, some of them changed since."""
    made = make_engine(make_database())
    with session_scope(made) as session:
        load_known_city(session)
        session.execute(
            text(
                "INSERT INTO training_entries (station_code, quarter, kind, target_group, sessions_held, "
                "trainee_visits, training_hours, certificates) SELECT s.code, (2010 + y) || 'Q' || q, 'kind' || k, "
                "'group' || g, 1, 2, 3, 1 FROM stations s, generate_series(1, 13) y, generate_series(1, 4) q, "
                "generate_series(1, 5) k, generate_series(1, :groups) g"
            ),
            {"groups": request.param},
        )
    with session_scope(made) as session:
        session.execute(text("UPDATE training_entries SET trainee_visits = 5 WHERE quarter = '2020Q1'"))
        session.execute(text("ANALYZE"))
    yield made
    made.dispose()


@pytest.mark.parametrize("scope", [CITY.scope, FIRST_DISTRICT.scope, Scope(AreaLevel.TOWN, "900201")])
@pytest.mark.parametrize("at", ["now", "before"])
@pytest.mark.parametrize("wanted", [EntryFilter(), EntryFilter(quarters=("2020Q1",)), EntryFilter(kinds=("kind3",))])
def test_a_page_is_read_by_index(many: Engine, scope: Scope, at: str, wanted: EntryFilter) -> None:
    """No table of lines is walked as a whole, and the page is the one that a plain query gives."""
    with Session(many) as session:
        first_known = session.scalar(text("SELECT min(known_from) FROM training_entries"))
        known_at = None if at == "now" else first_known
        after = ("S-003", "2019Q2", "kind2", "group4")
        query = listing(scope, wanted, known_at=known_at, after=after, limit=50)
        plan = "\n".join(session.scalars(text("EXPLAIN " + compiled(query))))
        assert "Seq Scan on training_entr" not in plan, plan
        rows = list_entries(session, scope, wanted, known_at=known_at, after=after, limit=50)
        held = entries_at(known_at, wanted)
        plain = (
            select(held)
            .join(Station, Station.code == held.c.station_code)
            .where(in_scope(scope), tuple_(*(held.c[n] for n in LINE)) > tuple_(*after))
            .order_by(*(held.c[n] for n in LINE))
            .limit(50)
        )
        assert [row.line for row in rows] == [tuple(row[1:5]) for row in session.execute(plain)]
        assert len(rows) > 10 and all(row.trainee_visits == (2 if known_at else row.trainee_visits) for row in rows)


def compiled(query: Any) -> str:
    return str(query.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}))
