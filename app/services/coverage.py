"""Who is within a walk of a station, by area: one pass over the frontage gives every minute up to the limit.

People are whole numbers. The rounded total is apportioned from the top down to the leaf areas, once; inside a leaf,
off-network is rounded first (it does not depend on the minutes), then covered, and uncovered is what is left. All
other areas are sums of leaves. So every row adds up, towns add up to districts and districts to the city, exactly.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np

from app.errors import ErrorItem, InvalidInput
from app.geo.arrays import BoolArray, FloatArray, IntArray
from app.geo.coverage import METHOD_VERSION, OnEdge, curve_by_area, median_of_curve
from app.geo.network import limit_mm
from app.geo.reach import masked_field
from app.geo.search import MAX_LIMIT_MM, Field
from app.models.vocabularies import AreaLevel
from app.services.area_table import AreaInfo
from app.services.profiles import WalkingProfile
from app.services.snapshot import Snapshot

MAX_MINUTES = 60.0
STEPS_PER_MINUTE = 4  # the curve is kept at every quarter of a minute
CURVE_MINUTES = np.arange(1, int(MAX_MINUTES) * STEPS_PER_MINUTE + 1) / STEPS_PER_MINUTE


@dataclass(frozen=True)
class CoverageQuery:
    """What coverage depends on besides the data: stations open on ``day`` (of ``types`` only, where given)."""

    profile: WalkingProfile
    day: date
    minutes: float = 15.0
    types: tuple[str, ...] = ()
    known_at: datetime | None = None  # as was known then; it shapes no figure but through the stations

    def __post_init__(self) -> None:
        if not 0 < self.minutes <= MAX_MINUTES:
            item = ErrorItem(
                "minutes", "步行时间超出范围", "walking time out of range", value=f"{self.minutes:g}",
                remedy_zh=f"请用大于 0、至多 {MAX_MINUTES:g} 的分钟数",
                remedy_en=f"use minutes above 0 and at most {MAX_MINUTES:g}",
            )  # fmt: skip
            raise InvalidInput("步行时间有误。", "The walking time is wrong.", errors=[item])

    @property
    def limit_mm(self) -> int:
        return limit_mm(self.minutes, self.profile.speed_kmh)

    def parameters(self, snapshot: Snapshot) -> dict[str, Any]:
        """Everything that shapes the figures, for the run's id."""
        return {
            "profile": self.profile.name,
            "speed_kmh": self.profile.speed_kmh,
            "step_free": self.profile.step_free,
            "minutes": self.minutes,
            "as_of": self.day.isoformat(),
            "station_types": sorted(self.types),
            **snapshot.method.shaping_figures(),
        }


@dataclass(frozen=True)
class CoverageRow:
    """One area. ``covered + uncovered + off_network == population``; ``rate`` is covered ÷ population.

    ``stations_off_network`` are those of ``stations`` beside no street that matters: nobody can walk to them.
    """

    area: AreaInfo
    population: int
    covered: int
    uncovered: int
    off_network: int
    rate: float | None
    median_walk_minutes: float | None
    stations: int
    stations_off_network: int


@dataclass(frozen=True)
class CoverageAnswer:
    """``run_id`` names inputs, parameters and method: the same figures have the same id."""

    run_id: str
    rows: list[CoverageRow]


@dataclass(frozen=True)
class CurveAnswer:
    """People within 1, 2, … 60 minutes of a station (``covered``), of ``population`` residents."""

    run_id: str
    area: AreaInfo
    population: int
    off_network: int
    minutes: list[int]
    covered: list[int]
    share: list[float | None]


@dataclass(frozen=True)
class People:
    """Residents and off-network people by leaf, whole numbers."""

    population: IntArray
    off_network: IntArray


def run_id(snapshot: Snapshot, query: CoverageQuery) -> str:
    """A name for the figures: a hash of inputs, parameters and method version."""
    named = {"inputs": snapshot.inputs, "parameters": query.parameters(snapshot), "method": METHOD_VERSION}
    return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:16]


def coverage_table(
    snapshot: Snapshot, query: CoverageQuery, level: AreaLevel, within: str | None = None
) -> CoverageAnswer:
    """Coverage of the areas of a level, by code.

    Raises NotReady without people or areas, LevelNotLoaded, NotFound for an unknown ``within``.
    """
    areas = snapshot.areas.of_level(level, within)
    return CoverageAnswer(run_id(snapshot, query), coverage_rows(snapshot, query, areas))


def coverage_rows(snapshot: Snapshot, query: CoverageQuery, areas: Sequence[AreaInfo]) -> list[CoverageRow]:
    """Coverage of some areas, in their order."""
    codes = [area.code for area in areas]
    people = people_by_leaf(snapshot)
    if not codes:
        return []
    covered_by_leaf = whole_covered(people, people_within(snapshot, query, (query.minutes,))[:, 0])
    curve = curve_of(snapshot, query)
    table = snapshot.areas
    population = table.sum_leaves(codes, people.population)
    off = table.sum_leaves(codes, people.off_network)
    covered = table.sum_leaves(codes, covered_by_leaf)
    medians = median_of_curve(
        np.asarray(table.sum_leaves(codes, curve), dtype=np.float64).reshape(len(codes), -1),
        CURVE_MINUTES,
        np.asarray(table.sum_leaves(codes, exact_population(snapshot)), dtype=np.float64),
    )
    mask = snapshot.open_mask(query.day, query.types)
    _, places, _ = snapshot.variant(step_free=query.profile.step_free)
    stations = table.sum_leaves(codes, stations_by_leaf(snapshot, mask))
    stations_off = table.sum_leaves(codes, stations_by_leaf(snapshot, mask & (places.edge < 0)))
    return [
        CoverageRow(
            area=area,
            population=int(population[k]),
            covered=int(covered[k]),
            uncovered=int(population[k] - covered[k] - off[k]),
            off_network=int(off[k]),
            rate=round(float(covered[k] / population[k]), 6) if population[k] else None,
            median_walk_minutes=None if np.isnan(medians[k]) else round(float(medians[k]), 2),
            stations=int(stations[k]),
            stations_off_network=int(stations_off[k]),
        )
        for k, area in enumerate(areas)
    ]


def coverage_curve(snapshot: Snapshot, query: CoverageQuery, area_code: str | None = None) -> CurveAnswer:
    """The cumulative curve of an area; without a code, of the only city.

    Raises NotFound, LevelNotLoaded, NotReady; InvalidInput when there are several cities to choose from.
    """
    area = snapshot.areas.get(area_code) if area_code is not None else _only_city(snapshot)
    leaves = snapshot.areas.leaves_of(area.code)
    people = people_by_leaf(snapshot)
    curve = curve_of(snapshot, query)[:, STEPS_PER_MINUTE - 1 :: STEPS_PER_MINUTE]
    population = int(people.population[leaves].sum())
    by_minute = [int(whole_covered(people, curve[:, k])[leaves].sum()) for k in range(curve.shape[1])]
    return CurveAnswer(
        run_id=run_id(snapshot, query),
        area=area,
        population=population,
        off_network=int(people.off_network[leaves].sum()),
        minutes=list(range(1, int(MAX_MINUTES) + 1)),
        covered=by_minute,
        share=[round(count / population, 6) if population else None for count in by_minute],
    )


def _only_city(snapshot: Snapshot) -> AreaInfo:
    cities = snapshot.areas.of_level(AreaLevel.CITY)
    if len(cities) > 1:
        codes = ", ".join(area.code for area in cities)
        item = ErrorItem(
            "area", "请指明城市", "name the city", remedy_zh=f"area 可为 {codes}", remedy_en=f"area is one of {codes}"
        )
        raise InvalidInput("有多个城市。", "There are several cities.", errors=[item])
    return cities[0]


def field_within(snapshot: Snapshot, query: CoverageQuery, limit: int, mask: BoolArray | None = None) -> Field:
    """Every node's nearest open station (of ``mask``, where given) within ``limit`` mm: from the reach table, by a
    search beyond its limit.
    """
    mask = snapshot.open_mask(query.day, query.types) if mask is None else mask
    searcher, places, table = snapshot.variant(step_free=query.profile.step_free)
    if limit <= table.limit_mm:
        return masked_field(table, mask, snapshot.network.node_count, limit)
    chosen = np.flatnonzero(mask)
    return searcher.field_of(places.take(chosen), min(limit, MAX_LIMIT_MM), chosen.astype(np.int32))


def on_edge(snapshot: Snapshot, query: CoverageQuery) -> OnEdge:
    """The open stations by the edge they stand on."""
    _, places, _ = snapshot.variant(step_free=query.profile.step_free)
    return OnEdge.of(places, snapshot.open_mask(query.day, query.types))


def curve_of(snapshot: Snapshot, query: CoverageQuery) -> FloatArray:
    """People by leaf area within every quarter of a minute up to 60: (leaves × 240)."""
    return snapshot.cached(("curve", _key(query)), lambda: _curve(snapshot, query, CURVE_MINUTES))


def _curve(snapshot: Snapshot, query: CoverageQuery, minutes: FloatArray) -> FloatArray:
    frontage, network = snapshot.frontage, snapshot.network
    limits = np.array([limit_mm(float(m), query.profile.speed_kmh) for m in minutes], dtype=np.int64)
    field = field_within(snapshot, query, int(limits[-1]))
    return curve_by_area(
        frontage, len(snapshot.areas.leaf_codes), network.edge_u, network.edge_v, network.edge_mm, field.length_mm,
        on_edge(snapshot, query), limits,
    )  # fmt: skip


def people_within(snapshot: Snapshot, query: CoverageQuery, minutes: Sequence[float]) -> FloatArray:
    """Exact people by leaf within each of these ascending, positive minutes (leaves × minutes).

    Read from the curve where all of them are on its grid; the minutes of the query are not used.
    """
    asked = np.asarray(minutes, dtype=np.float64)
    steps = asked * STEPS_PER_MINUTE
    if (steps == steps.astype(np.int64)).all() and asked[-1] <= MAX_MINUTES:
        return curve_of(snapshot, query)[:, steps.astype(np.int64) - 1]
    return _curve(snapshot, query, asked)


def _key(query: CoverageQuery) -> tuple[Any, ...]:
    """What the curve depends on: not on the minutes."""
    return (query.profile.speed_kmh, query.profile.step_free, query.day, tuple(sorted(query.types)))


def exact_population(snapshot: Snapshot) -> FloatArray:
    """Residents by leaf, before rounding."""

    def make() -> FloatArray:
        frontage, count = snapshot.frontage, len(snapshot.areas.leaf_codes)
        along = np.bincount(frontage.area, weights=frontage.people, minlength=count)
        beside = np.bincount(frontage.cell_area, weights=frontage.cell_off_network, minlength=count)
        return (along + beside).astype(np.float64)

    return snapshot.cached("exact population", make)


def people_by_leaf(snapshot: Snapshot) -> People:
    """Residents of every leaf in whole numbers: the rounded total apportioned to cities, districts, towns in turn."""

    def make() -> People:
        frontage, count = snapshot.frontage, len(snapshot.areas.leaf_codes)
        exact = exact_population(snapshot)
        population = snapshot.areas.apportion_leaves(exact, round(float(frontage.cell_people.sum())))
        off = np.bincount(frontage.cell_area, weights=frontage.cell_off_network, minlength=count)
        return People(population, np.minimum(np.round(off).astype(np.int64), population))

    return snapshot.cached("people by leaf", make)


def residents(snapshot: Snapshot) -> dict[str, int]:
    """Residents of every area by code; nothing where no people are loaded."""
    if snapshot.city.frontage is None:
        return {}

    def make() -> dict[str, int]:
        codes = [area.code for area in snapshot.areas.areas]
        people = snapshot.areas.sum_leaves(codes, people_by_leaf(snapshot).population)
        return dict(zip(codes, (int(count) for count in people), strict=True))

    return snapshot.cached("residents", make)


def whole_covered(people: People, covered: FloatArray) -> IntArray:
    """Covered people by leaf as whole numbers: never more than there are on the network."""
    whole: IntArray = np.minimum(np.round(covered).astype(np.int64), people.population - people.off_network)
    return whole


def stations_by_leaf(snapshot: Snapshot, mask: BoolArray) -> IntArray:
    """How many of the stations stand in every leaf."""
    leaf = snapshot.stations.table.leaf
    inside = leaf[mask & (leaf >= 0)] if len(leaf) else leaf
    return np.bincount(inside, minlength=len(snapshot.areas.leaf_codes)).astype(np.int64)
