"""The changes of a scenario, read against the stations and streets that there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np

from app.errors import ErrorItem, InvalidInput
from app.geo.arrays import BoolArray, IntArray
from app.geo.frontage import NOWHERE
from app.geo.opening_hours import OpenState, day_hours, state_at
from app.geo.snapping import Places, snap
from app.services.coverage import CoverageQuery
from app.services.positions import Position
from app.services.snapshot import Snapshot
from app.services.suggestions import unknown_code

NOBODY = -1  # no place, no station


class ChangeKind(StrEnum):
    """What a planner can do with a station."""

    ADD = "add"
    MOVE = "move"
    CLOSE = "close"
    HOURS = "hours"


@dataclass(frozen=True)
class Proposed:
    """One change. ``code`` is the station that is moved, closed, or open at other hours; ``position`` the new place.

    ``type`` and ``opening_hours`` are those of a station that is added; without hours it counts as always open.
    """

    kind: ChangeKind
    code: str | None = None
    name: str | None = None
    type: str | None = None
    position: Position | None = None
    opening_hours: str | None = None


@dataclass(frozen=True)
class Planned:
    """The changes as origins that go and places that come.

    ``opens`` holds for every change the index of its place in ``places``, ``closes`` the number of the station that no
    longer counts where it did; NOBODY where it has none. ``leaf`` is the leaf area of every place, ``origins`` how many
    stations there are.
    """

    proposed: Sequence[Proposed]
    origins: int
    places: Places
    leaf: IntArray
    opens: list[int]
    closes: list[int]

    @property
    def closed(self) -> list[int]:
        return [number for number in self.closes if number != NOBODY]

    def staying(self, mask: BoolArray) -> BoolArray:
        """The stations of a mask that are where they were."""
        stays = mask.copy()
        stays[self.closed] = False
        return stays


def read_changes(
    snapshot: Snapshot, query: CoverageQuery, open_at: datetime | None, counted: BoolArray, asked: Sequence[Proposed]
) -> Planned:
    """What the changes come to; ``counted`` are the stations that count now.

    Raises InvalidInput with an item for every change that cannot be made: a station that is not there or is not open on
    the day, one that is changed twice, a place beside no street.
    """
    reader = _Reader(snapshot, query, open_at, counted)
    for k, one in enumerate(asked):
        reader.read(k, one)
    return reader.planned(asked)


class _Reader:
    def __init__(self, snapshot: Snapshot, query: CoverageQuery, open_at: datetime | None, counted: BoolArray) -> None:
        self.snapshot, self.query, self.open_at, self.counted = snapshot, query, open_at, counted
        self.serving = snapshot.open_mask(query.day)
        self.items: list[ErrorItem] = []
        self.changed: dict[int, int] = {}  # station -> the change that it has
        self.opens: list[int] = []
        self.closes: list[int] = []
        self.new: list[tuple[int, float, float]] = []  # change, lng, lat of places that come

    def read(self, k: int, one: Proposed) -> None:
        number = NOBODY if one.kind is ChangeKind.ADD else self._station(k, one)
        counts, will_count = self._counts(one, number)
        self.closes.append(number if counts and number != NOBODY else NOBODY)
        self.opens.append(NOBODY)
        if not will_count:
            return
        self.opens[k] = len(self.new)
        if one.position is not None:
            self.new.append((k, one.position.lng, one.position.lat))
        elif number != NOBODY:
            station = self.snapshot.stations.table.stations[number]
            self.new.append((k, station.lng, station.lat))

    def _station(self, k: int, one: Proposed) -> int:
        """The number of a station that is there, open on the day, and not changed before; else NOBODY, with an item."""
        table, field, code = self.snapshot.stations.table, f"changes[{k}].code", one.code or ""
        number = table.at.get(code)
        if number is None:
            self.items.append(
                unknown_code(
                    field, code, list(table.at), "站点", "station", "全部代码见 /v1/stations", "see /v1/stations"
                )
            )
            return NOBODY
        if number in self.changed:
            first = self.changed[number]
            self.items.append(
                ErrorItem(
                    field, f"与 changes[{first}] 是同一站点", f"is the same station as in changes[{first}]", value=code,
                    remedy_zh="每个站点只写一项改变", remedy_en="write one change for each station",
                )
            )  # fmt: skip
            return NOBODY
        self.changed[number] = k
        if not self.serving[number]:
            day = self.query.day.isoformat()
            self.items.append(
                ErrorItem(
                    field, f"{day} 不对外开放的站点", f"does not serve the public on {day}", value=code,
                    remedy_zh="改 as_of,或以 add 增加", remedy_en="change as_of, or add it as a new one",
                )
            )  # fmt: skip
            return NOBODY
        return number

    def _counts(self, one: Proposed, number: int) -> tuple[bool, bool]:
        """Does the station count before, where it was, and after, where it will be? Alike for both: not looked at."""
        before = number != NOBODY and bool(self.counted[number])
        if one.kind is ChangeKind.CLOSE:
            return before, False
        if one.kind is ChangeKind.MOVE:
            return before, before
        types = self.query.types
        if one.kind is ChangeKind.ADD:
            after = (not types or one.type in types) and self._is_open(one.opening_hours)
            return False, after
        if number == NOBODY:
            return False, False
        is_of_type = not types or self.snapshot.stations.table.stations[number].type in types
        after = is_of_type and (before if self.open_at is None else self._is_open(one.opening_hours))
        return (False, False) if before == after else (before, after)

    def _is_open(self, hours: str | None) -> bool:
        if self.open_at is None or hours is None:
            return True
        calendar = self.snapshot.hours.calendar
        return state_at(lambda day: day_hours(hours, (), day, calendar), self.open_at)[0] is OpenState.OPEN

    def planned(self, asked: Sequence[Proposed]) -> Planned:
        snapshot, network = self.snapshot, self.snapshot.network
        lng, lat = (np.array([one[side] for one in self.new], dtype=np.float64) for side in (1, 2))
        usable = network.adjacency(step_free=self.query.profile.step_free).usable
        places = snap(network, snapshot.city.grid, usable, lng, lat, snapshot.method.snap_limit_m)
        for (k, *_), edge in zip(self.new, places.edge.tolist(), strict=True):
            if edge < 0 and asked[k].position is not None:
                self.items.append(_astray(k, asked[k], snapshot.method.snap_limit_m))
        if self.items:
            count = len(self.items)
            raise InvalidInput(
                f"方案中有 {count} 项改变无法进行。", f"{count} of the changes cannot be made.", errors=self.items
            )
        leaf = snapshot.areas.leaf_of_points(lng, lat) if len(lng) else np.full(0, NOWHERE, dtype=np.int64)
        origins = len(snapshot.stations.table)
        return Planned(asked, origins, places, leaf, self.opens, self.closes)


def _astray(k: int, one: Proposed, limit_m: float) -> ErrorItem:
    position = one.position
    value = None if position is None else f"{position.given_lng}, {position.given_lat}"
    return ErrorItem(
        f"changes[{k}].lng, lat", f"{limit_m:g} 米内没有可步行的道路(水面、山地,或坐标系有误)",
        f"no walkable street within {limit_m:g} m (water, hills, or another crs)", value=value,
        remedy_zh="移到街边,并检查 crs", remedy_en="move it beside a street, and check crs",
    )  # fmt: skip
