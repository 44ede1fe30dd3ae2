"""History in two times: what triggers and timelines make of random changes, held against a plain store that keeps every
belief whole. What was known at a moment, of a day, never changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from app.repositories.context import ledger_moment
from app.repositories.station_versions import known_timelines, write_timeline
from app.repositories.stations import Moment, StationFilter, StationRow, count_stations, get_station, list_stations
from app.services.station_table import stations_of
from app.services.timelines import changed_timeline
from tests.db.test_ledger_ground import ADD, add_dataset
from tests.support.ledger import new_moment

FIRST = date(2026, 1, 1)
DAYS = [FIRST + timedelta(days=k) for k in range(-1, 11)]  # beyond the last day on which anything can end
CODES = ("A", "B")
STATUSES = ("open", "suspended", "closed", "planned")

days = st.integers(0, 6).map(lambda k: FIRST + timedelta(days=k))
said = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["甲", "乙", "丙"]),
        "status": st.sampled_from(STATUSES),
        "opened_on": st.none() | days,
        "closed_on": st.none() | days,
        "seats": st.sampled_from([None, 5]),
    },
)
operations = st.one_of(
    st.tuples(st.just("insert"), st.sampled_from(CODES), said),
    st.tuples(st.just("delete"), st.sampled_from(CODES)),
    st.tuples(st.just("overwrite"), st.sampled_from(CODES), said),  # by an import: the day is left as it is
    st.tuples(st.just("from day"), st.sampled_from(CODES), said, days),  # by an UPDATE that says from which day on
    st.tuples(st.just("change"), st.sampled_from(CODES), said, days, st.none() | st.integers(1, 3)),
    st.tuples(st.just("correct"), st.sampled_from(CODES), said),
)
transactions = st.lists(st.lists(operations, min_size=1, max_size=3), min_size=1, max_size=7)

State = dict[str, Any]
Days = dict[date, State]  # a station, day by day


@dataclass
class Beliefs:
    """What is believed of every station on every day; ``kept`` are the beliefs at the end of every transaction."""

    now: dict[str, Days] = field(default_factory=dict)
    heads: dict[str, tuple[date | None, State]] = field(default_factory=dict)  # the row in ``stations``, as it says
    kept: list[tuple[datetime, dict[str, Days]]] = field(default_factory=list)

    def keep(self, moment: datetime) -> None:
        self.kept.append((moment, {code: dict(days) for code, days in self.now.items()}))

    def state(self, code: str, change: State, since: date | None) -> None:
        """The row in ``stations`` is made to say this from a day on."""
        _, old = self.heads[code]
        new = old | change
        self.heads[code] = (since, new)
        for day in DAYS:
            if since is None or day >= since:
                self.now[code][day] = new

    def change(self, code: str, change: State, since: date, until: date | None) -> None:
        for day in DAYS:
            if day >= since and (until is None or day < until):
                self.now[code][day] = self.now[code][day] | change
        self.take_head(code)

    def correct(self, code: str, change: State) -> None:
        for name, value in change.items():
            wrong = self.now[code][DAYS[-1]][name]
            for day in reversed(DAYS):
                if self.now[code][day][name] != wrong:
                    break
                self.now[code][day] = self.now[code][day] | {name: value}
        self.take_head(code)

    def take_head(self, code: str) -> None:
        """The row says what is so at last, from the day on which it began to be so."""
        last, since = self.now[code][DAYS[-1]], None
        for day in DAYS:
            if self.now[code][day] != last:
                since = day + timedelta(days=1)
        self.heads[code] = (since, last)


FRESH: State = {"name": "站", "status": "open", "opened_on": None, "closed_on": None, "seats": None}


def assignments(values: State) -> str:
    return ", ".join(f"{name} = :{name}" for name in values)


def do(session: Session, beliefs: Beliefs, operation: tuple[Any, ...], dataset: int) -> None:
    kind, code, *rest = operation
    if kind == "insert":
        if code not in beliefs.now:
            session.execute(text(ADD), {"code": code, "dataset": dataset})
            beliefs.heads[code] = (None, FRESH)
            beliefs.now[code] = dict.fromkeys(DAYS, FRESH)
            do(session, beliefs, ("overwrite", code, rest[0]), dataset)
        return
    if code not in beliefs.now:
        return
    if kind == "delete":
        session.execute(text("DELETE FROM stations WHERE code = :code"), {"code": code})
        del beliefs.now[code], beliefs.heads[code]
        return
    change: State = rest[0]
    if kind in ("overwrite", "from day"):
        since = beliefs.heads[code][0] if kind == "overwrite" else rest[1]
        if not change or (kind == "from day" and beliefs.heads[code] == (since, beliefs.heads[code][1] | change)):
            return
        session.execute(
            text(f"UPDATE stations SET {assignments(change)}, valid_from = :since WHERE code = :code"),
            {**change, "since": since, "code": code},
        )
        if beliefs.heads[code] != (since, beliefs.heads[code][1] | change):
            beliefs.state(code, change, since)
        return
    was = known_timelines(session, [code])[code]
    if kind == "correct":
        write_timeline(session, code, changed_timeline(was, change, None), was=was)
        beliefs.correct(code, change)
    else:
        until = None if rest[2] is None else rest[1] + timedelta(days=rest[2])
        write_timeline(session, code, changed_timeline(was, change, rest[1], until), was=was)
        beliefs.change(code, change, rest[1], until)


@pytest.fixture(scope="module")
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as made:
        yield made


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(transactions)
def test_what_was_known_of_a_day_at_a_moment_is_found_for_ever(
    connection: Connection, history: list[list[tuple[Any, ...]]]
) -> None:
    outer = connection.begin()
    try:
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            replay(session, history)
    finally:
        outer.rollback()


def replay(session: Session, history: list[list[tuple[Any, ...]]]) -> None:
    beliefs, dataset = Beliefs(), add_dataset(session)
    new_moment(session)
    beliefs.keep(ledger_moment(session) - timedelta(seconds=1))  # before all
    for transaction in history:
        new_moment(session)
        for operation in transaction:
            do(session, beliefs, operation, dataset)
        beliefs.keep(ledger_moment(session))
    session.expire_all()
    for (moment, then), (following, _) in zip(beliefs.kept, [*beliefs.kept[1:], (None, {})], strict=True):
        for day in DAYS:
            assert_known(session, then, Moment(day, moment))
        if following is not None:  # until just before the next one
            assert_known(session, then, Moment(DAYS[3], following - timedelta(microseconds=1)))
    for day in DAYS:
        assert_known(session, beliefs.now, Moment(day))
    assert_timelines_sound(session, beliefs)


def assert_known(session: Session, believed: dict[str, Days], at: Moment) -> None:
    rows = list_stations(session, StationFilter(), at=at)
    assert [row.code for row in rows] == sorted(believed), at
    for row in rows:
        expected = believed[row.code][at.day]
        assert {name: getattr(row, name) for name in FRESH if name != "seats"} == {
            name: value for name, value in expected.items() if name != "seats"
        }, (row.code, at)
    if rows and at.day == DAYS[4]:
        assert get_station(session, rows[0].code, at) == rows[0]
        assert_open_alike(session, rows, at)


def assert_open_alike(session: Session, rows: list[StationRow], at: Moment) -> None:
    """The rule of what is open is one, in SQL and out of it."""
    opened = StationFilter(open_on=at.day)
    found = {row.code for row in list_stations(session, opened, at=at)}
    assert found == {station.code for station in stations_of(rows, {}) if station.is_open_on(at.day)}
    assert count_stations(session, opened, at) == len(found)


def assert_timelines_sound(session: Session, beliefs: Beliefs) -> None:
    timelines = known_timelines(session, CODES)
    assert set(timelines) == set(beliefs.now)
    for code, states in timelines.items():
        for day in DAYS:
            (state,) = [
                s
                for s in states
                if (s.valid_from is None or s.valid_from <= day) and (s.valid_to is None or day < s.valid_to)
            ]
            assert {name: state.values[name] for name in FRESH} == beliefs.now[code][day]
    # the row in ``stations`` is the last state
    heads = session.execute(text("SELECT code, valid_from, name, status, opened_on, closed_on, seats FROM stations"))
    for row in heads:
        values = row._asdict()
        code, since = values.pop("code"), values.pop("valid_from")
        assert (since, values) == (timelines[code][-1].valid_from, beliefs.now[code][DAYS[-1]])


def test_several_changes_of_one_transaction_are_known_at_once(session: Session) -> None:
    dataset = add_dataset(session)
    session.execute(text(ADD), {"code": "A", "dataset": dataset})
    first = ledger_moment(session)
    new_moment(session)
    for name, since in (("乙", "2026-02-01"), ("丙", "2026-03-01"), ("丁", "2026-02-15")):
        session.execute(
            text("UPDATE stations SET name = :name, valid_from = :since"),
            {"name": name, "since": date.fromisoformat(since)},
        )
    rows = session.execute(
        text(
            "SELECT name, valid_from, valid_to, known_from, known_to FROM station_versions "
            "ORDER BY known_from, valid_from"
        )
    ).all()
    second = ledger_moment(session)
    assert [tuple(row) for row in rows] == [
        ("站", None, None, first, second),
        ("乙", date(2026, 2, 1), date(2026, 2, 15), second, None),
        ("丁", date(2026, 2, 15), None, second, None),
        ("站", None, date(2026, 2, 1), second, None),
    ]


def test_a_move_is_kept_with_its_place(session: Session) -> None:
    dataset = add_dataset(session)
    session.execute(text(ADD), {"code": "A", "dataset": dataset})
    new_moment(session)
    was = known_timelines(session, ["A"])["A"]
    moved = changed_timeline(was, {"geom": (113.5, 23.5), "address": "新址"}, date(2026, 2, 1), date(2026, 3, 1))
    write_timeline(session, "A", moved, was=was)
    asked = (date(2026, 1, 31), date(2026, 2, 1), date(2026, 3, 1))
    places = [get_station(session, "A", Moment(day)) for day in asked]
    assert [(row.lng, row.lat, row.address) for row in places if row is not None] == [
        (113.0, 23.0, None), (113.5, 23.5, "新址"), (113.0, 23.0, None),
    ]  # fmt: skip


def test_a_timeline_that_is_as_it_was_writes_nothing(session: Session) -> None:
    session.execute(text(ADD), {"code": "A", "dataset": add_dataset(session)})
    new_moment(session)
    was = known_timelines(session, ["A"])["A"]
    write_timeline(session, "A", changed_timeline(was, {"name": "站"}, date(2026, 2, 1)), was=was)
    assert session.scalar(text("SELECT count(*) FROM station_versions")) == 1
    assert session.scalar(text("SELECT version FROM stations")) == 1
