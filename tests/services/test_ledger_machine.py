"""Thousands of random operations of officers on one ledger: no update lost, history complete, totals reconcile, scope
never crossed. A plain model beside it knows what should have come of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.db.engine import make_engine, session_scope
from app.errors import DomainError
from app.models.vocabularies import AreaLevel, Channel, ReportLevel, Role
from app.repositories.context import ledger_moment
from app.repositories.scope import Scope
from app.repositories.station_records import records_of_codes
from app.repositories.training import EntryFilter
from app.repositories.training_totals import Dimension, sum_entries
from app.services.actors import Actor
from app.services.quarters import Quarter
from app.services.reports import BEGINS, DECIDES, ENDS, SUBMITS, Step, StepQuestion, take_step
from app.services.station_ledger import Outcome, StationEdit, save_stations
from app.services.training import EntryEdit, save_entries
from app.settings import ReportSettings
from tests.api.conftest import SIDE, SOUTH, WEST, load_known_city
from tests.conftest import MakeDatabase
from tests.support.ledger import new_moment

QUARTER = Quarter(2026, 1)
SETTINGS = ReportSettings()
TOWNS = {"900101": (0.5, 0.2), "900102": (0.5, 0.8), "900201": (1.5, 0.2), "900202": (1.5, 0.8)}
CITY = Scope(AreaLevel.CITY, "90")


def officer(role: Role, level: AreaLevel, code: str) -> Actor:
    return Actor(None, f"{role.value}-{code}", "某", role, Scope(level, code), Channel.SESSION)


ACTORS = [
    officer(Role.CITY_OFFICER, AreaLevel.CITY, "90"),
    *(officer(Role.DISTRICT_OFFICER, AreaLevel.DISTRICT, code) for code in ("9001", "9002")),
    *(officer(Role.TOWN_OFFICER, AreaLevel.TOWN, code) for code in TOWNS),
    officer(Role.VIEWER, AreaLevel.CITY, "90"),
]
Line = tuple[str, str]  # station, kind
done: Counter[str] = Counter()


@dataclass
class Model:
    """What there should be: stations by code with town, fields and versions of their fields; lines; states."""

    towns: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    versions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # what each version of a station said
    lines: dict[Line, tuple[int, int]] = field(default_factory=dict)  # visits, version
    states: dict[tuple[str, str], str] = field(default_factory=dict)
    writes: int = 0  # rows that the audit log must have
    known: list[tuple[datetime, int, dict[str, str]]] = field(default_factory=list)

    def place(self, code: str) -> tuple[str, str]:
        return self.towns[code][:4], self.towns[code]

    def is_locked(self, code: str) -> bool:
        district, town = self.place(code)
        keys = ("station", code), ("town", town), ("district", district)
        return any(self.states.get(key) in ("submitted", "accepted") for key in keys)


class Ledger(RuleBasedStateMachine):
    engine: Engine

    @initialize()
    def begin(self) -> None:
        self.session = Session(self.engine)
        self.model = Model()
        self.new_codes = 0
        rows = self.session.execute(text("SELECT code, town_code, name, seats, phone, version FROM stations")).all()
        for row in rows:
            self.model.towns[row.code] = row.town_code
            self.model.values[row.code] = {"name": row.name, "seats": row.seats, "phone": row.phone}
            self.model.versions[row.code] = [dict(self.model.values[row.code])]
        self.audited = self.count_audit()

    def teardown(self) -> None:
        if hasattr(self, "session"):
            self.check_all()
            self.session.rollback()
            self.session.close()

    def count_audit(self) -> int:
        return (
            self.session.scalar(text("SELECT count(*) FROM audit_log WHERE kind IN ('station', 'training_entry')")) or 0
        )

    def remember(self) -> None:
        names = {code: values["name"] for code, values in self.model.values.items()}
        visits = sum(visits for visits, _ in self.model.lines.values())
        self.model.known.append((ledger_moment(self.session), visits, names))

    @rule(
        actor=st.sampled_from(ACTORS),
        town=st.sampled_from(list(TOWNS)),
        name=st.text("甲乙丙=", min_size=1, max_size=5),
    )
    def add_station(self, actor: Actor, town: str, name: str) -> None:
        new_moment(self.session)
        self.new_codes += 1
        code, (x, y) = f"N-{self.new_codes}", TOWNS[town]
        values = {
            "code": code, "name": name, "type": "park", "host_kind": "other", "status": "open",
            "lng": WEST + SIDE * x, "lat": SOUTH + SIDE * y, "crs": "wgs84",
        }  # fmt: skip
        allowed = actor.role is not Role.VIEWER and actor.scope.holds(town[:4], town)
        outcome = self.save(actor, StationEdit(code, values, None))
        assert (outcome is Outcome.ADDED) == allowed
        done["add_station"] += 1
        if allowed:
            self.model.towns[code] = town
            self.model.values[code] = {"name": name, "seats": None, "phone": None}
            self.model.versions[code] = [dict(self.model.values[code])]
            self.model.writes += 1
            self.remember()

    def save(self, actor: Actor, edit: StationEdit) -> Outcome | None:
        """What came of an edit; None when it was refused as a whole."""
        try:
            with self.session.begin_nested():
                return save_stations(self.session, actor, [edit])[0].outcome
        except DomainError:
            return None

    @rule(
        actor=st.sampled_from(ACTORS), pick=st.integers(0, 10**6), back=st.integers(0, 3),
        changes=st.dictionaries(
            st.sampled_from(["name", "seats", "phone"]), st.sampled_from([1, 2, 3]), min_size=1, max_size=3
        ),
    )  # fmt: skip
    def change_station(self, actor: Actor, pick: int, back: int, changes: dict[str, int]) -> None:
        """With the version that is there now, or one of up to three changes ago."""
        new_moment(self.session)
        model = self.model
        code = sorted(model.towns)[pick % len(model.towns)]
        mine = {n: v if n == "seats" else f"{n}{v}" for n, v in changes.items()}
        version = max(1, len(model.versions[code]) - back)
        seen, now = model.versions[code][version - 1], model.values[code]
        edited = {n: v for n, v in mine.items() if v != seen[n] and v != now[n]}
        conflict = any(now[n] != seen[n] for n in edited)
        allowed = actor.role is not Role.VIEWER and (not edited or actor.scope.holds(*model.place(code)))
        outcome = self.save(actor, StationEdit(code, mine, version))
        if not allowed:
            assert outcome in (None, Outcome.FAULTY)
        elif conflict:
            assert outcome is Outcome.CONFLICT
        else:
            assert outcome is (Outcome.CHANGED if edited else Outcome.UNCHANGED)
            if edited:
                now |= edited
                model.versions[code].append(dict(now))
                model.writes += 1
                self.remember()
        done["change_station"] += 1

    @rule(
        actor=st.sampled_from(ACTORS), pick=st.integers(0, 10**6), kind=st.sampled_from(["special", "project"]),
        visits=st.integers(0, 5), back=st.integers(0, 1),
    )  # fmt: skip
    def save_line(self, actor: Actor, pick: int, kind: str, visits: int, back: int) -> None:
        new_moment(self.session)
        model = self.model
        code = sorted(model.towns)[pick % len(model.towns)]
        held = model.lines.get((code, kind))
        version = None if held is None else held[1] - back or None
        edit = EntryEdit(code, str(QUARTER), kind, "women", 1, visits, Decimal(1), 0, version=version)
        outcome: Outcome | None
        try:
            with self.session.begin_nested():
                outcome = save_entries(self.session, actor, [edit])[0].outcome
        except DomainError:
            outcome = None
        done["save_line"] += 1
        if actor.role is Role.VIEWER or not actor.scope.holds(*model.place(code)):
            assert outcome in (None, Outcome.FAULTY)
        elif held is not None and held[0] == visits:
            assert outcome is Outcome.UNCHANGED
        elif model.is_locked(code):
            assert outcome is Outcome.FAULTY
        elif held is not None and version != held[1]:
            assert outcome in (Outcome.FAULTY, Outcome.CONFLICT)
        else:
            assert outcome is (Outcome.ADDED if held is None else Outcome.CHANGED)
            model.lines[code, kind] = visits, 1 if held is None else held[1] + 1
            model.writes += 1
            self.remember()

    @rule(
        actor=st.sampled_from(ACTORS), step=st.sampled_from(list(Step)), level=st.sampled_from(list(ReportLevel)),
        pick=st.integers(0, 10**6),
    )  # fmt: skip
    def take_report_step(self, actor: Actor, step: Step, level: ReportLevel, pick: int) -> None:
        """With every missing one excused, so that towns and districts come to report within a few steps."""
        new_moment(self.session)
        model = self.model
        subjects = {
            ReportLevel.STATION: sorted({code for code, _ in model.lines} or {"S-000"}),
            ReportLevel.TOWN: sorted(TOWNS), ReportLevel.DISTRICT: ["9001", "9002"],
        }[level]  # fmt: skip
        code = subjects[pick % len(subjects)]
        place = model.place(code) if level is ReportLevel.STATION else (code[:4], code if level == "town" else None)
        key, everybody = (level.value, code), dict.fromkeys([*model.towns, *TOWNS], "缺")
        role = (SUBMITS if step is Step.SUBMIT else DECIDES)[level]
        above = self.above(level, place) if step is Step.RETURN else []
        allowed = (
            actor.role.rank >= role.rank
            and actor.scope.holds(*place)
            and model.states.get(key, "draft") in [state.value for state in BEGINS[step]]
            and all(actor.role.rank >= self.takes_back(up).rank and actor.scope.holds(*where) for up, where in above)
        )  # fmt: skip
        try:
            with self.session.begin_nested():
                question = StepQuestion(step, level, [code], "因", None, everybody)
                take_step(self.session, actor, QUARTER, question, SETTINGS)
            assert allowed
            model.states[key] = ENDS[step].value
            for up, _ in above:
                model.states[up] = "returned"
        except DomainError:
            assert not allowed
        done["take_report_step"] += 1

    def takes_back(self, key: tuple[str, str]) -> Role:
        """Who may return a report with one below it: who might have accepted it, or submitted it if nobody has."""
        return (DECIDES if self.model.states[key] == "accepted" else SUBMITS)[ReportLevel(key[0])]

    def above(self, level: ReportLevel, place: tuple[str, str | None]) -> list[tuple[tuple[str, str], Any]]:
        """Reports that figures went on to, as far as those are submitted or accepted, and where they lie."""
        found: list[tuple[tuple[str, str], Any]] = []
        if level is ReportLevel.STATION:
            found.append((("town", str(place[1])), place))
        if level is not ReportLevel.DISTRICT:
            found.append((("district", place[0]), (place[0], None)))
        return [(key, at) for key, at in found if self.model.states.get(key) in ("submitted", "accepted")]

    @invariant()
    def no_update_is_lost_and_totals_reconcile(self) -> None:
        if not hasattr(self, "model"):
            return
        total = sum(visits for visits, _ in self.model.lines.values())
        sums = [sum_entries(self.session, CITY, EntryFilter(), by) for by in ((), (Dimension.DISTRICT,))]
        assert [sum(f.trainee_visits for f in held.values()) for held in sums] == [total, total]

    def check_all(self) -> None:
        model = self.model
        records = records_of_codes(self.session, model.towns)
        assert set(records) == set(model.towns)
        for code, record in records.items():
            assert {name: record.values[name] for name in ("name", "seats", "phone")} == model.values[code]
            assert (record.version, record.town_code) == (len(model.versions[code]), model.towns[code])
        assert self.count_audit() - self.audited == model.writes
        versions = self.session.scalar(text("SELECT count(*) FROM station_versions"))
        assert versions == sum(len(held) for held in model.versions.values())
        by_town = sum_entries(self.session, CITY, EntryFilter(), (Dimension.TOWN,))
        by_station = sum_entries(self.session, CITY, EntryFilter(), (Dimension.STATION,))
        for town in TOWNS:
            of_town = sum(f.trainee_visits for (code,), f in by_station.items() if model.towns[code] == town)
            assert by_town[town,].trainee_visits == of_town if (town,) in by_town else of_town == 0
        for moment, visits, names in model.known:
            then = sum_entries(self.session, CITY, EntryFilter(), (), known_at=moment)
            assert (then[()].trainee_visits if then else 0) == visits
            query = (
                "SELECT code, name FROM station_versions "
                "WHERE known_from <= :at AND (known_to IS NULL OR known_to > :at)"
            )
            assert {row.code: row.name for row in self.session.execute(text(query), {"at": moment})} == names


@pytest.fixture(scope="module")
def known_place(make_database: MakeDatabase) -> Iterator[Engine]:
    made = make_engine(make_database())
    with session_scope(made) as writing:
        load_known_city(writing)
    yield made
    made.dispose()


def run(place: Engine, examples: int) -> int:
    done.clear()
    Ledger.engine = place
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=examples, stateful_step_count=50, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    assert min(done.values()) > 0 and len(done) == 4
    return sum(done.values())


def test_hundreds_of_operations(known_place: Engine) -> None:
    assert run(known_place, 12) > 200


@pytest.mark.slow
def test_two_thousand_operations(known_place: Engine) -> None:
    assert run(known_place, 100) >= 2_000
