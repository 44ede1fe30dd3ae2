"""Seats against people, by area and by station: who has many to share with, and who has few.

See ``app.geo.floating_catchment`` for the method. Stations whose seats the ledger does not tell have none here, and are
counted, so that a reader knows how much is missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.errors import ErrorItem, InvalidInput
from app.geo.arrays import BoolArray, FloatArray, IntArray
from app.geo.coverage import OnEdge
from app.geo.floating_catchment import FloatingCatchment, floating_catchment
from app.models.vocabularies import AreaLevel
from app.services.area_table import AreaInfo
from app.services.coverage import CoverageQuery, people_by_leaf, run_id, stations_by_leaf
from app.services.snapshot import Snapshot
from app.services.station_table import StationInfo

ZONES = 3


@dataclass(frozen=True)
class CapacityRow:
    """One area. ``seats`` are those of its stations, ``reachable_seats`` those that fall to its people by E2SFCA."""

    area: AreaInfo
    population: int
    stations: int
    stations_without_seats: int
    seats: int
    stations_per_100000: float | None
    seats_per_1000: float | None
    reachable_seats: float
    reachable_seats_per_1000: float | None


@dataclass(frozen=True)
class StationCapacity:
    """``weighted_people`` share its seats, those near counting more; ``seats`` None where the ledger does not tell."""

    station: StationInfo
    area_codes: list[str]
    seats: int | None
    weighted_people: int
    seats_per_1000: float | None


@dataclass(frozen=True)
class CapacityAnswer:
    """``run_id`` is that of the coverage; ``zone_minutes`` are the ends of the zones."""

    run_id: str
    zone_minutes: list[float]
    rows: list[CapacityRow]
    stations: list[StationCapacity]


def capacity(
    snapshot: Snapshot, query: CoverageQuery, level: AreaLevel, within: str | None = None
) -> CapacityAnswer:  # fmt: skip
    """Areas of a level by code, and the stations in them, those with fewest seats to share first.

    Raises InvalidInput for a walk beyond the reach table, NotReady, LevelNotLoaded, NotFound for ``within``.
    """
    areas = snapshot.areas.of_level(level, within)
    mask = snapshot.open_mask(query.day, query.types)
    told = [station.serving.seats for station in snapshot.stations.table.stations]
    seats = np.array([float(count or 0) for count in told])
    found = _floating(snapshot, query, mask, seats)
    return CapacityAnswer(
        run_id=run_id(snapshot, query),
        zone_minutes=[round(query.minutes * (k + 1) / ZONES, 2) for k in range(ZONES)],
        rows=_rows(snapshot, areas, mask, seats, np.array([count is None for count in told], dtype=np.bool_), found),
        stations=_stations(snapshot, mask, found, {area.code for area in areas}),
    )


def _floating(snapshot: Snapshot, query: CoverageQuery, mask: BoolArray, seats: FloatArray) -> FloatingCatchment:
    _, places, table = snapshot.variant(step_free=query.profile.step_free)
    if query.limit_mm > table.limit_mm:
        item = ErrorItem(
            "minutes", "以此速度走得太远", "is too far at this speed", value=f"{query.minutes:g}",
            remedy_zh=f"minutes × 速度至多 {table.limit_mm / 1e6:g} 公里",
            remedy_en=f"minutes times speed may be {table.limit_mm / 1e6:g} km at most",
        )  # fmt: skip
        raise InvalidInput("步行距离超出到达表。", "The walk is longer than the reach table.", errors=[item])
    zones: IntArray = np.array([query.limit_mm * (k + 1) // ZONES for k in range(ZONES)], dtype=np.int64)
    key = ("capacity", query.limit_mm, query.profile.step_free, query.day, query.types)
    return snapshot.cached(
        key,
        lambda: floating_catchment(
            snapshot.network, snapshot.frontage, len(snapshot.areas.leaf_codes), table, OnEdge.of(places, mask), mask,
            seats, zones,
        ),
    )  # fmt: skip


def _rows(
    snapshot: Snapshot, areas: list[AreaInfo], mask: BoolArray, seats: FloatArray, untold: BoolArray,
    found: FloatingCatchment,
) -> list[CapacityRow]:  # fmt: skip
    codes, leaf = [area.code for area in areas], snapshot.stations.table.leaf
    if not codes:
        return []
    inside, count = mask & (leaf >= 0), len(snapshot.areas.leaf_codes)
    by_leaf = np.bincount(leaf[inside], weights=seats[inside], minlength=count)
    sums = snapshot.areas.sum_leaves
    population, own = sums(codes, people_by_leaf(snapshot).population), sums(codes, by_leaf)
    stations = sums(codes, stations_by_leaf(snapshot, mask))
    without = sums(codes, stations_by_leaf(snapshot, mask & untold))
    reachable = sums(codes, found.seats_by_area)
    return [
        CapacityRow(
            area=area,
            population=int(population[k]),
            stations=int(stations[k]),
            stations_without_seats=int(without[k]),
            seats=int(own[k]),
            stations_per_100000=_per(float(stations[k]), float(population[k]), 1e5),
            seats_per_1000=_per(float(own[k]), float(population[k]), 1e3),
            reachable_seats=round(float(reachable[k]), 1),
            reachable_seats_per_1000=_per(float(reachable[k]), float(population[k]), 1e3),
        )
        for k, area in enumerate(areas)
    ]


def _stations(
    snapshot: Snapshot, mask: BoolArray, found: FloatingCatchment, codes: set[str]
) -> list[StationCapacity]:  # fmt: skip
    table, areas = snapshot.stations.table, snapshot.areas
    made = []
    for number in np.flatnonzero(mask).tolist():
        station, leaf = table.stations[number], int(table.leaf[number])
        line = areas.line_of(areas.leaf_codes[leaf]) if leaf >= 0 else []
        if codes.isdisjoint(line):
            continue
        people, seats = float(found.demand[number]), station.serving.seats
        per_1000 = None if seats is None else _per(float(seats), people, 1e3)
        made.append(StationCapacity(station, line, seats, round(people), per_1000))
    return sorted(made, key=lambda one: (one.seats_per_1000 is None, one.seats_per_1000 or 0.0, one.station.code))


def _per(count: float, people: float, each: float) -> float | None:
    return round(count * each / people, 3) if people > 0 else None
