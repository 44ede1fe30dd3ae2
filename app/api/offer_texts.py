"""Courses and sessions of the snapshot as ready JSON, each written once a language until its seats change."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from app.api.language import Language
from app.api.schemas.stations import title
from app.geo.opening_hours import TIME_ZONE
from app.models.vocabularies import CourseForm, CourseKind
from app.repositories.offer import NO_LIMIT, OfferedCourse
from app.services.attendable import next_sessions
from app.services.offer import CourseFilter, Offer
from app.services.snapshot import Snapshot

ONLINE_SHOWN = 5
SESSIONS_SHOWN = 2
NEVER_S = 1 << 62


@lru_cache(maxsize=16_384)
def moment_text(moment_s: int) -> str:
    """A moment in ISO 8601, as clocks in Guangzhou show it."""
    return datetime.fromtimestamp(moment_s, TIME_ZONE).isoformat()


def session_text(offer: Offer, here: int, language: Language, *, reachable: bool) -> bytes:
    """One session by its position in ``offer.here``; see ``schemas.nearest.NextSession``."""
    texts: dict[int, tuple[bytes, bytes]] = offer.kept(("session texts", language, offer.seats.version), dict)
    pair = texts.get(here)
    if pair is None:
        pair = texts[here] = _written(offer, int(offer.here[here]), language)
    return pair[1 if reachable else 0]


class Coming(NamedTuple):
    """The next sessions of a station: so from any moment after ``after_s`` until the first of them begins."""

    after_s: int
    first_s: int
    starts_s: list[int]
    texts: list[tuple[bytes, bytes]]
    all_reachable: bytes

    def text(self, arrival_s: int) -> bytes:
        """They as a list in JSON, for one who arrives then."""
        if arrival_s <= self.first_s:
            return self.all_reachable
        pairs = zip(self.starts_s, self.texts, strict=True)
        return b"[%b]" % b",".join([texts[starts_s >= arrival_s] for starts_s, texts in pairs])


class Upcoming:
    """What is said of the next sessions of wanted courses, by station: written when first asked for."""

    def __init__(self, snapshot: Snapshot, wanted: CourseFilter, language: Language) -> None:
        self._snapshot, self._wanted, self._language = snapshot, wanted, language
        self._held: dict[int, Coming] = {}

    @classmethod
    def of(cls, snapshot: Snapshot, wanted: CourseFilter, language: Language) -> Upcoming:
        """Kept until a session has another number of seats left."""
        offer = snapshot.offer
        return offer.kept(("upcoming", wanted, language, offer.seats.version), lambda: cls(snapshot, wanted, language))

    def at(self, station: int, leave_s: int) -> Coming:
        """The next sessions for one who leaves then."""
        coming = self._held.get(station)
        if coming is None or leave_s <= coming.after_s or leave_s > coming.first_s:
            coming = self._held[station] = self._written(station, leave_s)
        return coming

    def _written(self, station: int, leave_s: int) -> Coming:
        offer = self._snapshot.offer
        found = next_sessions(self._snapshot, station, leave_s, self._wanted, SESSIONS_SHOWN)
        texts = [
            (
                session_text(offer, at, self._language, reachable=False),
                session_text(offer, at, self._language, reachable=True),
            )
            for at in found
        ]
        starts_s = [offer.here_starts_s.item(at) for at in found]
        all_reachable = b"[%b]" % b",".join([pair[1] for pair in texts])
        return Coming(leave_s - 1, starts_s[0] if found else NEVER_S, starts_s, texts, all_reachable)


def online_courses(snapshot: Snapshot, wanted: CourseFilter, from_s: int, language: Language) -> bytes:
    """Online courses that fit, as a list in JSON: those that begin soonest, then those without a date; see
    ``OnlineCourse``.
    """
    offer, minute = snapshot.offer, from_s // 60
    key = ("online", wanted, minute, language)
    return offer.kept(key, lambda: orjson.dumps(_online_courses(offer, wanted, minute * 60, language)))


def _online_courses(offer: Offer, wanted: CourseFilter, from_s: int, language: Language) -> list[dict[str, Any]]:
    found = []
    for course in (offer.course_mask(wanted) & offer.is_online).nonzero()[0].tolist():
        coming = offer.sessions_of_course(course, from_s, 1)
        found.append((int(offer.starts_s[coming[0]]) if coming else None, course))
    found.sort(key=lambda pair: (pair[0] is None, pair[0] or 0, pair[1]))
    return [_online(offer.courses[course], starts, language) for starts, course in found[:ONLINE_SHOWN]]


def _online(course: OfferedCourse, starts_s: int | None, language: Language) -> dict[str, Any]:
    return {
        "id": course.id, "station_code": course.station_code, "title": course.title, "kind": course.kind,
        "kind_title": title(CourseKind(course.kind), language), "skill": course.skill,
        "fee_yuan": float(course.fee_yuan), "subsidised": course.subsidised, "online_url": course.online_url,
        "next_starts_at": None if starts_s is None else moment_text(starts_s),
    }  # fmt: skip


def _written(offer: Offer, at: int, language: Language) -> tuple[bytes, bytes]:
    course, left = offer.courses[int(offer.session_course[at])], int(offer.seats.left[at])
    told = {
        "id": int(offer.session_id[at]), "course_id": course.id, "title": course.title, "kind": course.kind,
        "kind_title": title(CourseKind(course.kind), language), "form": course.form,
        "form_title": title(CourseForm(course.form), language), "skill": course.skill,
        "starts_at": moment_text(int(offer.starts_s[at])), "ends_at": moment_text(int(offer.ends_s[at])),
        "fee_yuan": float(course.fee_yuan), "subsidised": course.subsidised,
        "seats_left": None if left == NO_LIMIT else left,
    }  # fmt: skip
    return orjson.dumps({**told, "reachable": False}), orjson.dumps({**told, "reachable": True})
