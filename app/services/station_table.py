"""Stations as the snapshot knows them, and which of them count on a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from app.errors import ErrorItem, InvalidInput
from app.geo.arrays import BoolArray, IntArray
from app.geo.opening_hours import TIME_ZONE
from app.models.vocabularies import StationStatus, StationType
from app.repositories.stations import ServingRow, StationRow
from app.services.area_table import AreaTable

NOT_TOLD = ServingRow(
    opening_hours=None, hour_exceptions=[], accessible_entrance=None, seats=None, phone=None, target_groups=[]
)


def today() -> date:
    """The day in Guangzhou, whatever the server's zone."""
    return datetime.now(TIME_ZONE).date()


@dataclass(frozen=True)
class StationInfo:
    """One station. ``lng, lat`` WGS84."""

    code: str
    name: str
    type: str
    host_kind: str
    status: str
    address: str | None
    opened_on: date | None
    closed_on: date | None
    district_code: str | None
    town_code: str | None
    lng: float
    lat: float
    synthetic: bool
    serving: ServingRow = NOT_TOLD

    def open_days(self) -> tuple[date, date]:
        """The first day on which the station serves the public, and the first on which it no longer does.

        By dates where there are any; a suspended one never, nor one that is closed since a day unknown; one without
        dates if its status is open.
        """
        begins = self.opened_on or (date.min if self.status == StationStatus.OPEN else date.max)
        closed_some_day = self.status == StationStatus.CLOSED and self.closed_on is None
        if self.status == StationStatus.SUSPENDED or closed_some_day:
            return date.max, date.max
        return begins, self.closed_on or date.max

    def is_open_on(self, day: date) -> bool:
        """Does the station serve the public on that day, as far as its dates and its status tell?"""
        first, end = self.open_days()
        return first <= day < end

    def to_json(self) -> dict[str, Any]:
        told = {k: v.isoformat() if isinstance(v, date) else v for k, v in vars(self).items()}
        return {**told, "serving": vars(self.serving)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> StationInfo:
        days = {k: date.fromisoformat(value[k]) if value[k] else None for k in ("opened_on", "closed_on")}
        return cls(**{**value, **days, "serving": ServingRow(**value["serving"])})


def stations_of(
    rows: Sequence[StationRow], synthetic: Mapping[int, bool], serving: Mapping[str, ServingRow] = MappingProxyType({})
) -> list[StationInfo]:
    """The stations of the ledger rows, by code; ``synthetic`` by dataset id, ``serving`` by code."""
    return [
        StationInfo(
            code=r.code, name=r.name, type=r.type, host_kind=r.host_kind, status=r.status, address=r.address,
            opened_on=r.opened_on, closed_on=r.closed_on, district_code=r.district_code, town_code=r.town_code,
            lng=r.lng, lat=r.lat, synthetic=synthetic.get(r.dataset_id, False), serving=serving.get(r.code, NOT_TOLD),
        )
        for r in rows
    ]  # fmt: skip


def station_facts(stations: Sequence[StationInfo]) -> list[list[Any]]:
    """What of the stations a coverage figure depends on, as JSON: for the hash of its inputs."""
    return [
        [s.code, s.type, s.status, str(s.opened_on), str(s.closed_on), repr(s.lng), repr(s.lat)]
        for s in sorted(stations, key=lambda s: s.code)
    ]


class StationTable:
    """Stations by number; the numbers are the origins of the reach tables."""

    def __init__(self, stations: Sequence[StationInfo], areas: AreaTable) -> None:
        self.stations = list(stations)
        self.at = {station.code: k for k, station in enumerate(self.stations)}
        self._areas = areas
        self._types = np.array([s.type for s in self.stations], dtype=object)

    def __len__(self) -> int:
        return len(self.stations)

    @cached_property
    def leaf(self) -> IntArray:
        """The leaf area that holds each station, -1 outside all."""
        lng, lat = np.array([s.lng for s in self.stations]), np.array([s.lat for s in self.stations])
        return self._areas.leaf_of_points(lng, lat)

    def open_on(self, day: date, types: Sequence[str] = ()) -> BoolArray:
        """Which stations are open on a day, of some types only where those are given."""
        mask = np.array([s.is_open_on(day) for s in self.stations], dtype=np.bool_)
        if types:
            mask &= np.isin(self._types, list(types))
        return mask


def read_types(types: Sequence[str]) -> tuple[str, ...]:
    """Station types, each once, in order. Raises InvalidInput for an unknown one."""
    known = [kind.value for kind in StationType]
    for kind in types:
        if kind not in known:
            item = ErrorItem(
                "station_type", "没有这种站点类型", "no such station type", value=kind,
                remedy_zh=f"可用:{', '.join(known)}", remedy_en=f"one of {', '.join(known)}",
            )  # fmt: skip
            raise InvalidInput("站点类型有误。", "The station type is wrong.", errors=[item])
    return tuple(sorted(set(types)))
