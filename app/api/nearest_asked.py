"""From what was asked of the nearest stations to the question of the service, the same for addresses and bodies."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from app.api.schemas.nearest import NearestAsked
from app.errors import ErrorItem, InvalidInput
from app.geo.crs import Crs
from app.geo.opening_hours import TIME_ZONE
from app.services.attendable import Wanted
from app.services.nearest import NearestQuery, Order
from app.services.offer import ANY_COURSE, CourseFilter
from app.services.positions import Position, read_crs, read_position
from app.services.profiles import resolve_profile
from app.services.uncertain_position import position_of_cell

DEFAULT_HORIZON_S = 62 * 86_400  # of sessions, where order=session says no other
HOUR_S = 3600


def this_second() -> int:
    """Now, in whole seconds since 1970."""
    return int(time.time())


class Where(NamedTuple):
    """A position, and how far from it the true one may be (None: not said)."""

    position: Position
    accuracy_m: float | None


class Reading:
    """What was asked, read once; ``query`` is made anew with every second, since most of it means now.

    Raises InvalidInput for things that do not go together, CrsRequired and CoordinateInvalid for the system.
    """

    def __init__(self, asked: NearestAsked) -> None:
        self.asked = asked
        self.crs = None if asked.crs is None else read_crs(asked.crs)
        self.out_crs = asked.out_crs
        self.known_at: datetime | None = asked.known_at
        self._profile = resolve_profile(asked.profile, asked.speed_kmh)
        self._course = _course_filter(
            asked.skill or None, _values(asked.course_kind), _values(asked.form), _values(asked.group),
            _values(asked.cost),
        )  # fmt: skip
        self._types, self._hosts = _values(asked.type), _values(asked.host_kind)
        self._at_s = None if asked.at is None else int(asked.at.timestamp())
        self._open_at_s = int(asked.open_at.timestamp()) if isinstance(asked.open_at, datetime) else None
        if self._at_s is None:
            self._at_s = self._open_at_s  # the time that is meant
        self._held: tuple[int, NearestQuery] | None = None
        if asked.known_at is not None and (self.asks_for_sessions or self._course != ANY_COURSE):
            raise _not_then()

    @property
    def asks_for_sessions(self) -> bool:
        asked = self.asked
        return (
            asked.order is Order.SESSION or asked.session_within_hours is not None or asked.session_before is not None
        )

    def query(self, now_s: int | None = None) -> NearestQuery:
        """The question of the service, asked at a moment (by default now). Raises InvalidInput."""
        now_s = this_second() if now_s is None else now_s
        held = self._held
        if held is None or held[0] != now_s:
            held = self._held = now_s, self._made(now_s)
        return held[1]

    def _made(self, now_s: int) -> NearestQuery:
        asked = self.asked
        leave_s = now_s if self._at_s is None else self._at_s
        open_at_s = now_s if asked.open_at == "now" else self._open_at_s
        return NearestQuery(
            profile=self._profile,
            day=asked.open_on or day_of(leave_s),
            limit=asked.limit,
            max_minutes=asked.max_minutes,
            wanted=Wanted(
                types=self._types, host_kinds=self._hosts, accessible=asked.accessible, course=self._course,
                open_at_s=open_at_s, session_until_s=self._until_s(leave_s),
            ),
            leave_s=leave_s,
            order=asked.order,
        )  # fmt: skip

    def _until_s(self, leave_s: int) -> int | None:
        """The last beginning of a session that is asked for."""
        asked, ends = self.asked, []
        if not self.asks_for_sessions:
            return None
        if asked.session_within_hours is not None:
            ends.append(leave_s + int(asked.session_within_hours * HOUR_S))
        if asked.session_before is not None:
            ends.append(int(asked.session_before.timestamp()))
            if ends[-1] <= leave_s:
                raise _too_early(asked.session_before)
        return min(ends, default=leave_s + DEFAULT_HORIZON_S)


@lru_cache(maxsize=4096)
def _course_filter(
    skill: str | None, kinds: tuple[str, ...], forms: tuple[str, ...], groups: tuple[str, ...], costs: tuple[str, ...]
) -> CourseFilter:
    """One and the same for the same wishes: caches find it without comparing."""
    return CourseFilter(skill, kinds, forms, groups, costs)


def where_of(asked: NearestAsked, lng: float | None, lat: float | None) -> Where:
    """The position that is asked about. Raises InvalidInput, CrsRequired, CoordinateInvalid."""
    if asked.cell is not None:
        if lng is not None or lat is not None or asked.crs is not None:
            raise _one_of_both(asked.cell)
        position, radius_m = position_of_cell(asked.cell)
        return Where(position, radius_m + (asked.accuracy_m or 0.0))
    if lng is None or lat is None:
        raise _missing([name for name, value in (("lng", lng), ("lat", lat)) if value is None])
    return Where(read_position(lng, lat, asked.crs), asked.accuracy_m)


def day_of(moment_s: int) -> date:
    """The day of a moment in Guangzhou."""
    return datetime.fromtimestamp(moment_s, TIME_ZONE).date()


def answer_crs(reading: Reading, position: Position) -> Crs:
    """The system of coordinates in the answer."""
    return reading.out_crs or position.crs


def _values(members: Iterable[StrEnum]) -> tuple[str, ...]:
    return tuple(sorted({member.value for member in members}))


def _missing(names: list[str]) -> InvalidInput:
    items = [
        ErrorItem(
            name, "缺少", "is missing", remedy_zh="加上此项(或以 cell 代替 lng、lat、crs)",
            remedy_en="add it (or give cell in place of lng, lat and crs)",
        )
        for name in names
    ]  # fmt: skip
    return InvalidInput("没有说明位置。", "There is no position in the question.", errors=items)


def _one_of_both(cell: str) -> InvalidInput:
    item = ErrorItem(
        "cell", "与 lng、lat、crs 同时出现", "comes together with lng, lat or crs", value=cell,
        remedy_zh="二者只写其一", remedy_en="give either of the two",
    )  # fmt: skip
    return InvalidInput("位置写了两次。", "The position is given twice.", errors=[item])


def _too_early(moment: datetime) -> InvalidInput:
    item = ErrorItem(
        "session_before", "不晚于出发时刻", "is not after the time of leaving", value=moment.isoformat(),
        remedy_zh="写更晚的时刻,或改 at", remedy_en="write a later moment, or change at",
    )  # fmt: skip
    return InvalidInput("没有这样的场次。", "There can be no such session.", errors=[item])


def _not_then() -> InvalidInput:
    item = ErrorItem(
        "known_at", "课程与场次只有现在的", "courses and sessions are those of now",
        remedy_zh="去掉 known_at 或课程条件", remedy_en="leave out known_at, or what is asked of courses",
    )  # fmt: skip
    return InvalidInput("课程与场次没有历史。", "Courses and sessions are not kept in time.", errors=[item])
