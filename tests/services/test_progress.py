"""Targets and progress, against the same things counted in Python from the rows of the history."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from app.db.engine import make_engine
from app.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    OutOfScope,
    StaleVersion,
    Unauthenticated,
)
from app.models.vocabularies import AreaLevel, Channel, Role, TargetMeasure, TargetPace
from app.repositories.context import ledger_moment
from app.repositories.scope import Scope
from app.services import targets
from app.services.acting import act_as
from app.services.actors import Actor, of_system
from app.services.pace import expected_at
from app.services.plan import BATCH_DUE
from app.services.progress import AreaProgress, Progress, progress
from app.services.station_table import StationInfo, today
from app.services.targets import NewTarget, TargetChange
from tests.api.conftest import load_known_city
from tests.conftest import MakeDatabase

CITY = Actor(None, "city", "市", Role.CITY_OFFICER, Scope(AreaLevel.CITY, "90"), Channel.SESSION)
DISTRICT = Actor(None, "d", "区", Role.DISTRICT_OFFICER, Scope(AreaLevel.DISTRICT, "9001"), Channel.SESSION)
TOWN = Actor(None, "t", "镇", Role.TOWN_OFFICER, Scope(AreaLevel.TOWN, "900101"), Channel.SESSION)
DAYS = [date(2025, 5, 1), date(2025, 9, 30), date(2025, 11, 1), date(2025, 12, 31), date(2026, 1, 1), date(2026, 7, 15)]
VISITS = """
    INSERT INTO training_entries (station_code, quarter, kind, target_group, sessions_held, trainee_visits,
        training_hours, certificates)
    SELECT code, q, 'special', 'women', 1, 10 * (row_number() OVER (ORDER BY code, q)), 1, 0
    FROM stations, unnest(ARRAY['2025Q2', '2025Q3', '2025Q4', '2026Q2']) q
    WHERE status <> 'planned'
"""


@pytest.fixture(scope="module")
def story(make_database: MakeDatabase) -> Iterator[tuple[Engine, list[datetime]]]:
    """A city whose stations, figures and targets are changed four times; and the moments after each."""
    engine = make_engine(make_database())
    moments = []
    for step in (_load, _suspend_and_select, _mend, _retire):
        with Session(engine) as session, session.begin():
            act_as(session, of_system("test"))
            step(session)
            moments.append(ledger_moment(session))
    yield engine, moments
    engine.dispose()


def _load(session: Session) -> None:
    load_known_city(session)
    session.execute(text(VISITS))
    for area, value in (("90", 30), ("9001", 12), ("9002", 10)):
        for year in (2025, 2026):
            targets.add_target(session, CITY, NewTarget(year, area, TargetMeasure.STATIONS, value + year - 2025))
    targets.add_target(session, CITY, NewTarget(2027, "90", TargetMeasure.TRAINEE_VISITS, 100_000))
    targets.add_target(session, CITY, NewTarget(2026, "900101", TargetMeasure.STATIONS, 2))
    act_as(session, of_system("test"))


def _suspend_and_select(session: Session) -> None:
    session.execute(text("UPDATE stations SET status = 'suspended', valid_from = '2025-11-01' WHERE code = 'S-000'"))
    session.execute(text("UPDATE stations SET batch = 1, selected_on = '2025-07-02' WHERE code = 'S-001'"))
    session.execute(text("UPDATE stations SET batch = 1 WHERE code = 'S-003'"))
    session.execute(text("UPDATE stations SET batch = 1, selected_on = '2025-06-30' WHERE code = 'S-009'"))
    session.execute(text("UPDATE stations SET batch = 2, selected_on = NULL WHERE code = 'S-006'"))


def _mend(session: Session) -> None:
    session.execute(text("UPDATE training_entries SET trainee_visits = trainee_visits + 7 WHERE quarter = '2025Q3'"))
    session.execute(text("DELETE FROM training_entries WHERE quarter = '2025Q2' AND station_code = 'S-001'"))
    session.execute(text("UPDATE targets SET value = value + 5 WHERE area_code = '90' AND measure = 'stations'"))
    session.execute(text("UPDATE stations SET opened_on = '2025-10-15' WHERE code IN ('S-007', 'S-009')"))


def _retire(session: Session) -> None:
    session.execute(text("UPDATE targets SET is_retired = true WHERE area_code = '9002'"))


def ask(engine: Engine, actor: Actor | None = None, **asked: Any) -> Progress:
    with Session(engine) as session:
        return progress(session, actor, **asked)


def rows_known(engine: Engine, table: str, known_at: datetime) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        found = [dict(row._mapping) for row in connection.execute(text(f"SELECT * FROM {table}"))]
    known = "updated_at" if table.startswith("target") else "known_from"
    return [r for r in found if r[known] <= known_at and (r.get("known_to") is None or r["known_to"] > known_at)]


def states_on(engine: Engine, day: date, known_at: datetime) -> list[dict[str, Any]]:
    return [
        r for r in rows_known(engine, "station_versions", known_at)
        if (r["valid_from"] or date.min) <= day < (r["valid_to"] or date.max)
    ]  # fmt: skip


def is_open(row: dict[str, Any], day: date) -> bool:
    names = [n for n in StationInfo.__dataclass_fields__ if n not in ("lng", "lat", "synthetic", "serving")]
    return StationInfo(**{n: row[n] for n in names}, lng=0, lat=0, synthetic=False).is_open_on(day)


def column(level: AreaLevel) -> str | None:
    return {AreaLevel.CITY: None, AreaLevel.DISTRICT: "district_code", AreaLevel.TOWN: "town_code"}[level]


@pytest.mark.parametrize("level", list(AreaLevel))
@pytest.mark.parametrize("moment", range(4))
def test_counts_are_those_of_the_history(
    story: tuple[Engine, list[datetime]], moment: int, level: AreaLevel
) -> None:  # fmt: skip
    engine, moments = story
    known_at, by = moments[moment], column(level)
    entries = [
        *rows_known(engine, "training_entries", known_at), *rows_known(engine, "training_entry_versions", known_at),
    ]  # fmt: skip
    ends = {"2025Q2": date(2025, 6, 30), "2025Q3": date(2025, 9, 30), "2025Q4": date(2025, 12, 31),
            "2026Q2": date(2026, 6, 30)}  # fmt: skip
    head = {r["code"]: r for r in states_on(engine, date.max - timedelta(1), known_at)}
    for day in DAYS:
        made = ask(engine, CITY, level=level, as_of=day, known_at=known_at)
        states = states_on(engine, day, known_at)
        for row in made.rows:

            def here(r: dict[str, Any], code: str = row.area.code) -> bool:
                return by is None or r[by] == code

            if row.measure is TargetMeasure.STATIONS:
                expected = sum(is_open(r, day) for r in states if here(r))
            elif row.measure is TargetMeasure.SELECTED_STATIONS:
                expected = sum(r["selected_on"] is not None and r["selected_on"] <= day for r in states if here(r))
            elif row.measure is TargetMeasure.DISTRICTS_COVERED:
                expected = len({r["district_code"] for r in states if here(r) and is_open(r, day)})
            else:
                expected = sum(
                    e["trainee_visits"] for e in entries if ends[e["quarter"]] <= day and here(head[e["station_code"]])
                )
            assert (row.actual, row.measure, row.area.code, day) == (expected, row.measure, row.area.code, day)
            assert row.trend == [] or row.trend[-1].actual == row.actual
        for batch in made.batches:
            mine = [r for r in states if here_batch(r, by, batch.area.code) and r["batch"] == batch.batch]
            selected = [r["selected_on"] for r in mine if r["selected_on"] is not None and r["selected_on"] <= day]
            in_time = sum(on <= BATCH_DUE[batch.batch] for on in selected)
            assert (batch.in_time, batch.late, batch.not_selected) == (
                in_time, len(selected) - in_time, len(mine) - len(selected),
            )  # fmt: skip


def here_batch(row: dict[str, Any], by: str | None, code: str) -> bool:
    return by is None or row[by] == code


def test_levels_add_up(story: tuple[Engine, list[datetime]]) -> None:
    engine, _ = story
    sums = {}
    for level in AreaLevel:
        made = ask(engine, CITY, level=level, as_of=DAYS[-1])
        assert set(made.not_placed.values()) == {0}
        for measure in (TargetMeasure.STATIONS, TargetMeasure.TRAINEE_VISITS, TargetMeasure.SELECTED_STATIONS):
            sums[level, measure] = sum(r.actual for r in made.rows if r.measure is measure)
    for measure in (TargetMeasure.STATIONS, TargetMeasure.TRAINEE_VISITS, TargetMeasure.SELECTED_STATIONS):
        assert sums[AreaLevel.CITY, measure] == sums[AreaLevel.DISTRICT, measure] == sums[AreaLevel.TOWN, measure] > 0


def test_what_was_told_stays_so(story: tuple[Engine, list[datetime]], make_database: MakeDatabase) -> None:
    """The second step is replayed alone in another database: it says then what the first says of then."""
    engine, moments = story
    other = make_engine(make_database())
    for step in (_load, _suspend_and_select):
        with Session(other) as session, session.begin():
            act_as(session, of_system("test"))
            step(session)
    for level in AreaLevel:
        for day in DAYS:
            then = ask(other, CITY, level=level, as_of=day)
            now = ask(engine, CITY, level=level, as_of=day, known_at=moments[1])
            assert [figures(row) for row in now.rows] == [figures(row) for row in then.rows]
            assert now.batches == then.batches and now.without_station == then.without_station
    other.dispose()


def figures(row: AreaProgress) -> tuple[Any, ...]:
    target = row.target and (row.target.value, row.target.due_on)
    return row.area, row.measure, row.actual, target, row.share, row.expected, row.pace, row.trend, row.forecast


def test_targets_are_known_as_they_were(story: tuple[Engine, list[datetime]]) -> None:
    engine, moments = story
    values = []
    for known_at in moments:
        made = ask(engine, level=AreaLevel.DISTRICT, as_of=date(2026, 1, 1), known_at=known_at)
        city = ask(engine, level=AreaLevel.CITY, as_of=date(2026, 1, 1), known_at=known_at)
        held = {r.area.code: r for r in [*made.rows, *city.rows] if r.measure is TargetMeasure.STATIONS}
        values.append(tuple(held[code].target and held[code].target.value for code in ("90", "9001", "9002")))
    assert values == [(31, 13, 11), (31, 13, 11), (36, 13, 11), (36, 13, None)]


def test_a_row_tells_how_it_stands(story: tuple[Engine, list[datetime]]) -> None:
    engine, moments = story
    day = date(2026, 7, 15)
    made = ask(engine, level=AreaLevel.CITY, as_of=day, known_at=moments[0], measure=TargetMeasure.STATIONS)
    (row,) = made.rows
    line = [(date(2025, 12, 31), 30), (date(2026, 12, 31), 31)]
    assert row.expected == expected_at(line, day) and row.difference == row.actual - row.expected
    assert row.share == row.actual / 31 and row.pace is TargetPace.BEHIND
    assert [(s.row.value, s.is_met) for s in row.targets] == [(30, False), (31, None)]
    assert row.targets[0].actual_when_due == 16  # of 23, 7 are planned; one closes on the next day
    assert [p.quarter for p in row.trend] == ["2025Q2", "2025Q3", "2025Q4", "2026Q1", "2026Q2", None]
    missed = ask(engine, level=AreaLevel.DISTRICT, as_of=date(2026, 1, 1), known_at=moments[3])
    assert {r.pace for r in missed.rows if r.area.code == "9002"} == {TargetPace.NO_TARGET}


def test_visits_are_compared_at_the_end_of_the_last_full_quarter(story: tuple[Engine, list[datetime]]) -> None:
    engine, _ = story
    asked = {"level": AreaLevel.CITY, "measure": TargetMeasure.TRAINEE_VISITS}
    (in_quarter,) = ask(engine, **asked, as_of=date(2025, 12, 30)).rows
    (at_end,) = ask(engine, **asked, as_of=date(2025, 12, 31)).rows
    assert in_quarter.counted_until == date(2025, 9, 30) and at_end.counted_until == date(2025, 12, 31)
    assert in_quarter.expected == expected_at([(date(2027, 12, 31), 100_000)], date(2025, 9, 30))
    assert 0 < in_quarter.actual < at_end.actual


def test_districts_without_a_station_are_named(session: Session) -> None:
    load_known_city(session)
    session.execute(text("UPDATE stations SET status = 'suspended' WHERE district_code = '9002'"))
    made = progress(session, None, level=AreaLevel.CITY)
    assert [area.code for area in made.districts] == ["9001", "9002"]
    assert [area.code for area in made.without_station] == ["9002"]
    assert progress(session, None, level=AreaLevel.DISTRICT, within="9001").without_station == []
    session.execute(text("UPDATE stations SET district_code = NULL, town_code = NULL WHERE code = 'S-000'"))
    assert progress(session, None, level=AreaLevel.CITY).not_placed[TargetMeasure.STATIONS] == 1


def test_towns_are_shown_to_their_officers(session: Session) -> None:
    load_known_city(session)

    def towns(actor: Actor | None, **asked: Any) -> set[str]:
        return {row.area.code for row in progress(session, actor, level=AreaLevel.TOWN, **asked).rows}

    assert towns(CITY) == {"900101", "900102", "900201", "900202"}
    assert towns(DISTRICT) == {"900101", "900102"} and towns(TOWN) == {"900101"}
    assert towns(CITY, within="9002") == {"900201", "900202"}
    for refused, actor, asked in (
        (Unauthenticated, None, {}), (OutOfScope, DISTRICT, {"within": "9002"}),
        (OutOfScope, TOWN, {"within": "900102"}),
        (InvalidInput, CITY, {"within": "99"}), (InvalidInput, CITY, {"measure": TargetMeasure.DISTRICTS_COVERED}),
        (InvalidInput, CITY, {"as_of": today() + timedelta(1)}),
    ):  # fmt: skip
        with pytest.raises(refused):
            towns(actor, **asked)


def test_one_query_a_measure(story: tuple[Engine, list[datetime]]) -> None:
    engine, _ = story
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    ask(engine, CITY, level=AreaLevel.TOWN)
    assert len(asked) <= 7  # areas, targets, three measures, open districts, batches


def test_targets_are_set_changed_and_retired(session: Session) -> None:
    load_known_city(session)
    new = NewTarget(2026, "9001", TargetMeasure.STATIONS, 12, note="分解下达")
    for actor in (DISTRICT, TOWN):
        with pytest.raises(Forbidden):
            targets.add_target(session, actor, new)
    made = targets.add_target(session, CITY, new, reason="方案").row
    assert (made.due_on, made.version, made.synthetic) == (date(2026, 12, 31), 1, False)
    with pytest.raises(Conflict):
        targets.add_target(session, CITY, new)
    change = TargetChange(14, date(2026, 12, 31), None, 1)
    assert targets.change_target(session, CITY, made.id, change).row.version == 2
    with pytest.raises(StaleVersion) as caught:
        targets.change_target(session, CITY, made.id, TargetChange(15, date(2026, 12, 31), None, 1))
    assert [item.field for item in caught.value.errors] == ["value"]
    with pytest.raises(StaleVersion):
        targets.retire_target(session, CITY, made.id, 1)
    assert targets.retire_target(session, CITY, made.id, 2).row.is_retired
    assert targets.retire_target(session, CITY, made.id, 2).row.version == 3
    with pytest.raises(Conflict):
        targets.change_target(session, CITY, made.id, TargetChange(15, date(2026, 12, 31), None, 3))
    assert targets.add_target(session, CITY, new).row.id != made.id  # the day is free again
    query = "SELECT action, reason, district_code FROM audit_log WHERE kind = 'target' ORDER BY id"
    entries = session.execute(text(query)).all()
    assert [tuple(e) for e in entries] == [
        ("insert", "方案", "9001"), ("update", None, "9001"), ("update", None, "9001"), ("insert", None, "9001"),
    ]  # fmt: skip


def test_what_a_target_may_be(session: Session) -> None:
    load_known_city(session)
    for new in (
        NewTarget(2026, "99", TargetMeasure.STATIONS, 1),
        NewTarget(2026, "9001", TargetMeasure.STATIONS, 1, date(2027, 1, 1)),
        NewTarget(2026, "900101", TargetMeasure.DISTRICTS_COVERED, 1),
    ):
        with pytest.raises(InvalidInput):
            targets.add_target(session, CITY, new)
    with pytest.raises(NotFound):
        targets.retire_target(session, CITY, 10**6, 1)


def test_sums_are_shown_and_not_forced(session: Session) -> None:
    load_known_city(session)
    for area, value in (("90", 30), ("9001", 12), ("9002", 10), ("900101", 5)):
        targets.add_target(session, CITY, NewTarget(2026, area, TargetMeasure.STATIONS, value))
    targets.add_target(session, CITY, NewTarget(2026, "9001", TargetMeasure.TRAINEE_VISITS, 7))

    def told(actor: Actor | None) -> list[tuple[Any, ...]]:
        views = targets.sums(session, actor, area_code=None)
        return [(v.row.area_code, v.row.measure, v.row.value, v.row.parts_value, v.difference) for v in views]

    public = [("90", "stations", 30, 22, -8), ("90", "trainee_visits", None, 7, None)]
    assert told(None) == public
    assert told(TOWN) == told(CITY) == [*public, ("9001", "stations", 12, 5, -7)]

    def seen(actor: Actor | None) -> set[str]:
        views = targets.list_targets(
            session, actor, area_code=None, measure=None, year=None, retired=False, after=None, limit=100
        )
        return {v.row.area_code for v in views}

    other = Actor(None, "o", "区", Role.DISTRICT_OFFICER, Scope(AreaLevel.DISTRICT, "9002"), Channel.SESSION)
    assert seen(None) == seen(other) == {"90", "9001", "9002"} and seen(DISTRICT) == {*seen(None), "900101"}
