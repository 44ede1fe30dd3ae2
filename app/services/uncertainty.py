"""How sure a coverage figure is: its interval over what is not known well, and the people on the edge of the walk.

An interval is over all combinations of three things: walking speed (slower, as asked, faster), how far from a street
people and stations may be (both limits narrower, as set, wider), and the population (every source that is loaded).
Coverage never falls when walkers are faster or limits wider, so of every source only the two outermost combinations
are computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.geo.arrays import FloatArray, Int32Array, IntArray
from app.geo.coverage import OnEdge, curve_by_area
from app.geo.frontage import Frontage
from app.geo.network import limit_mm
from app.geo.snapping import Places, snap
from app.services.city_part import PeopleSource
from app.services.coverage import (
    CoverageQuery,
    CoverageRow,
    People,
    field_within,
    people_by_leaf,
    people_within,
    whole_covered,
)
from app.services.snapshot import Snapshot

CORNERS = 2  # outermost combinations of a source: slow walkers and narrow limits, fast walkers and wide limits


@dataclass(frozen=True)
class Interval:
    """The fewest and the most residents covered in any combination; ``rate_…`` of the area's population."""

    low: int
    high: int
    rate_low: float | None
    rate_high: float | None


@dataclass(frozen=True)
class MinuteBand:
    """People whom one minute more would reach (``gain``), and whom one minute less would not (``loss``)."""

    gain: int
    loss: int

    @property
    def total(self) -> int:
        return self.gain + self.loss


@dataclass(frozen=True)
class Uncertainty:
    """What was varied, ascending, the sources with the main one first; and by row of coverage, in their order."""

    speeds_kmh: list[float]
    link_limits_m: list[float]
    snap_limits_m: list[float]
    sources: tuple[PeopleSource, ...]
    intervals: list[Interval]
    bands: list[MinuteBand]

    @property
    def combinations(self) -> int:
        return len(self.speeds_kmh) * len(self.link_limits_m) * len(self.sources)


def coverage_uncertainty(snapshot: Snapshot, query: CoverageQuery, rows: Sequence[CoverageRow]) -> Uncertainty:
    """Interval and one-minute band of every row of ``coverage_rows`` for the same query.

    With one source, no spread of speed and a limit factor of 1, intervals are the figures themselves.
    """
    method = snapshot.method
    share, factor = method.uncertainty_speed_share, method.uncertainty_limit_factor
    intervals, bands = _of_rows(snapshot, query, rows) if rows else ([], [])
    return Uncertainty(
        speeds_kmh=_three(query.profile.speed_kmh, 1 - share, 1 + share),
        link_limits_m=_three(method.link_limit_m, 1 / factor, factor),
        snap_limits_m=_three(method.snap_limit_m, 1 / factor, factor),
        sources=snapshot.city.sources,
        intervals=intervals,
        bands=bands,
    )


def _three(value: float, less: float, more: float) -> list[float]:
    return sorted({round(value * part, 6) for part in (less, 1.0, more)})


def _of_rows(
    snapshot: Snapshot, query: CoverageQuery, rows: Sequence[CoverageRow]
) -> tuple[list[Interval], list[MinuteBand]]:
    """Sums of leaves; an alternative's people are its rate of the main source's population."""
    by_area = np.asarray(snapshot.areas.sum_leaves([row.area.code for row in rows], _by_leaf(snapshot, query)))
    gain, loss, *covered = by_area.T[: 2 + CORNERS]
    population = np.array([row.population for row in rows], dtype=np.float64)
    found = [np.array([row.covered for row in rows], dtype=np.float64), *covered]
    for *reached, everybody in by_area.T[2 + CORNERS :].reshape(-1, CORNERS + 1, len(rows)):
        for people in reached:
            share = np.divide(people, everybody, out=np.full(len(rows), np.nan), where=everybody > 0)
            found.append(np.minimum(np.rint(share * population), population))
    # a source with nobody in an area says nothing of it: fmin and fmax pass over nan
    low, high = np.fmin.reduce(found), np.fmax.reduce(found)
    intervals = [
        Interval(
            least, most, *(round(count / row.population, 6) if row.population else None for count in (least, most))
        )
        for row, least, most in zip(rows, low.astype(np.int64).tolist(), high.astype(np.int64).tolist(), strict=True)
    ]
    ends = zip(gain.astype(np.int64).tolist(), loss.astype(np.int64).tolist(), strict=True)
    return intervals, [MinuteBand(more, less) for more, less in ends]


def _by_leaf(snapshot: Snapshot, query: CoverageQuery) -> FloatArray:
    """What is added up, (leaves × columns): people gained and lost by one minute; covered in each corner, in whole
    people of the main source; and of every alternative exact people: covered in each corner, and all.
    """
    share, factor = snapshot.method.uncertainty_speed_share, snapshot.method.uncertainty_limit_factor

    def make() -> FloatArray:
        low = _corner(snapshot, query, 1 - share, 1 / factor)
        high = _corner(snapshot, query, 1 + share, factor)
        columns: list[IntArray | FloatArray] = [*_one_minute(snapshot, query), low[0][0], high[0][0]]
        for (least, everybody), (most, _) in zip(low[1:], high[1:], strict=True):
            columns += [least, most, everybody]
        return np.column_stack(columns).astype(np.float64)

    profile = query.profile
    key = (profile.speed_kmh, profile.step_free, query.day, tuple(sorted(query.types)), query.minutes)
    return snapshot.cached(("uncertainty", *key), make)


def _one_minute(snapshot: Snapshot, query: CoverageQuery) -> tuple[IntArray, IntArray]:
    """People by leaf who are gained by one minute more, and lost by one less: differences of the curve."""
    people, minutes = people_by_leaf(snapshot), query.minutes
    some_walk = (minutes - 1,) if minutes > 1 else ()
    exact = people_within(snapshot, query, (*some_walk, minutes, minutes + 1))
    whole = [whole_covered(people, exact[:, k]) for k in range(exact.shape[1])]
    before = whole[0] if some_walk else np.zeros_like(whole[0])  # without a walk nobody is reached
    return whole[-1] - whole[-2], whole[-2] - before


def _corner(
    snapshot: Snapshot, query: CoverageQuery, speed: float, limits: float
) -> list[tuple[IntArray | FloatArray, FloatArray]]:
    """People of every source by leaf, covered and all, with speed and both limits multiplied. Covered people of the
    main source are whole.
    """
    limit = limit_mm(query.minutes, query.profile.speed_kmh * speed)
    length_mm, stations = _stations_within(snapshot, query, limit, limits)
    main, *others = (_within(snapshot, source, limits, length_mm, stations, limit) for source in snapshot.city.sources)
    covered, off_network, everybody = main
    population = people_by_leaf(snapshot).population
    off = np.minimum(np.round(off_network).astype(np.int64), population)
    whole = whole_covered(People(population, off), covered)
    return [(whole, everybody), *((reached, people) for reached, _, people in others)]


def _stations_within(snapshot: Snapshot, query: CoverageQuery, limit: int, factor: float) -> tuple[Int32Array, OnEdge]:
    """Every node's length to a station, and the stations on edges, when those may be ``factor`` times as far from a
    street.
    """
    mask = snapshot.open_mask(query.day, query.types)
    searcher, places, _ = snapshot.variant(step_free=query.profile.step_free)
    snap_limit_m = snapshot.method.snap_limit_m * factor
    if factor <= 1:
        mask = mask & (places.snap_m <= snap_limit_m)
        return field_within(snapshot, query, limit, mask).length_mm, OnEdge.of(places, mask)
    length_mm = field_within(snapshot, query, limit).length_mm
    far = np.flatnonzero(mask & (places.edge < 0))
    if not len(far):
        return length_mm, OnEdge.of(places, mask)
    table = snapshot.stations.table.stations
    lng, lat = np.array([table[k].lng for k in far]), np.array([table[k].lat for k in far])
    usable = snapshot.network.adjacency(step_free=query.profile.step_free).usable
    found = snap(snapshot.network, snapshot.city.grid, usable, lng, lat, snap_limit_m)
    more = searcher.field_of(found, limit)
    return np.minimum(length_mm, more.length_mm), OnEdge.of(_with_places(places, far, found), mask)


def _with_places(places: Places, at: IntArray, found: Places) -> Places:
    parts = {}
    for name in ("edge", "offset_mm", "snap_m", "lng", "lat"):
        parts[name] = np.array(getattr(places, name))
        parts[name][at] = getattr(found, name)
    return Places(**parts)


def _within(
    snapshot: Snapshot, source: PeopleSource, factor: float, length_mm: Int32Array, stations: OnEdge, limit: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Exact people of a source by leaf when they may be ``factor`` times as far from a street: covered, off the
    network, in all.
    """
    network, count = snapshot.network, len(snapshot.areas.leaf_codes)

    def covered(frontage: Frontage) -> FloatArray:
        return curve_by_area(
            frontage, count, network.edge_u, network.edge_v, network.edge_mm, length_mm, stations,
            np.array([limit], dtype=np.int64),
        )[:, 0]  # fmt: skip

    near, everybody = _near(snapshot, source, min(factor, 1.0))
    reached = covered(near)
    linked = np.bincount(near.area, weights=near.people, minlength=count)
    if factor > 1:
        reached = reached + covered(source.beyond)
        linked = linked + np.bincount(source.beyond.area, weights=source.beyond.people, minlength=count)
    return reached, everybody - linked, everybody


def _near(snapshot: Snapshot, source: PeopleSource, factor: float) -> tuple[Frontage, FloatArray]:
    """The frontage without the people who live farther from their street than the narrower limit; all by leaf."""

    def make() -> tuple[Frontage, FloatArray]:
        frontage, count = source.frontage, len(snapshot.areas.leaf_codes)
        along = np.bincount(frontage.area, weights=frontage.people, minlength=count)
        beside = np.bincount(frontage.cell_area, weights=frontage.cell_off_network, minlength=count)
        everybody = (along + beside).astype(np.float64)
        far = frontage.leg_mm > snapshot.method.link_limit_m * factor * 1e3
        if not far.any():
            return frontage, everybody
        return replace(frontage, people=np.where(far, 0.0, frontage.people)), everybody

    return snapshot.cached(("near", source.dataset_id, factor), make)
