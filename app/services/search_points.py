"""How well the texts of things fit a question: whole numbers, the same wherever one is and whatever the time.

All words must be found in the fields of one thing; what it is worth is the sum over them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt

from app.geo.arrays import BoolArray, Int32Array, IntArray
from app.services.search_index import HOW_STEP, TAUGHT_POINTS, Fields, SearchIndex
from app.services.search_reading import Reading
from app.services.snapshot import Snapshot


@dataclass(frozen=True, eq=False)
class SkillFound:
    """A skill, how many courses teach it, and at how many stations."""

    skill: str
    courses: int
    stations: int


@dataclass(frozen=True)
class Matched:
    """A text by which a thing was found."""

    field: str
    text: str


@dataclass(frozen=True, eq=False)
class Fitting:
    """Things that fit by number, in order, with their points. ``is_taught`` tells which stations owe theirs to a
    course; ``skills`` come best first; ``matched`` is filled in with the texts by which a station was found.
    """

    stations: IntArray
    station_points: Int32Array
    is_taught: BoolArray
    courses: IntArray
    course_points: Int32Array
    skills: list[SkillFound]
    matched: dict[int, list[Matched]] = field(default_factory=dict)


def fitting(snapshot: Snapshot, index: SearchIndex, reading: Reading, day: date) -> Fitting:
    """The things that a question is about, as far as they are there on a day; kept by its words."""
    return index.fitting.get((reading.key, day), lambda: _fitting(snapshot, index, reading, day))


def _fitting(snapshot: Snapshot, index: SearchIndex, reading: Reading, day: date) -> Fitting:
    serving = snapshot.open_mask(day)
    courses, course_points = _courses(snapshot, index, reading, serving)
    own = _all_words(index.stations, reading)
    taught = _taught(snapshot, courses, course_points, len(reading.words), len(own))
    points = np.maximum(own, taught)
    points[index.is_closed] = 0
    stations = np.flatnonzero(points)
    return Fitting(
        stations, points[stations], (taught > own)[stations], courses, course_points,
        _skills(snapshot, index, reading, day),
    )  # fmt: skip


def _all_words(fields: Fields, reading: Reading) -> Int32Array:
    """The sum over the words, 0 where any is missing; or the whole question in one text, where that is worth more."""
    each = [fields.points_of(hits.grade) for hits in reading.words]
    total = each[0].astype(np.int32)
    for points in each[1:]:
        total = (total + points) * ((total > 0) & (points > 0))
    return _or_phrase(fields, reading, total)


def _or_phrase(fields: Fields, reading: Reading, total: Int32Array) -> Int32Array:
    if reading.phrase is None:
        return total
    phrase = fields.points_of(reading.phrase.grade).astype(np.int32)
    better: Int32Array = np.maximum(total, len(reading.words) * phrase)
    return better


def _courses(
    snapshot: Snapshot, index: SearchIndex, reading: Reading, serving: BoolArray
) -> tuple[IntArray, Int32Array]:
    """Courses whose station serves the public: by their own texts, and by where they are if one word at least is about
    themselves.
    """
    station = snapshot.offer.course_station
    if len(reading.words) == 1:
        total = index.courses.points_of(reading.words[0].grade).astype(np.int32)
    else:
        total = np.zeros(len(station), dtype=np.int32)
        has_all, has_own = np.ones(len(station), np.bool_), np.zeros(len(station), np.bool_)
        for hits in reading.words:
            own, place = index.courses.points_of(hits.grade), index.places.points_of(hits.grade)
            best = np.maximum(own, place[station])
            has_own |= own > 0
            has_all &= best > 0
            total += best
        total = _or_phrase(index.courses, reading, total * (has_all & has_own))
    found = np.flatnonzero(total)
    found = found[serving[station[found]]]
    return found, total[found]


def _taught(snapshot: Snapshot, courses: IntArray, points: Int32Array, words: int, stations: int) -> Int32Array:
    """Of every station the points of the best of these courses that it teaches on the spot: of each at most
    TAUGHT_POINTS a word beside the way of finding.
    """
    taught, offer = np.zeros(stations, dtype=np.int32), snapshot.offer
    here = ~offer.is_online[courses]
    if not here.any():
        return taught
    each = points[here] // words
    capped = words * (each - np.maximum(each % HOW_STEP - TAUGHT_POINTS, 0))
    station = offer.course_station[courses[here]]  # in order, since courses lie by station
    first = np.flatnonzero(np.diff(station, prepend=-1))
    taught[station[first]] = np.maximum.reduceat(capped, first)
    return taught


def _skills(snapshot: Snapshot, index: SearchIndex, reading: Reading, day: date) -> list[SkillFound]:
    """Skills that hold all words, or the question as a whole; by points, then by how many courses teach them."""
    if len(index.skills) == 0:
        return []
    points = _all_words(index.skills, reading)
    courses, stations = _how_many(snapshot, index, day)
    found = [k for k in np.flatnonzero(points).tolist() if courses[k]]
    names = [index.texts.texts[number] for number in index.skills.text[found, 0].tolist()]
    made = [
        (-int(points[k]), -int(courses[k]), name, SkillFound(name, int(courses[k]), int(stations[k])))
        for k, name in zip(found, names, strict=True)
    ]
    return [one[3] for one in sorted(made, key=lambda one: one[:3])]


def _how_many(snapshot: Snapshot, index: SearchIndex, day: date) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Of every skill how many courses teach it on a day, and at how many stations."""

    def make() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        station = snapshot.offer.course_station
        there = np.flatnonzero((index.course_skill >= 0) & snapshot.open_mask(day)[station])
        count, skill = len(index.skills), index.course_skill[there]
        pairs = np.unique(np.stack([skill, station[there]]), axis=1)
        return np.bincount(skill, minlength=count), np.bincount(pairs[0], minlength=count)

    return index.by_day.get(day, make)
