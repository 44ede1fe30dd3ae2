"""Invented courses, sessions and training figures of the demonstration city's stations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from app.demo.records import GROUPS
from app.demo.spec import CitySpec
from app.geo.opening_hours import TIME_ZONE
from app.models.vocabularies import CourseForm, CourseKind, StationStatus, StationType
from app.repositories.courses import insert_courses, insert_sessions
from app.repositories.training import insert_entries
from app.services.loading import NewStation
from app.services.quarters import Quarter, quarter_of, quarters_until

PART_TRAINING = 12
PART_LATER = 15
KINDS: dict[StationType, tuple[CourseKind, ...]] = {
    StationType.COMMUNITY: (
        CourseKind.PUBLIC_BENEFIT, CourseKind.LIFE_SERVICE, CourseKind.SKILL_IMPROVEMENT, CourseKind.PRE_JOB,
    ),
    StationType.RURAL: (CourseKind.PROJECT, CourseKind.STARTUP_GUIDANCE, CourseKind.SKILL_IMPROVEMENT),
    StationType.PARK: (CourseKind.PRE_JOB, CourseKind.STARTUP_GUIDANCE, CourseKind.EMPLOYMENT_PRACTICE),
    StationType.INSTITUTION: (CourseKind.PROJECT, CourseKind.APPRENTICESHIP, CourseKind.SPECIAL),
}  # fmt: skip
FORMS = (CourseForm.EVENING_SCHOOL, CourseForm.SALON, CourseForm.WORKSHOP, CourseForm.DAY_CLASS, CourseForm.ONLINE)
SKILLS = (
    ("养老护理", "养老托育"), ("育婴", "养老托育"), ("中式烹调(粤菜师傅)", "生活服务"),
    ("家政服务(南粤家政)", "生活服务"),
    ("电工", "智能装备"), ("焊工", "智能装备"), ("无人机操控", "低空经济"), ("人工智能训练", "人工智能"),
    ("电子商务(农村电商)", "数字经济"), ("短视频制作", "数字经济"), ("茶艺", "生活服务"), ("创业培训", "创业服务"),
)  # fmt: skip
SESSIONS_PER_QUARTER = (2, 9)
WEEKS_AHEAD = 5  # for which every course has its sessions planned, from the demonstration's day on
# No clock is read here, and the city may be loaded long after its day: some courses go on for a year, all now and then.
WEEKS_LATER = 52
WEEKS_APART, SHARE_WEEKLY = 4, 0.3
SHARE_FOR_EVERYBODY = 0.12  # courses that name no group


def load_training(session: Session, spec: CitySpec, stations: Sequence[NewStation]) -> dict[str, int]:
    """Write courses, sessions and lines for every station that is or was open; how many of each."""
    rng = spec.generator(PART_TRAINING)
    later = spec.generator(PART_LATER)
    courses = [course for station in stations if station.opened_on for course in _courses(station, rng)]
    for course in courses:
        if later.random() < SHARE_FOR_EVERYBODY:
            course["target_groups"] = []
    numbers = insert_courses(session, courses)
    sessions = [
        one for number, course in zip(numbers, courses, strict=True) for one in _sessions(number, course, spec, rng)
    ]
    sessions += _later_sessions(sessions, later)
    insert_sessions(session, sessions)
    lines = [line for station in stations if station.opened_on for line in _lines(station, spec, rng)]
    insert_entries(session, lines)
    return {"courses": len(courses), "sessions": len(sessions), "training_entries": len(lines)}


def _courses(station: NewStation, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    kinds = KINDS[station.type]
    for number in range(int(rng.integers(2, 5))):
        skill, industry = SKILLS[int(rng.integers(0, len(SKILLS)))]
        form = FORMS[int(rng.choice(len(FORMS), p=(0.35, 0.2, 0.2, 0.2, 0.05)))]
        is_free = rng.random() < 0.7
        yield {
            "station_code": station.code, "title": f"{skill}示范课 {number + 1}",
            "kind": kinds[int(rng.integers(0, len(kinds)))].value, "form": form.value, "skill": skill,
            "industry": industry, "target_groups": list(station.details["target_groups"]),
            "fee_yuan": 0 if is_free else int(rng.integers(1, 20)) * 50, "subsidised": bool(rng.random() < 0.4),
            "seats": min(int(station.details["seats"] or 30), 60),
            "online_url": "https://example.invalid/course" if form is CourseForm.ONLINE else None,
            "status": "ended" if station.status is StationStatus.CLOSED else "offered",
        }  # fmt: skip


def _sessions(
    course_id: int, course: dict[str, Any], spec: CitySpec, rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    """Weekly ones from the demonstration's day on; evening classes in the evening."""
    if course["status"] == "ended":
        return
    hour = 19 if course["form"] == CourseForm.EVENING_SCHOOL else int(rng.choice((9, 10, 14, 15)))
    first = spec.as_of + timedelta(days=int(rng.integers(1, 8)))
    for week in range(WEEKS_AHEAD):
        begins = datetime.combine(first + timedelta(weeks=week), time(hour, 0), TIME_ZONE).astimezone(UTC)
        yield {
            "course_id": course_id, "starts_at": begins, "ends_at": begins + timedelta(hours=2),
            "seats": course["seats"], "teacher": "示范讲师", "status": "planned",
        }  # fmt: skip


def _later_sessions(sessions: Sequence[dict[str, Any]], rng: np.random.Generator) -> list[dict[str, Any]]:
    """Those after the first weeks, at the same hour of the same weekday: each week of some courses, of others each
    fourth. ``sessions`` are the first weeks' ones, course by course.
    """
    found = []
    for first in sessions[::WEEKS_AHEAD]:
        apart = 1 if rng.random() < SHARE_WEEKLY else WEEKS_APART
        for week in range(WEEKS_AHEAD + int(rng.integers(0, apart)), WEEKS_LATER, apart):
            moved = {name: first[name] + timedelta(weeks=week) for name in ("starts_at", "ends_at")}
            found.append({**first, **moved})
    return found


def _lines(station: NewStation, spec: CitySpec, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Lines of all quarters that are over and on a day of which the station was open."""
    seats = int(station.details["seats"] or 30)
    last = quarter_of(spec.as_of).previous
    for quarter in quarters_until(last):
        if not _open_in(station, quarter):
            continue
        groups = [g.value for g in GROUPS[station.type]]
        pairs = {
            (kind.value, groups[int(rng.integers(0, len(groups)))])
            for kind in KINDS[station.type]
            if rng.random() < 0.75
        }
        for kind, group in sorted(pairs):
            held = int(rng.integers(*SESSIONS_PER_QUARTER))
            visits = int(held * seats * rng.uniform(0.35, 0.95))
            yield {
                "station_code": station.code, "quarter": str(quarter), "kind": kind, "target_group": group,
                "sessions_held": held, "trainee_visits": visits, "training_hours": held * 2,
                "certificates": int(visits * rng.uniform(0.0, 0.3)), "note": None,
            }  # fmt: skip


def _open_in(station: NewStation, quarter: Quarter) -> bool:
    opened, closed = station.opened_on or date.max, station.closed_on or date.max
    return opened <= quarter.last_day and closed > quarter.first_day
