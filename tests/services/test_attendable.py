"""What a resident can attend, against brute force: lengths by scipy, courses and sessions as they lie in the database,
filters in plain Python, hours by the library alone.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import opening_hours
import pytest
from sqlalchemy import Engine, text

from app.demo.spec import CitySpec
from app.geo.opening_hours import TIME_ZONE
from app.geo.timetable import NONE
from app.models.vocabularies import CourseForm, CourseKind, HostKind, StationType, TargetGroup
from app.services.attendable import Wanted
from app.services.nearest import NearestQuery, Order, find_nearest
from app.services.offer import CourseFilter
from app.services.positions import Position, read_position
from app.services.profiles import WalkingProfile, resolve_profile
from app.services.snapshot import Snapshot
from tests.services.test_nearest import brute_force_mm

POSITIONS, QUESTIONS_EACH = 50, 20
FIRST_DAY = CitySpec().as_of + timedelta(days=3)


class Facts(NamedTuple):
    """The database as it is: stations by code; sessions with their courses."""

    stations: dict[str, dict[str, Any]]
    sessions: list[dict[str, Any]]
    courses: list[dict[str, Any]]


@pytest.fixture(scope="module")
def facts(demo_engine: Engine) -> Facts:
    with demo_engine.connect() as connection:

        def rows(query: str) -> list[dict[str, Any]]:
            return [dict(row._mapping) for row in connection.execute(text(query))]

        stations = {row["code"]: row for row in rows("SELECT * FROM stations")}
        courses = rows("SELECT * FROM courses WHERE status = 'offered' AND form <> 'online'")
        sessions = rows(
            "SELECT s.id, s.course_id, s.starts_at, coalesce(s.seats, c.seats) AS seats, c.station_code "
            "FROM course_sessions s JOIN courses c ON c.id = s.course_id "
            "WHERE s.status = 'planned' AND c.status = 'offered' AND c.form <> 'online'"
        )
    return Facts(stations, sessions, courses)


def serves(station: dict[str, Any], day: Any) -> bool:
    if station["status"] == "suspended" or (station["status"] == "closed" and station["closed_on"] is None):
        return False
    if station["closed_on"] is not None and station["closed_on"] <= day:
        return False
    return station["opened_on"] <= day if station["opened_on"] else station["status"] == "open"


def fits(course: dict[str, Any], wanted: CourseFilter) -> bool:
    tests = [
        wanted.skill is None or wanted.skill in (course["skill"] or "") or wanted.skill in course["title"],
        not wanted.kinds or course["kind"] in wanted.kinds,
        not wanted.forms or course["form"] in wanted.forms,
        not wanted.groups or not course["target_groups"] or any(g in wanted.groups for g in course["target_groups"]),
        not wanted.costs
        or ("free" in wanted.costs and course["fee_yuan"] == 0)
        or ("subsidised" in wanted.costs and course["subsidised"]),
    ]
    return all(tests)


def is_open(station: dict[str, Any], moment: datetime) -> bool:
    """On ordinary workdays without exceptions: what the library says."""
    hours = station["opening_hours"]
    return bool(hours) and opening_hours.OpeningHours(hours).is_open(moment.astimezone(TIME_ZONE).replace(tzinfo=None))


def expected(
    facts: Facts, snapshot: Snapshot, walks_mm: np.ndarray, profile: WalkingProfile, query: NearestQuery
) -> list[tuple[str, int, int | None]]:
    """(code, seconds, session's number) of every station that answers, in order."""
    wanted, leave = query.wanted, datetime.fromtimestamp(query.leave_s, TIME_ZONE)
    found = []
    for number, info in enumerate(snapshot.stations.table.stations):
        station, mm = facts.stations[info.code], walks_mm[number]
        if mm > query.limit_mm or not serves(station, query.day):
            continue
        if wanted.types and station["type"] not in wanted.types:
            continue
        if wanted.host_kinds and station["host_kind"] not in wanted.host_kinds:
            continue
        if wanted.accessible and station["accessible_entrance"] is not True:
            continue
        courses = {c["id"] for c in facts.courses if c["station_code"] == info.code and fits(c, wanted.course)}
        if wanted.course != CourseFilter() and not courses:
            continue
        if wanted.open_at_s is not None and not is_open(station, datetime.fromtimestamp(wanted.open_at_s, TIME_ZONE)):
            continue
        seconds, first = round(mm * 3.6e-3 / profile.speed_kmh), None
        if wanted.session_until_s is not None:
            arrival, until = (
                leave + timedelta(seconds=seconds),
                datetime.fromtimestamp(wanted.session_until_s, TIME_ZONE),
            )
            in_time = [
                (s["starts_at"], s["id"])
                for s in facts.sessions
                if s["course_id"] in courses and arrival <= s["starts_at"] <= until and s["seats"] != 0
                and serves(station, s["starts_at"].astimezone(TIME_ZONE).date())
            ]  # fmt: skip
            if not in_time:
                continue
            first = min(in_time)
        found.append(
            (first[0] if query.order is Order.SESSION and first else None, mm, number, info.code, seconds, first)
        )
    if query.order is Order.SESSION:
        found.sort(key=lambda one: (one[0], one[1], one[2]))
    else:
        found.sort(key=lambda one: (one[1], one[2]))
    return [(code, seconds, first and first[1]) for _, _, _, code, seconds, first in found[: query.limit]]


def drawn(rng: np.random.Generator, profile: WalkingProfile) -> NearestQuery:
    """A question with some filters, all of which are met by some station somewhere."""

    def some(words: Any, chance: float) -> tuple[str, ...]:
        if rng.random() > chance:
            return ()
        return tuple(sorted({str(rng.choice([w.value for w in words])) for _ in range(int(rng.integers(1, 4)))}))

    moment = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, tzinfo=TIME_ZONE)
    while moment.weekday() >= 5:
        moment += timedelta(days=1)
    leave_s = int(moment.timestamp()) + int(rng.integers(8 * 3600, 21 * 3600))
    asks = rng.random() < 0.5
    skills = ("焊工", "电工", "茶艺", "护理", "无人机", "课")
    course = CourseFilter(
        skill=str(rng.choice(skills)) if rng.random() < 0.4 else None, kinds=some(CourseKind, 0.25),
        forms=some(CourseForm, 0.3), groups=some(TargetGroup, 0.3), costs=("free",) if rng.random() < 0.2 else (),
    )  # fmt: skip
    wanted = Wanted(
        types=some(StationType, 0.2), host_kinds=some(HostKind, 0.1), accessible=bool(rng.random() < 0.15),
        course=course, open_at_s=leave_s if rng.random() < 0.25 else None,
        session_until_s=leave_s + int(rng.integers(1, 10 * 24)) * 3600 if asks else None,
    )  # fmt: skip
    order = Order.SESSION if asks and rng.random() < 0.6 else Order.WALK
    return NearestQuery(
        profile, moment.date(), int(rng.integers(1, 12)), float(rng.choice([10, 20, 40, 60])), wanted, leave_s, order
    )


def found_by(snapshot: Snapshot, position: Position, query: NearestQuery) -> list[tuple[str, int, int | None]]:
    offer = snapshot.offer

    def number(here: int) -> int | None:
        return None if here == NONE else int(offer.session_id[offer.here[here]])

    hits = find_nearest(snapshot, position, query).hits
    return [(hit.station.code, hit.walk_seconds, number(hit.session)) for hit in hits]


def beside_stations(snapshot: Snapshot, count: int, seed: int) -> list[Position]:
    """Positions some hundred metres beside stations that are in use."""
    rng = np.random.default_rng(seed)
    stations = [s for s in snapshot.stations.table.stations if s.is_open_on(FIRST_DAY)]
    chosen = [stations[k] for k in rng.choice(len(stations), count).tolist()]
    moved = rng.uniform(-0.004, 0.004, (count, 2)).tolist()
    return [read_position(s.lng + x, s.lat + y, "wgs84") for s, (x, y) in zip(chosen, moved, strict=True)]


def test_a_thousand_questions_with_filters_equal_brute_force(demo_snapshot: Snapshot, facts: Facts) -> None:
    rng, answered, with_sessions = np.random.default_rng(51), 0, 0
    for k, where in enumerate(beside_stations(demo_snapshot, POSITIONS, seed=52)):
        profile = resolve_profile(("adult", "senior", "wheelchair")[k % 3])
        place = demo_snapshot.snap(where.lng, where.lat, step_free=profile.step_free)
        walks_mm = brute_force_mm(demo_snapshot, place, step_free=profile.step_free)
        for _ in range(QUESTIONS_EACH):
            query = drawn(rng, profile)
            wanted = expected(facts, demo_snapshot, walks_mm, profile, query)
            got = found_by(demo_snapshot, where, query)
            # walks of equal length to a millimetre may come in either order from scipy's floats
            assert [(c, s) for c, _, s in got] == [(c, s) for c, _, s in wanted], query
            assert all(abs(a[1] - b[1]) <= 1 for a, b in zip(got, wanted, strict=True))
            answered += len(got) > 0
            with_sessions += sum(one[2] is not None for one in got)
    assert answered > 150 and with_sessions > 100, "the comparison must have something to compare"


def test_the_next_evening_class_for_somebody_looking_for_work(demo_snapshot: Snapshot, facts: Facts) -> None:
    """The first session of a kind that can be reached on foot before it begins, over all stations and sessions."""
    course = CourseFilter(skill="焊工", forms=("evening_school",), groups=("unemployed",))
    leave = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, 18, 20, tzinfo=TIME_ZONE)
    leave_s, profile, seen = int(leave.timestamp()), resolve_profile(), 0
    wanted = Wanted(course=course, session_until_s=leave_s + 30 * 86_400)
    for where in beside_stations(demo_snapshot, 40, seed=53):
        query = NearestQuery(profile, leave.date(), 1, 60.0, wanted, leave_s, Order.SESSION)
        walks_mm = brute_force_mm(
            demo_snapshot, demo_snapshot.snap(where.lng, where.lat, step_free=False), step_free=False
        )
        assert found_by(demo_snapshot, where, query) == expected(facts, demo_snapshot, walks_mm, profile, query)
        seen += len(found_by(demo_snapshot, where, query))
    assert seen > 3


def test_a_full_session_is_passed_over(demo_snapshot: Snapshot) -> None:
    offer, leave_s = demo_snapshot.offer, int(demo_snapshot.offer.here_starts_s.min()) - 3600
    profile, wanted = resolve_profile(), Wanted(session_until_s=leave_s + 40 * 86_400)
    (where, first) = next(
        (where, hits[0])
        for where in beside_stations(demo_snapshot, 20, seed=54)
        if (hits := find_nearest(demo_snapshot, where, NearestQuery(
            profile, FIRST_DAY, 1, 60.0, wanted, leave_s, Order.SESSION)).hits)
    )  # fmt: skip
    number = int(offer.session_id[offer.here[first.session]])
    try:
        offer.seats.take(offer.session_at, [(number, 10_000)])
        query = NearestQuery(profile, FIRST_DAY, 50, 60.0, wanted, leave_s, Order.SESSION)
        hits = find_nearest(demo_snapshot, where, query).hits
        assert first.session not in [hit.session for hit in hits]
    finally:
        offer.seats.take(offer.session_at, [])
    again = find_nearest(
        demo_snapshot, where, NearestQuery(profile, FIRST_DAY, 1, 60.0, wanted, leave_s, Order.SESSION)
    )
    assert again.hits[0].session == first.session
