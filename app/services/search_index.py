"""What can be searched: the texts of stations, courses and skills of a snapshot, and which thing has which.

Built once for what is offered (some tenths of a second at 350 stations and thousands of courses), not on import, and
kept as long as the offer is. Stations and courses are rows of arrays that hold the number of a text in every field.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from app.geo.arrays import BoolArray, IntArray
from app.models.vocabularies import CourseForm, CourseKind, HostKind, StationStatus, StationType, TargetGroup
from app.repositories.offer import OfferedCourse
from app.services.bounded import BoundedCache
from app.services.offer import Offer
from app.services.search_forms import GRADES, How, Place, Texts, Uint8Array
from app.services.search_text import joined_titles, squeezed, terms_of, titled
from app.services.snapshot import Snapshot
from app.services.station_table import StationInfo

Int16Array = npt.NDArray[np.int16]
HOW_STEP = 100  # between ways of finding: no field makes up for it
# by field: points where the whole text, its beginning, or something inside of it was found
STATION_FIELDS: dict[str, tuple[int, int, int]] = {
    "name": (90, 80, 70), "code": (90, 60, 20), "town": (65, 62, 60), "district": (64, 61, 58), "address": (35, 32, 30),
    "host_kind": (25, 23, 20), "type": (25, 23, 20),
}  # fmt: skip
COURSE_FIELDS: dict[str, tuple[int, int, int]] = {
    "title": (90, 80, 75), "skill": (85, 78, 75), "industry": (60, 55, 50), "kind": (50, 45, 40),
    "form": (50, 45, 40), "group": (50, 45, 40), "cost": (50, 45, 40),
}  # fmt: skip
# where the course is: narrows a question down, but finds nothing alone
PLACE_FIELDS: dict[str, tuple[int, int, int]] = {
    "station": (30, 29, 28), "town": (30, 29, 28), "district": (30, 29, 28), "address": (25, 24, 23),
}  # fmt: skip
TAUGHT_POINTS = 50  # at most, of a station for a course that it teaches
SKILL_FIELDS = {"skill": (90, 80, 70)}
FREE_TEXT, SUBSIDISED_TEXT = "免费 free", "补贴 subsidised"


class Fields:
    """Things by number; ``text[thing, k]`` is the number of their text in the k-th field, 0 without one."""

    def __init__(self, points: Mapping[str, tuple[int, int, int]], text: IntArray) -> None:
        self.names = tuple(points)
        self.text = text
        self._tables = np.zeros((len(points), GRADES), dtype=np.int16)
        for k, (whole, beginning, inside) in enumerate(points.values()):
            for how in (How.FUZZY, How.INITIALS, How.PINYIN, How.EXACT):
                for place, worth in ((Place.INSIDE, inside), (Place.BEGINNING, beginning), (Place.WHOLE, whole)):
                    self._tables[k, 4 * how + place] = HOW_STEP * (how - How.FUZZY) + worth
        # of every field the distinct texts, and which of them every thing has
        self._columns = [np.unique(text[:, k], return_inverse=True) for k in range(len(points))]
        self._columns = [(distinct, which.astype(np.int32)) for distinct, which in self._columns]

    def __len__(self) -> int:
        return len(self.text)

    def points_of(self, grade: Uint8Array) -> Int16Array:
        """The best of every thing's fields, for the grades of all texts; 0 where nothing was found."""
        best = np.zeros(len(self.text), dtype=np.int16)
        for table, (distinct, which) in zip(self._tables, self._columns, strict=True):
            points = table[grade[distinct]]
            if points.any():
                np.maximum(best, points[which], out=best)
        return best

    def best_field(self, thing: int, grade: Uint8Array) -> int | None:
        """The field that counted; the first among equals. None where nothing was found."""
        grades = grade[self.text[thing]].tolist()
        points = [int(table[one]) for table, one in zip(self._tables, grades, strict=True)]
        return points.index(max(points)) if any(grades) else None


@dataclass(frozen=True, eq=False)
class SearchIndex:
    """``places`` are of stations, for the courses that they teach; ``course_skill`` is the position of every course's
    skill, -1 without one; ``terms`` are what a run of Chinese is cut by.
    """

    texts: Texts
    stations: Fields
    courses: Fields
    places: Fields
    skills: Fields
    is_closed: BoolArray
    course_skill: IntArray
    terms: frozenset[str]
    readings: BoundedCache = field(default_factory=lambda: BoundedCache(1_024), repr=False)
    fitting: BoundedCache = field(default_factory=lambda: BoundedCache(1_024), repr=False)
    by_day: BoundedCache = field(default_factory=lambda: BoundedCache(2), repr=False)
    by_minute: BoundedCache = field(default_factory=lambda: BoundedCache(4), repr=False)

    @cached_property
    def named(self) -> tuple[list[int], list[str]]:
        """The texts that are names of skills, stations, courses and areas: numbers, and letters."""
        columns = [self.skills.text[:, 0], self.courses.text[:, self.courses.names.index("title")]]
        columns += [self.stations.text[:, self.stations.names.index(name)] for name in ("name", "town", "district")]
        numbers: list[int] = np.unique(np.concatenate(columns)).tolist()
        numbers = [number for number in numbers if number]
        return numbers, [self.texts.plain[number] for number in numbers]


_held: WeakKeyDictionary[Offer, SearchIndex] = WeakKeyDictionary()
_building = threading.Lock()


def index_if_ready(snapshot: Snapshot) -> SearchIndex | None:
    """What ``index_of`` gives, where it was built already."""
    return _held.get(snapshot.offer)


def index_of(snapshot: Snapshot) -> SearchIndex:
    """The index of a snapshot, built by the first who needs it; the others wait."""
    ready = _held.get(snapshot.offer)
    if ready is not None:
        return ready
    with _building:
        ready = _held.get(snapshot.offer)
        if ready is None:
            ready = _held[snapshot.offer] = _built(snapshot)
    return ready


class _Numbers:
    """Distinct texts and their numbers, from 1 on; 0 is no text."""

    def __init__(self) -> None:
        self.at: dict[str, int] = {}

    def of(self, text: str | None) -> int:
        return 0 if not text or not squeezed(text) else self.at.setdefault(text, len(self.at) + 1)


def _built(snapshot: Snapshot) -> SearchIndex:
    offer, stations = snapshot.offer, snapshot.stations.table.stations
    names = {code: snapshot.areas.areas[at].name for code, at in snapshot.areas.at.items()}
    numbers = _Numbers()
    station_text = np.array(
        [[numbers.of(text) for text in _station_texts(one, names)] for one in stations], dtype=np.int64
    ).reshape(-1, len(STATION_FIELDS))
    titles = {
        name: titled(kind) for name, kind in (("kind", CourseKind), ("form", CourseForm), ("group", TargetGroup))
    }  # fmt: skip
    course_text = np.array(
        [[numbers.of(text) for text in _course_texts(one, titles)] for one in offer.courses], dtype=np.int64
    ).reshape(-1, len(COURSE_FIELDS))
    of_station = [list(STATION_FIELDS).index(name) for name in ("name", "town", "district", "address")]
    skills = sorted({one.skill for one in offer.courses if one.skill and squeezed(one.skill)})
    position = {skill: k for k, skill in enumerate(skills)}
    return SearchIndex(
        texts=Texts(list(numbers.at)),
        stations=Fields(STATION_FIELDS, station_text),
        courses=Fields(COURSE_FIELDS, course_text),
        places=Fields(PLACE_FIELDS, station_text[:, of_station]),
        skills=Fields(SKILL_FIELDS, np.array([[numbers.of(skill)] for skill in skills], dtype=np.int64).reshape(-1, 1)),
        is_closed=np.array([one.status == StationStatus.CLOSED for one in stations], dtype=np.bool_),
        course_skill=np.array([position.get(one.skill or "", -1) for one in offer.courses], dtype=np.int64),
        terms=_terms(offer.courses, stations, names, titles),
    )


def _station_texts(station: StationInfo, names: dict[str, str]) -> list[str | None]:
    """In the order of STATION_FIELDS."""
    return [
        station.name, station.code, names.get(station.town_code or ""), names.get(station.district_code or ""),
        station.address, titled(HostKind).get(station.host_kind), titled(StationType).get(station.type),
    ]  # fmt: skip


def _course_texts(course: OfferedCourse, titles: dict[str, dict[str, str]]) -> list[str | None]:
    """In the order of COURSE_FIELDS."""
    cost = [FREE_TEXT] * (course.fee_yuan == 0) + [SUBSIDISED_TEXT] * course.subsidised
    return [
        course.title, course.skill, course.industry, titles["kind"].get(course.kind), titles["form"].get(course.form),
        joined_titles(course.target_groups, titles["group"]), "、".join(cost),
    ]  # fmt: skip


def _terms(
    courses: Iterable[OfferedCourse], stations: Iterable[StationInfo], names: dict[str, str],
    titles: dict[str, dict[str, str]],
) -> frozenset[str]:  # fmt: skip
    texts = {one.skill for one in courses} | {one.industry for one in courses}
    texts |= {names.get(code) for s in stations for code in (s.town_code or "", s.district_code or "")}
    texts |= {title for kind in (*titles.values(), titled(HostKind), titled(StationType)) for title in kind.values()}
    texts |= {FREE_TEXT, SUBSIDISED_TEXT}
    return frozenset(term for text in texts if text for term in terms_of(text) if not term.isascii())
