"""Answers to searches as JSON, put together of ready pieces; see ``schemas.search``."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from app.api.answers import encode
from app.api.language import Language
from app.api.offer_texts import moment_text
from app.api.schemas.stations import title
from app.api.summaries import open_locations, snapshot_notice, station_summaries
from app.geo.crs import Crs
from app.models.vocabularies import CourseForm, CourseKind, DatasetKind, TargetGroup
from app.repositories.offer import NO_LIMIT, OfferedCourse
from app.services.search import CourseFound, Found, StationFound
from app.services.search_text import words_of
from app.services.snapshot import Snapshot

KINDS = (DatasetKind.STATIONS,)


class Telling(NamedTuple):
    """For whom an answer is written, and when."""

    snapshot: Snapshot
    language: Language
    crs: Crs
    now_s: int


def body_of(telling: Telling, question: str, found: Found, near: list[str]) -> bytes:
    """The answer as it is sent."""
    reading = found.reading
    notice = snapshot_notice(telling.snapshot, telling.language, KINDS)
    return orjson.dumps({
        "q": question, "read_as": reading.how.name.lower(), "understood": reading.understood, "crs": telling.crs.value,
        "stations": [_station(telling, one) for one in found.stations],
        "courses": [_course(telling, one) for one in found.courses],
        "skills": [{"skill": s.skill, "courses": s.courses, "stations": s.stations} for s in found.skills],
        "suggestions": near,
        "message": _message(question, found, near, telling.language),
        "data_notice": None if notice is None else orjson.Fragment(encode(notice)),
    })  # fmt: skip


def _station(telling: Telling, found: StationFound) -> dict[str, Any]:
    snapshot, language, crs, now_s = telling
    opening = snapshot.hours.opening(found.number, now_s)
    return {
        "station": station_summaries(snapshot, language, crs)[found.number],
        "matched": [{"field": one.field, "text": one.text} for one in found.matched],
        "walk_minutes": _minutes(found.walk_seconds),
        "straight_m": found.straight_m,
        "hours": {
            "state": opening.state.value, "until": None if opening.until_s is None else moment_text(opening.until_s)
        },
        "open_location": open_locations(snapshot)[found.number],
    }  # fmt: skip


def _course(telling: Telling, found: CourseFound) -> dict[str, Any]:
    snapshot, language = telling.snapshot, telling.language
    offer, at = snapshot.offer, found.next_session
    course = offer.courses[found.course]
    held: dict[int, dict[str, Any]] = offer.kept(("courses found", language), dict)
    told = held.get(course.id)
    if told is None:
        name = snapshot.stations.table.stations[int(offer.course_station[found.course])].name
        told = held[course.id] = _told(course, name, language)
    following = None
    if at is not None:
        seats, left = int(offer.seats_given[at]), int(offer.seats.left[at])
        following = {
            "id": int(offer.session_id[at]), "starts_at": moment_text(int(offer.starts_s[at])),
            "ends_at": moment_text(int(offer.ends_s[at])), "teacher": offer.teachers[at],
            "seats": None if seats == NO_LIMIT else seats, "seats_left": None if left == NO_LIMIT else left,
        }  # fmt: skip
    return {
        **told, "next_starts_at": following and following["starts_at"], "next_session": following,
        "walk_minutes": _minutes(found.walk_seconds),
    }  # fmt: skip


def _told(course: OfferedCourse, station_name: str, language: Language) -> dict[str, Any]:
    return {
        "id": course.id, "station_code": course.station_code, "station_name": station_name, "title": course.title,
        "kind": course.kind, "kind_title": title(CourseKind(course.kind), language), "form": course.form,
        "form_title": title(CourseForm(course.form), language), "skill": course.skill, "industry": course.industry,
        "target_groups": [{"code": g, "title": title(TargetGroup(g), language)} for g in course.target_groups],
        "fee_yuan": float(course.fee_yuan), "subsidised": course.subsidised, "subsidy_note": course.subsidy_note,
        "seats": course.seats, "online_url": course.online_url, "description": course.description,
    }  # fmt: skip


def _minutes(walk_seconds: int | None) -> float | None:
    return None if walk_seconds is None else (walk_seconds + 3) // 6 / 10


def _message(question: str, found: Found, near: list[str], language: Language) -> str | None:
    understood = found.reading.understood
    if found.any:
        if understood is None:
            return None
        return language.pick(
            f"没有原样的“{question}”,以下按“{understood}”查询。",
            f"Nothing reads “{question}”; this is what was found for “{understood}”.",
        )
    said = language.pick(f"没有找到“{question}”。", f"Nothing was found for “{question}”.")
    if near and set(near) <= set(words_of(question)):
        listed = language.pick("、", ", ").join(near)
        return said + language.pick(f"各词可分别查询:{listed}。", f" Each word finds something alone: {listed}.")
    if near:
        listed = language.pick("、", ", ").join(near)
        said += language.pick(f"写法相近的有:{listed}。", f" Near in spelling: {listed}.")
    return said
