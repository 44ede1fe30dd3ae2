"""What stations teach, and when: the part of a snapshot that residents ask about.

It is held as arrays: courses by number, their sessions in two orders (by course, and by station for those that one
walks to). It changes with the courses' layer, apart from streets and reach tables; the seats that are taken are read
again every few seconds (``Seats``). An online course has no place: nobody walks to it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TypeVar

import numpy as np
from sqlalchemy.orm import Session

from app.geo.arrays import BoolArray, Int32Array, IntArray
from app.geo.opening_hours import TIME_ZONE
from app.models.vocabularies import CourseForm
from app.repositories import offer as repo
from app.repositories.offer import NO_LIMIT, OfferedCourse, SessionTuple
from app.repositories.sign_ups import seats_taken
from app.services.bounded import BoundedCache
from app.services.station_table import StationTable

DAYS_BACK = 31  # sessions that were planned and never closed are forgotten after this
NOWHERE = -1
FREE, SUBSIDISED = "free", "subsidised"
CACHED_MASKS, CACHED_TEXTS = 4_096, 1_024
Kept = TypeVar("Kept")


@dataclass(frozen=True)
class CourseFilter:
    """What a course has to be like; empty or None means any. ``skill`` is contained in its skill or its title.

    A course that names no group is for everybody; ``costs`` are FREE and SUBSIDISED, of which one is enough.
    """

    skill: str | None = None
    kinds: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    costs: tuple[str, ...] = ()

    @cached_property
    def is_any(self) -> bool:
        return self == ANY_COURSE

    @cached_property
    def _hash(self) -> int:
        return hash((self.skill, self.kinds, self.forms, self.groups, self.costs))

    def __hash__(self) -> int:
        return self._hash  # caches are asked by it several times a lookup

    def lets_through(self, course: OfferedCourse) -> bool:
        """Does this one course meet all that is asked for?"""
        if self.skill and self.skill.casefold() not in f"{course.skill or ''}\n{course.title}".casefold():
            return False
        if (self.kinds and course.kind not in self.kinds) or (self.forms and course.form not in self.forms):
            return False
        if self.groups and course.target_groups and not set(self.groups) & set(course.target_groups):
            return False
        free, subsidised = course.fee_yuan == 0, course.subsidised
        return not self.costs or (FREE in self.costs and free) or (SUBSIDISED in self.costs and subsidised)


ANY_COURSE = CourseFilter()


class Seats:
    """How many seats are left of every session, as last read; a negative number where there is no limit."""

    def __init__(self, seats: Int32Array) -> None:
        self._seats = seats
        self.left = seats
        self.version = 0
        self.taken: Sequence[tuple[int, int]] = ()

    def take(self, session_at: dict[int, int], taken: Sequence[tuple[int, int]]) -> None:
        """Set anew what is taken, by the number of the session; readers see the old or the new, whole."""
        self.taken = taken
        left = self._seats.copy()
        for session_id, count in taken:
            at = session_at.get(session_id)
            if at is not None and left[at] != NO_LIMIT:
                left[at] = max(0, int(self._seats[at]) - count)
        if not np.array_equal(left, self.left):
            self.left = left
            self.version += 1


@dataclass(frozen=True, eq=False)
class Offer:
    """Courses with a station in the table by its number and their own; sessions by course, beginning and number.

    ``course_ptr`` says where the sessions of a course lie (CSR), ``here_ptr`` where those of a station lie in ``here``,
    which lists sessions that one can walk to by station and beginning: of a course with a place, at a station that is
    open on that day. Times are seconds since 1970.
    """

    key: str
    courses: Sequence[OfferedCourse]
    course_station: Int32Array
    session_id: IntArray
    session_course: Int32Array
    starts_s: IntArray
    ends_s: IntArray
    seats_given: Int32Array
    teachers: Sequence[str | None]
    course_ptr: IntArray
    here: IntArray
    here_ptr: IntArray
    here_starts_s: IntArray
    here_course: Int32Array
    seats: Seats
    rows: tuple[Sequence[OfferedCourse], Sequence[SessionTuple]] = field(repr=False)
    _masks: BoundedCache = field(default_factory=lambda: BoundedCache(CACHED_MASKS), repr=False)
    _texts: BoundedCache = field(default_factory=lambda: BoundedCache(CACHED_TEXTS), repr=False)

    @cached_property
    def session_at(self) -> dict[int, int]:
        """The position of a session by its number in the database."""
        return {number: at for at, number in enumerate(self.session_id.tolist())}

    @cached_property
    def course_at(self) -> dict[int, int]:
        """The position of a course by its number in the database."""
        return {course.id: at for at, course in enumerate(self.courses)}

    @cached_property
    def is_online(self) -> BoolArray:
        return np.array([course.form == CourseForm.ONLINE for course in self.courses], dtype=np.bool_)

    def kept(self, key: Hashable, make: Callable[[], Kept]) -> Kept:
        """A text that depends on nothing but the offer and ``key``."""
        return self._texts.get(key, make)

    def course_mask(self, wanted: CourseFilter) -> BoolArray:
        """Which courses a filter lets through."""
        return self._masks.get(
            ("courses", wanted), lambda: np.array([wanted.lets_through(c) for c in self.courses], dtype=np.bool_)
        )

    def station_mask(self, wanted: CourseFilter, stations: int) -> BoolArray:
        """Which of so many stations teach a course that a filter lets through, and that one can walk to."""

        def make() -> BoolArray:
            mask = np.zeros(stations, dtype=np.bool_)
            mask[self.course_station[self.course_mask(wanted) & ~self.is_online]] = True
            return mask

        return self._masks.get(("stations", wanted), make)

    def here_left(self) -> Int32Array:
        """Seats left of the sessions in ``here``."""
        key = "left", self.seats.version  # read first: what is kept by it may be newer, never older
        left = self.seats.left
        return self._masks.get(key, lambda: left[self.here])

    def sessions_of_course(self, course: int, from_s: int, count: int) -> range:
        """The positions of the next sessions of a course."""
        low, high = int(self.course_ptr[course]), int(self.course_ptr[course + 1])
        first = low + int(np.searchsorted(self.starts_s[low:high], from_s))
        return range(first, min(first + count, high))

    def bound_to(self, table: StationTable, key: str) -> Offer:
        """The same courses for another table of stations."""
        made = offer_of(*self.rows, table, key)
        made.seats.take(made.session_at, self.seats.taken)
        return made


def load_offer(session: Session, table: StationTable, key: str, now: datetime | None = None) -> Offer:
    """What the database holds. Raises the database's errors."""
    since = (now or datetime.now(UTC)) - timedelta(days=DAYS_BACK)
    made = offer_of(repo.offered_courses(session), repo.planned_sessions(session, since), table, key)
    made.seats.take(made.session_at, seats_taken(session, since))
    return made


def offer_of(
    courses: Sequence[OfferedCourse], sessions: Sequence[SessionTuple], table: StationTable, key: str
) -> Offer:
    """``courses`` and their ``sessions``, in any order, for a table of stations; courses of others are left out."""
    at = table.at
    held = sorted((c for c in courses if c.station_code in at), key=lambda c: (at[c.station_code], c.id))
    number = {course.id: k for k, course in enumerate(held)}
    rows = sorted((number[row[1]], row[2], row[0], row) for row in sessions if row[1] in number)
    columns = list(zip(*(row[3] for row in rows), strict=True)) or [()] * 6
    session_id, _, starts, ends, seats, teachers = columns
    session_course = np.array([row[0] for row in rows], dtype=np.int32)
    course_station = np.array([at[c.station_code] for c in held], dtype=np.int32)
    starts_s = np.array(starts, dtype=np.int64)
    here = _walked_to(held, course_station, session_course, starts_s, table)
    stations = np.zeros(0, np.int32) if len(here) == 0 else course_station[session_course[here]]
    seats_given = np.array(seats, dtype=np.int32)
    return Offer(
        key=key,
        courses=held,
        course_station=course_station,
        session_id=np.array(session_id, dtype=np.int64),
        session_course=session_course,
        starts_s=starts_s,
        ends_s=np.array(ends, dtype=np.int64),
        seats_given=seats_given,
        teachers=teachers,
        course_ptr=np.searchsorted(session_course, np.arange(len(held) + 1)).astype(np.int64),
        here=here,
        here_ptr=np.searchsorted(stations, np.arange(len(at) + 1)).astype(np.int64),
        here_starts_s=starts_s[here],
        here_course=session_course[here],
        seats=Seats(seats_given),
        rows=(courses, sessions),
    )


def _walked_to(
    courses: Sequence[OfferedCourse], course_station: Int32Array, session_course: Int32Array, starts_s: IntArray,
    table: StationTable,
) -> IntArray:  # fmt: skip
    """Sessions that one can walk to by station, beginning and number."""
    if len(session_course) == 0:
        return np.zeros(0, dtype=np.int64)
    spans = np.array([[day.toordinal() for day in s.open_days()] for s in table.stations], dtype=np.int64)
    station = course_station[session_course]
    epoch = datetime(1970, 1, 1).toordinal()
    offset_s = int(datetime.fromtimestamp(0, TIME_ZONE).utcoffset().total_seconds())  # type: ignore[union-attr]
    day = epoch + (starts_s + offset_s) // 86_400  # China has had one offset, without summer time, since 1991
    is_open = (spans[station, 0] <= day) & (day < spans[station, 1])
    online = np.array([c.form == CourseForm.ONLINE for c in courses], dtype=np.bool_)
    found = np.flatnonzero(is_open & ~online[session_course])
    return found[np.lexsort((found, starts_s[found], station[found]))]
