"""Which stations a resident can use: what is asked of them, of their courses, and of sessions one can be in time for.

A filter comes to a mask over the stations of a snapshot. What does not depend on the minute is kept; the rest is a few
operations on arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from app.geo.arrays import BoolArray, IntArray
from app.geo.timetable import NONE, first_reached, next_of_place
from app.services.offer import ANY_COURSE, CourseFilter
from app.services.snapshot import Snapshot


@dataclass(frozen=True)
class Wanted:
    """What a station has to be like; empty or None means any.

    ``course`` is met by one course that it teaches on the spot; ``open_at_s`` is a moment at which it has to be open
    (where that is not known, it is not); ``session_until_s`` asks for a session of such a course that begins by then,
    has a free seat, and can be reached in time. Moments are seconds since 1970.
    """

    types: tuple[str, ...] = ()
    host_kinds: tuple[str, ...] = ()
    accessible: bool = False
    course: CourseFilter = ANY_COURSE
    open_at_s: int | None = None
    session_until_s: int | None = None


ANY_STATION = Wanted()


def station_mask(snapshot: Snapshot, day: date, wanted: Wanted) -> BoolArray:
    """Which stations serve the public on ``day`` and meet all but the wish for a session."""
    mask = _lasting_mask(snapshot, day, wanted)
    if not wanted.course.is_any:
        mask = mask & snapshot.offer.station_mask(wanted.course, len(mask))
    if wanted.open_at_s is not None:
        mask = mask & snapshot.hours.states(wanted.open_at_s)[0]
    return mask


def _lasting_mask(snapshot: Snapshot, day: date, wanted: Wanted) -> BoolArray:
    """What depends on the day and the stations' records alone."""

    def make() -> BoolArray:
        mask = snapshot.open_mask(day, wanted.types)
        stations = snapshot.stations.table.stations
        if wanted.host_kinds:
            mask = mask & np.array([s.host_kind in wanted.host_kinds for s in stations], dtype=np.bool_)
        if wanted.accessible:
            mask = mask & np.array([s.serving.accessible_entrance is True for s in stations], dtype=np.bool_)
        return mask

    return snapshot.masks.get((day, wanted.types, wanted.host_kinds, wanted.accessible), make)


def sessions_in_time(
    snapshot: Snapshot, stations: Sequence[int], walk_s: Sequence[int] | IntArray, leave_s: int, wanted: Wanted
) -> list[int]:
    """For every station the first session wanted that one who leaves at ``leave_s`` is in time for; NONE without one.

    Numbers are positions in ``snapshot.offer.here``. Raises ValueError unless a session is wanted.
    """
    if wanted.session_until_s is None:
        raise ValueError("no session is asked for")
    offer, found = snapshot.offer, np.empty(len(stations), dtype=np.int64)
    first_reached(
        np.asarray(stations, dtype=np.int64), np.asarray(walk_s, dtype=np.int64), leave_s, wanted.session_until_s,
        offer.here_ptr, offer.here_starts_s, offer.here_course, offer.course_mask(wanted.course), offer.here_left(),
        found,
    )  # fmt: skip
    numbers: list[int] = found.tolist()
    return numbers


def with_sessions(snapshot: Snapshot, mask: BoolArray, leave_s: int, wanted: Wanted) -> BoolArray:
    """The stations of a mask that have any session wanted after ``leave_s``, however far away they are."""
    numbers = np.flatnonzero(mask)
    found = sessions_in_time(snapshot, numbers.tolist(), np.zeros(len(numbers), np.int64), leave_s, wanted)
    left = np.zeros_like(mask)
    left[numbers[np.array(found, dtype=np.int64) != NONE]] = True
    return left


def next_sessions(snapshot: Snapshot, station: int, from_s: int, wanted: CourseFilter, count: int) -> list[int]:
    """The next sessions of wanted courses at a station, as positions in ``snapshot.offer.here``."""
    offer = snapshot.offer
    found = np.empty(count, dtype=np.int64)
    many = next_of_place(
        station, from_s, offer.here_ptr, offer.here_starts_s, offer.here_course, offer.course_mask(wanted), found
    )
    numbers: list[int] = found[:many].tolist()
    return numbers
