"""Which stations are open at a moment, and until when: looked up thousands of times a second, so kept as arrays by day.

What a day's hours are is decided in ``app.geo.opening_hours``. Times are seconds since 1970, days those of Guangzhou.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np

from app.geo.arrays import BoolArray, IntArray
from app.geo.opening_hours import TIME_ZONE, Calendar, DayHours, HourException, OpenState, day_hours, state_at
from app.services.bounded import BoundedCache
from app.services.station_table import StationInfo

DAYS_KEPT = 40
STRETCHES_KEPT = 4  # of a station: residents leave now, and arrive some hours later


class Opening(NamedTuple):
    """``until_s`` is the next change that is known; None where none is within two weeks."""

    state: OpenState
    until_s: int | None


class Stretch(NamedTuple):
    """What holds for certain from one moment until another."""

    from_s: int
    to_s: int
    opening: Opening


@dataclass(frozen=True)
class _Day:
    """One day of all stations: intervals by station and beginning, and whose hours are not known."""

    station: IntArray
    from_s: IntArray
    to_s: IntArray
    unknown: BoolArray


class HoursTable:
    """The opening hours of a table of stations under a calendar."""

    def __init__(self, stations: Sequence[StationInfo], calendar: Calendar) -> None:
        self.calendar = calendar
        self._hours = [s.serving.opening_hours for s in stations]
        self._exceptions = [[HourException.from_json(one) for one in s.serving.hour_exceptions] for s in stations]
        self._days = BoundedCache(DAYS_KEPT)
        self._masks = BoundedCache(256)
        self._stretches: dict[int, tuple[Stretch, ...]] = {}  # station -> those looked at last
        self.said: dict[int, tuple[int, int, bytes]] = {}  # the same as answers say it, for who writes them

    def hours_of(self, station: int, day: date) -> DayHours:
        """The hours of a station by its number."""
        return day_hours(self._hours[station], self._exceptions[station], day, self.calendar)

    def opening(self, station: int, moment_s: int) -> Opening:
        """Is a station open at a moment, and until when is that so?"""
        return self.stretch(station, moment_s).opening

    def stretch(self, station: int, moment_s: int) -> Stretch:
        """What holds at a moment, with from when and until when it holds for certain."""
        held = self._stretches.get(station, ())
        for stretch in held:
            if stretch.from_s <= moment_s < stretch.to_s:
                return stretch
        made = self._looked_up(station, moment_s)
        others = [stretch for stretch in held if stretch.to_s != made.to_s]  # else a part of the same
        self._stretches[station] = (made, *others[: STRETCHES_KEPT - 1])
        return made

    def _looked_up(self, station: int, moment_s: int) -> Stretch:
        moment = datetime.fromtimestamp(moment_s, TIME_ZONE)
        state, until = state_at(lambda day: self.hours_of(station, day), moment)
        found = Opening(state, None if until is None else int(until.timestamp()))
        midnight = datetime(moment.year, moment.month, moment.day, tzinfo=TIME_ZONE) + timedelta(days=1)
        # without a known change it is looked at again with the next day
        return Stretch(moment_s, found.until_s or int(midnight.timestamp()), found)

    def states(self, moment_s: int) -> tuple[BoolArray, BoolArray]:
        """Which stations are open at a moment, and of which it is not known."""
        minute = moment_s // 60
        return self._masks.get(minute, lambda: self._states(minute * 60))

    def _states(self, moment_s: int) -> tuple[BoolArray, BoolArray]:
        today = datetime.fromtimestamp(moment_s, TIME_ZONE).date()
        is_open = np.zeros(len(self._hours), dtype=np.bool_)
        days = [self._day(today - timedelta(days=1)), self._day(today)]
        for day in days:  # yesterday's hours may reach beyond midnight
            is_open[day.station[(day.from_s <= moment_s) & (moment_s < day.to_s)]] = True
        return is_open, days[1].unknown & ~is_open

    def _day(self, day: date) -> _Day:
        return self._days.get(day, lambda: self._made(day))

    def _made(self, day: date) -> _Day:
        midnight_s = int(datetime(day.year, day.month, day.day, tzinfo=TIME_ZONE).timestamp())
        all_hours = [self.hours_of(station, day) for station in range(len(self._hours))]
        rows = [
            (station, midnight_s + begin * 60, midnight_s + end * 60)
            for station, hours in enumerate(all_hours)
            for begin, end in hours.intervals
        ]
        columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
        unknown = np.array([not hours.state_known for hours in all_hours], dtype=np.bool_)
        return _Day(columns[:, 0], columns[:, 1], columns[:, 2], unknown)
