"""One question for everything (一键查询): stations, courses and skills by what is typed, the near and open ones first.

What a thing is worth is a whole number for how well its texts fit (``search_points``) plus less than one for its place
and time, which decides only among things that fit alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from app.geo.arrays import FloatArray, Int32Array, IntArray
from app.geo.geodesy import metres_per_degree_at
from app.geo.nearest import straight_m
from app.services.nearest import lookup_of, walks_from
from app.services.positions import Position
from app.services.profiles import resolve_profile
from app.services.search_forms import WordHits
from app.services.search_index import Fields, SearchIndex
from app.services.search_points import Fitting, Matched, SkillFound, fitting
from app.services.search_reading import NOTHING, Reading, read_directly, read_forgivingly
from app.services.snapshot import Snapshot
from app.services.station_table import today

MAX_HITS = 50
WALK_MINUTES = 60.0
HALF_MINUTES = 15.0  # a walk that makes a place half as good as one next door
BEELINE_M_PER_MINUTE = 60.0  # beyond what is walked: as the crow flies, with a usual detour at a usual pace
HALF_HOURS = 48.0  # a wait that makes a session half as good as one right now


class Kind(NamedTuple):
    """What is sought."""

    stations: bool = True
    courses: bool = True
    skills: bool = True


EVERYTHING = Kind()


@dataclass(frozen=True)
class Asked:
    """What is asked for besides the words, at a moment (seconds since 1970)."""

    now_s: int
    limit: int = 10
    kinds: Kind = EVERYTHING
    position: Position | None = None


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
class Found:
    """What a question came to, the best first, and how it was read."""

    reading: Reading
    stations: list[StationFound]
    courses: list[CourseFound]
    skills: list[SkillFound]

    @property
    def any(self) -> bool:
        return bool(self.stations or self.courses or self.skills)


NOTHING_FOUND = Found(NOTHING, [], [], [])


class _Where(NamedTuple):
    """Of every station the walk in seconds from a position (-1: none within WALK_MINUTES), and its nearness."""

    position: Position
    walk_s: IntArray
    near: FloatArray


def search(snapshot: Snapshot, index: SearchIndex, reading: Reading, asked: Asked) -> Found:
    """The things that a question, read as ``reading``, is about; at most ``limit`` of each kind."""
    fits, kinds = fitting(snapshot, index, reading, today()), asked.kinds
    where = None if asked.position is None else _where(snapshot, asked.position)
    return Found(
        reading,
        _stations(snapshot, index, fits, reading, asked, where) if kinds.stations else [],
        _courses(snapshot, index, fits, asked, where) if kinds.courses else [],
        fits.skills[: asked.limit] if kinds.skills else [],
    )


def search_directly(snapshot: Snapshot, index: SearchIndex, words: list[str], asked: Asked) -> Found | None:
    """What a question finds as it is written; None where that is nothing. Below a millisecond."""
    reading = read_directly(index, words)
    found = None if reading is None else search(snapshot, index, reading, asked)
    return found if found is not None and found.any else None


def search_forgivingly(snapshot: Snapshot, index: SearchIndex, words: list[str], asked: Asked) -> Found:
    """What it finds as it may have been meant; maybe nothing. Takes milliseconds."""
    for reading in read_forgivingly(index, words):
        found = search(snapshot, index, reading, asked)
        if found.any:
            return found
    return NOTHING_FOUND


def _best(points: Int32Array, worth: FloatArray, limit: int) -> list[int]:
    """Positions of the best by points and worth, in order; the first among equals."""
    score = points + worth
    kept = np.arange(len(score))
    if len(score) > limit:
        kept = np.flatnonzero(score >= np.partition(score, len(score) - limit)[len(score) - limit])
    best: list[int] = kept[np.argsort(-score[kept], kind="stable")][:limit].tolist()
    return best


def _stations(
    snapshot: Snapshot, index: SearchIndex, fits: Fitting, reading: Reading, asked: Asked, where: _Where | None
) -> list[StationFound]:
    """Worth up to 1: 0.6 for nearness, 0.3 for being open now; nothing where it does not serve the public today."""
    worth = np.where(snapshot.hours.states(asked.now_s)[0][fits.stations], 0.35, 0.05)
    if where is not None:
        worth += 0.6 * where.near[fits.stations]
    worth *= snapshot.open_mask(today())[fits.stations]
    found, table, position = [], snapshot.stations.table.stations, asked.position
    for at in _best(fits.station_points, worth, asked.limit):
        number = int(fits.stations[at])
        metres = None
        if position is not None:
            metres = round(straight_m(position.lng, position.lat, table[number].lng, table[number].lat), 1)
        matched = fits.matched.get(number)
        if matched is None:
            matched = fits.matched[number] = _matched_station(snapshot, index, fits, at, reading)
        found.append(StationFound(number, matched, _walk(where, number), metres))
    return found


def _matched_station(snapshot: Snapshot, index: SearchIndex, fits: Fitting, at: int, reading: Reading) -> list[Matched]:
    number = int(fits.stations[at])
    if fits.is_taught[at]:
        course = _taught_by(snapshot, fits, number)
        return _matched(index, (index.courses, index.places), course, number, reading)
    return _matched(index, (index.stations,), number, number, reading)


def _taught_by(snapshot: Snapshot, fits: Fitting, station: int) -> int:
    """The course that a station owes its points to."""
    offer = snapshot.offer
    first, end = np.searchsorted(offer.course_station[fits.courses], [station, station + 1]).tolist()
    points = fits.course_points[first:end] * ~offer.is_online[fits.courses[first:end]]
    return int(fits.courses[first + int(points.argmax())])


def _matched(index: SearchIndex, fields: Sequence[Fields], thing: int, station: int, reading: Reading) -> list[Matched]:
    """By which texts each word was found, each once; of places by the number of the station."""
    found: dict[Matched, None] = {}
    words: list[WordHits] = [*reading.words] if reading.phrase is None else [reading.phrase, *reading.words]
    for hits in words:
        for some in fields:
            number = station if some is index.places else thing
            k = some.best_field(number, hits.grade)
            if k is not None:
                found[Matched(some.names[k], index.texts.texts[int(some.text[number, k])])] = None
                break
    return list(found)


def _courses(
    snapshot: Snapshot, index: SearchIndex, fits: Fitting, asked: Asked, where: _Where | None
) -> list[CourseFound]:
    """Worth up to 0.9: 0.5 for the station's nearness, 0.4 for that of the next session in time."""
    offer, found = snapshot.offer, []
    worth = _soon(snapshot, index, asked.now_s)[fits.courses]
    if where is not None:
        worth += 0.5 * where.near[offer.course_station[fits.courses]]
    for at in _best(fits.course_points, worth, asked.limit):
        course = int(fits.courses[at])
        coming = offer.sessions_of_course(course, asked.now_s, 1)
        walk = None if offer.is_online[course] else _walk(where, int(offer.course_station[course]))
        found.append(CourseFound(course, coming[0] if coming else None, walk))
    return found


def _soon(snapshot: Snapshot, index: SearchIndex, now_s: int) -> FloatArray:
    """What every course is worth for its next session: 0.4 · 48 h / (48 h + wait), 0 for none; anew every minute."""
    minute = now_s // 60

    def make() -> FloatArray:
        offer = snapshot.offer
        later = np.flatnonzero(offer.starts_s >= minute * 60)
        worth = np.zeros(len(offer.courses), dtype=np.float64)
        courses, first = np.unique(offer.session_course[later], return_index=True)  # sessions lie by course and time
        hours = (offer.starts_s[later[first]] - minute * 60) / 3600
        worth[courses] = 0.4 * HALF_HOURS / (HALF_HOURS + hours)
        return worth

    return index.by_minute.get(minute, make)


def _walk(where: _Where | None, station: int) -> int | None:
    if where is None:
        return None
    seconds = int(where.walk_s[station])
    return seconds if seconds >= 0 else None


def _where(snapshot: Snapshot, position: Position) -> _Where:
    """Nearness is 15 min / (15 min + walk). Beyond an hour, and where no street is known, the walk is taken for a
    minute every BEELINE_M_PER_MINUTE, and for more than an hour.
    """
    lookup = lookup_of(snapshot, step_free=False)
    walk_s = np.full(len(lookup.lng), -1, dtype=np.int64)
    everywhere = np.ones(len(walk_s), dtype=np.bool_)
    walks = walks_from(snapshot, position, resolve_profile(), WALK_MINUTES, everywhere)
    if walks:
        walk_s[list(walks)] = list(walks.values())
    kx, ky = metres_per_degree_at(position.lat)
    metres = np.hypot((lookup.lng - position.lng) * kx, (lookup.lat - position.lat) * ky)
    minutes = np.where(walk_s >= 0, walk_s / 60, np.maximum(WALK_MINUTES, metres / BEELINE_M_PER_MINUTE))
    return _Where(position, walk_s, HALF_MINUTES / (HALF_MINUTES + minutes))
