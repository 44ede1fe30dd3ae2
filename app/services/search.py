"""One question for everything (一键查询): stations, courses and skills by what is typed, the near and open ones first.

All words must be found in the fields of one thing. What a thing is worth is a whole number for how well its texts fit
(the way of finding before the field, see ``search_index``), the sum over the words, plus less than one for its place
and time (``worth_of_stations``, ``worth_of_courses``), which decides only among things that fit alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from app.geo.arrays import BoolArray, FloatArray, Int32Array, IntArray
from app.geo.nearest import straight_m
from app.models.vocabularies import StationStatus
from app.services.nearest import walks_from
from app.services.positions import Position
from app.services.profiles import resolve_profile
from app.services.search_forms import How, WordHits
from app.services.search_index import HOW_STEP, TAUGHT_POINTS, Fields, Int16Array, SearchIndex
from app.services.search_reading import Reading
from app.services.snapshot import Snapshot
from app.services.station_table import today

MAX_HITS = 50
WALK_MINUTES = 60.0
HALF_MINUTES = 15.0  # a walk that makes a place half as good as one next door
BEELINE_M_PER_MINUTE = 60.0  # beyond what is walked: as the crow flies, with a usual detour at a usual pace
HALF_HOURS = 48.0  # a wait that makes a session half as good as one right now
NEVER_S = 1 << 62


class Kind(NamedTuple):
    """What is sought."""

    stations: bool = True
    courses: bool = True
    skills: bool = True


@dataclass(frozen=True)
class Matched:
    """A text by which a thing was found."""

    field: str
    text: str


@dataclass(frozen=True)
class StationFound:
    """A station by number. ``walk_seconds`` None without a position or beyond an hour."""

    number: int
    matched: list[Matched]
    walk_seconds: int | None
    straight_m: float | None


@dataclass(frozen=True)
class CourseFound:
    """A course by its position in the offer; ``next_session`` is a position, too."""

    course: int
    next_session: int | None
    walk_seconds: int | None


@dataclass(frozen=True)
class SkillFound:
    """A skill, how many courses teach it, and at how many stations."""

    skill: str
    courses: int
    stations: int


@dataclass(frozen=True)
class Found:
    """What a question came to, the best first. ``how`` is that of the word that was understood worst."""

    how: How
    stations: list[StationFound]
    courses: list[CourseFound]
    skills: list[SkillFound]


@dataclass(frozen=True)
class _Where:
    """Of every station the walk in seconds (-1: none) and the distance in metres, from a position."""

    walk_s: IntArray
    straight_m: FloatArray

    def minutes(self) -> FloatArray:
        return np.where(self.walk_s >= 0, self.walk_s / 60, np.maximum(WALK_MINUTES, self._beeline()))

    def _beeline(self) -> FloatArray:
        return self.straight_m / BEELINE_M_PER_MINUTE


def search(
    snapshot: Snapshot, index: SearchIndex, reading: Reading, *, kinds: Kind, limit: int, now_s: int,
    position: Position | None = None,
) -> Found:  # fmt: skip
    """The things that a question, read as ``reading``, is about; at most ``limit`` of each kind."""
    if not reading.words:
        return Found(How.NONE, [], [], [])
    serving = snapshot.open_mask(today())
    where = None if position is None else _where(snapshot, position)
    course_points = _course_points(snapshot, index, reading, serving)
    station_points, own = _station_points(snapshot, index, reading, course_points)
    next_s = _next_starts(snapshot, index, now_s)
    stations, courses, skills = [], [], []
    if kinds.stations:
        worth = worth_of_stations(where, is_open=snapshot.hours.states(now_s)[0], serving=serving)
        stations = _stations(snapshot, index, reading, _best(station_points, worth, limit), own, where, course_points)
    if kinds.courses:
        worth = worth_of_courses(where, now_s, course_station=snapshot.offer.course_station, next_s=next_s)
        courses = _courses(snapshot, _best(course_points, worth, limit), where, now_s)
    if kinds.skills:
        skills = _skills(snapshot, index, reading, serving, limit)
    how = reading.how if stations or courses or skills else How.NONE
    return Found(how, stations, courses, skills)


def worth_of_stations(where: _Where | None, *, is_open: BoolArray, serving: BoolArray) -> FloatArray:
    """From 0 to less than 1: 0.6 for nearness, which is 15 min / (15 min + walk), 0.3 for being open now; 0 where the
    station does not serve the public today.
    """
    near = np.zeros(len(serving), dtype=np.float64)
    if where is not None:
        near = HALF_MINUTES / (HALF_MINUTES + where.minutes())
    worth: FloatArray = (0.05 + 0.6 * near + 0.3 * is_open) * serving
    return worth


def worth_of_courses(where: _Where | None, now_s: int, *, course_station: Int32Array, next_s: IntArray) -> FloatArray:
    """The same of courses: 0.5 for the nearness of the station, 0.4 for that of the next session in time, which is
    48 h / (48 h + wait).
    """
    near = np.zeros(len(course_station), dtype=np.float64)
    if where is not None:
        near = (HALF_MINUTES / (HALF_MINUTES + where.minutes()))[course_station]
    hours = np.maximum(next_s - now_s, 0) / 3600
    worth: FloatArray = 0.5 * near + 0.4 * HALF_HOURS / (HALF_HOURS + hours)
    return worth


def _station_points(
    snapshot: Snapshot, index: SearchIndex, reading: Reading, course_points: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Points of every station: the better of what its own texts and a course that it teaches come to; and its own."""
    own = _all_words(index.stations, reading)
    taught = np.zeros_like(own)
    offer, count = snapshot.offer, max(len(reading.words), 1)
    if len(course_points):
        each = course_points // count  # a course is found by all words: what one is worth on average
        capped = count * (each // HOW_STEP * HOW_STEP + np.minimum(each % HOW_STEP, TAUGHT_POINTS))
        here = np.flatnonzero((course_points > 0) & ~offer.is_online)
        np.maximum.at(taught, offer.course_station[here], capped[here])
    points = np.maximum(own, taught)
    closed = [k for k, s in enumerate(snapshot.stations.table.stations) if s.status == StationStatus.CLOSED]
    points[closed] = 0
    return points, own


def _all_words(fields: Fields, reading: Reading) -> npt.NDArray[np.int32]:
    """The sum over the words, 0 where any is missing; or the whole question in one text, where that is worth more."""
    total = np.zeros(len(fields.text), dtype=np.int32)
    has_all = np.ones(len(fields.text), dtype=np.bool_)
    for hits in reading.words:
        points = fields.points_of(hits.grade)
        has_all &= points > 0
        total += points
    total *= has_all
    if reading.phrase is not None:
        np.maximum(total, len(reading.words) * fields.points_of(reading.phrase.grade).astype(np.int32), out=total)
    return total


def _course_points(
    snapshot: Snapshot, index: SearchIndex, reading: Reading, serving: BoolArray
) -> npt.NDArray[np.int32]:
    """Points of every course whose station serves the public: of its own texts, and of where it is if one word at
    least is about itself.
    """
    count = len(index.courses.text)
    total, has_all, has_own = np.zeros(count, np.int32), np.ones(count, np.bool_), np.zeros(count, np.bool_)
    if count == 0:
        return total
    for hits in reading.words:
        own, place = index.courses.points_of(hits.grade), index.places.points_of(hits.grade)
        has_own |= own > 0
        has_all &= (own > 0) | (place > 0)
        total += np.maximum(own, place)
    total *= has_all & has_own
    if reading.phrase is not None:
        phrase = index.courses.points_of(reading.phrase.grade).astype(np.int32)
        np.maximum(total, len(reading.words) * phrase, out=total)
    result: npt.NDArray[np.int32] = total * serving[snapshot.offer.course_station]
    return result


def _best(points: npt.NDArray[np.int32], worth: FloatArray, limit: int) -> list[int]:
    """The things with points, by points and worth; by number among equals."""
    found = np.flatnonzero(points)
    score = points[found] + worth[found]
    if len(found) > limit:
        kept = score >= np.partition(score, len(score) - limit)[len(score) - limit]
        found, score = found[kept], score[kept]
    best: list[int] = found[np.argsort(-score, kind="stable")][:limit].tolist()
    return best


def _stations(
    snapshot: Snapshot, index: SearchIndex, reading: Reading, numbers: Sequence[int], own: npt.NDArray[np.int32],
    where: _Where | None, course_points: npt.NDArray[np.int32],
) -> list[StationFound]:  # fmt: skip
    offer, found = snapshot.offer, []
    for number in numbers:
        if own[number] > 0:
            matched = _matched(index, [index.stations], number, reading)
        else:
            first, end = np.searchsorted(offer.course_station, [number, number + 1]).tolist()
            here = course_points[first:end] * ~offer.is_online[first:end]
            matched = _matched(index, [index.courses, index.places], first + int(here.argmax()), reading)
        walk = None if where is None or where.walk_s[number] < 0 else int(where.walk_s[number])
        metres = None if where is None else round(float(where.straight_m[number]), 1)
        found.append(StationFound(number, matched, walk, metres))
    return found


def _matched(index: SearchIndex, fields: Sequence[Fields], thing: int, reading: Reading) -> list[Matched]:
    """By which texts each word was found, each once."""
    found: list[Matched] = []
    words: list[WordHits] = [*reading.words] if reading.phrase is None else [reading.phrase, *reading.words]
    for hits in words:
        for some in fields:
            k = some.best_field(thing, hits.grade)
            if k is not None:
                one = Matched(some.names[k], index.texts.texts[int(some.text[thing, k])])
                if one not in found:
                    found.append(one)
                break
    return found


def _courses(snapshot: Snapshot, positions: Sequence[int], where: _Where | None, now_s: int) -> list[CourseFound]:
    offer, found = snapshot.offer, []
    for course in positions:
        coming = offer.sessions_of_course(course, now_s, 1)
        walk = None
        if where is not None and not offer.is_online[course]:
            seconds = int(where.walk_s[offer.course_station[course]])
            walk = seconds if seconds >= 0 else None
        found.append(CourseFound(course, coming[0] if coming else None, walk))
    return found


def _skills(
    snapshot: Snapshot, index: SearchIndex, reading: Reading, serving: BoolArray, limit: int
) -> list[SkillFound]:
    """Skills that hold all words, or the question as a whole; by points, then by how many courses teach them."""
    if len(index.skill_text) == 0:
        return []
    each: list[Int16Array] = [index.skill_points(hits.grade) for hits in reading.words]
    points = np.sum(each, axis=0) * np.all([one > 0 for one in each], axis=0)
    if reading.phrase is not None:
        points = np.maximum(points, len(each) * index.skill_points(reading.phrase.grade).astype(np.int64))
    offer, found = snapshot.offer, []
    for skill in np.flatnonzero(points).tolist():
        taught = np.flatnonzero((index.course_skill == skill) & serving[offer.course_station])
        if len(taught):
            stations = len(np.unique(offer.course_station[taught]))
            name = index.texts.texts[int(index.skill_text[skill])]
            found.append((-int(points[skill]), -len(taught), SkillFound(name, len(taught), stations)))
    found.sort(key=lambda one: (*one[:2], one[2].skill))
    return [one[2] for one in found[:limit]]


def _next_starts(snapshot: Snapshot, index: SearchIndex, now_s: int) -> IntArray:
    """When each course is held next, NEVER_S for none, in seconds since 1970; looked up anew every minute."""
    minute = now_s // 60

    def make() -> IntArray:
        offer = snapshot.offer
        later = np.flatnonzero(offer.starts_s >= minute * 60)
        found = np.full(len(offer.courses), NEVER_S, dtype=np.int64)
        courses, first = np.unique(offer.session_course[later], return_index=True)  # sessions lie by course and time
        found[courses] = offer.starts_s[later[first]]
        return found

    return index.by_minute.get(minute, make)


def _where(snapshot: Snapshot, position: Position) -> _Where:
    stations = snapshot.stations.table.stations
    walk_s = np.full(len(stations), -1, dtype=np.int64)
    everywhere = np.ones(len(stations), dtype=np.bool_)
    walks = walks_from(snapshot, position, resolve_profile(), WALK_MINUTES, everywhere)
    if walks:
        walk_s[list(walks)] = list(walks.values())
    metres = [straight_m(position.lng, position.lat, s.lng, s.lat) for s in stations]
    return _Where(walk_s, np.array(metres, dtype=np.float64))
