"""What stations added, moved, closed, or open at other hours would do to coverage, before anything is built.

Only what the changes touch is computed (see ``app.geo.whatif``), and to the last bit as a computation of everything, so
a scenario's figures are those that coverage has once the change is in the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from app.geo.arrays import BoolArray, FloatArray, IntArray
from app.geo.attribution import Served, credited
from app.geo.coverage import OnEdge
from app.geo.frontage import NOWHERE
from app.geo.search import MAX_LIMIT_MM
from app.geo.whatif import AreaCoverage, Change, PieceIndex, area_coverage, changed, on_edge_after
from app.models.vocabularies import AreaLevel
from app.services.area_table import AreaInfo
from app.services.coverage import (
    CoverageQuery,
    field_within,
    people_by_leaf,
    run_id,
    stations_by_leaf,
    whole_covered,
)
from app.services.credits import WholeCredits, whole_credits
from app.services.scenario_changes import NOBODY, Planned, Proposed, read_changes
from app.services.snapshot import Snapshot


@dataclass(frozen=True)
class ScenarioQuery:
    """Coverage as asked, of the stations open on its day; with ``open_at`` only of those open at that moment."""

    coverage: CoverageQuery
    open_at: datetime | None = None

    def counted(self, snapshot: Snapshot) -> BoolArray:
        """The stations that count as they are now."""
        mask = snapshot.open_mask(self.coverage.day, self.coverage.types)
        return mask if self.open_at is None else mask & snapshot.hours.states(int(self.open_at.timestamp()))[0]


@dataclass(frozen=True)
class State:
    """An area before or after: ``rate`` is covered ÷ population, None where nobody lives."""

    covered: int
    rate: float | None
    stations: int


@dataclass(frozen=True)
class ScenarioRow:
    """One area. ``after.covered - before.covered == gained - lost``."""

    area: AreaInfo
    population: int
    off_network: int
    before: State
    after: State
    gained: int
    lost: int


@dataclass(frozen=True)
class ChangeResult:
    """One change and the people credited to it in the areas of the answer (see ``app.geo.attribution``).

    ``area_codes`` are the areas that hold the new place, the largest first; ``snap_m`` its way to the street.
    """

    proposed: Proposed
    gained: int
    lost: int
    area_codes: list[str]
    snap_m: float | None


@dataclass(frozen=True)
class ScenarioAnswer:
    """``base_run_id`` names the coverage before. Rows are the areas asked for, ``total`` all of them together."""

    base_run_id: str
    rows: list[ScenarioRow]
    changes: list[ChangeResult]
    population: int
    off_network: int
    before: State
    after: State
    gained: int
    lost: int


def evaluate(
    snapshot: Snapshot, query: ScenarioQuery, asked: Sequence[Proposed], level: AreaLevel, within: str | None = None
) -> ScenarioAnswer:
    """Coverage of the areas of a level before and after the changes.

    Raises InvalidInput naming every change that cannot be made, NotReady, LevelNotLoaded, NotFound for ``within``.
    """
    areas = snapshot.areas.of_level(level, within)
    mask = query.counted(snapshot)
    planned = read_changes(snapshot, query.coverage, query.open_at, mask, asked)
    people = people_by_leaf(snapshot)
    was, now = _before(snapshot, query.coverage, mask), _after(snapshot, query.coverage, mask, planned)
    covered = whole_covered(people, was.by_area), whole_covered(people, now.by_area)
    credits_ = _credits(snapshot, query.coverage, mask, planned, (was, now), covered)
    stations = stations_by_leaf(snapshot, mask), _stations_after(snapshot, mask, planned)
    rows = rows_of(snapshot, areas, covered, stations, credits_)
    population = sum(row.population for row in rows)
    before, after = (together([getattr(row, side) for row in rows], population) for side in ("before", "after"))
    return ScenarioAnswer(
        base_run_id=run_id(snapshot, query.coverage),
        rows=rows,
        changes=_results(snapshot, planned, credits_, [area.code for area in areas]),
        population=population,
        off_network=sum(row.off_network for row in rows),
        before=before,
        after=after,
        gained=sum(row.gained for row in rows),
        lost=sum(row.lost for row in rows),
    )


def _piece_index(snapshot: Snapshot) -> PieceIndex:
    return snapshot.cached(
        "piece index",
        lambda: PieceIndex.of(snapshot.frontage, snapshot.network.edge_count, len(snapshot.areas.leaf_codes)),
    )


def _before(snapshot: Snapshot, query: CoverageQuery, mask: BoolArray) -> AreaCoverage:
    """Kept: scenarios of one evening start from the same coverage."""

    def make() -> AreaCoverage:
        _, places, _ = snapshot.variant(step_free=query.profile.step_free)
        field = field_within(snapshot, query, query.limit_mm, mask)
        count = len(snapshot.areas.leaf_codes)
        return area_coverage(snapshot.network, snapshot.frontage, count, field, OnEdge.of(places, mask), query.limit_mm)

    return snapshot.bases.get((query.limit_mm, query.profile.step_free, mask.tobytes()), make)


def _after(snapshot: Snapshot, query: CoverageQuery, mask: BoolArray, planned: Planned) -> AreaCoverage:
    searcher, places, table = snapshot.variant(step_free=query.profile.step_free)
    network, frontage, base = snapshot.network, snapshot.frontage, _before(snapshot, query, mask)
    if query.limit_mm <= table.limit_mm:
        change = Change(planned.closed, planned.places)
        return changed(base, network, searcher, frontage, _piece_index(snapshot), table, places, mask, change)
    stays = planned.staying(mask)
    together = places.followed_by(planned.places)
    chosen = np.flatnonzero(np.concatenate([stays, np.ones(len(planned.places), dtype=np.bool_)]))
    field = searcher.field_of(together.take(chosen), min(query.limit_mm, MAX_LIMIT_MM), chosen.astype(np.int32))
    stations = on_edge_after(places, stays, planned.places)
    return area_coverage(network, frontage, len(snapshot.areas.leaf_codes), field, stations, query.limit_mm)


def _credits(
    snapshot: Snapshot, query: CoverageQuery, mask: BoolArray, planned: Planned,
    coverages: tuple[AreaCoverage, AreaCoverage], covered: tuple[IntArray, IntArray],
) -> WholeCredits:  # fmt: skip
    _, places, _ = snapshot.variant(step_free=query.profile.step_free)
    origins = len(places)
    was = Served(coverages[0].field, OnEdge.of(places, mask), origins)
    stations = on_edge_after(places, planned.staying(mask), planned.places)
    now = Served(coverages[1].field, stations, origins + len(planned.places))
    gained, lost = credited(
        snapshot.network, snapshot.frontage, len(snapshot.areas.leaf_codes), was, now, query.limit_mm
    )
    return whole_credits(*covered, gained, lost)


def _stations_after(snapshot: Snapshot, mask: BoolArray, planned: Planned) -> IntArray:
    leaf = planned.leaf[planned.leaf >= 0]
    added = np.bincount(leaf, minlength=len(snapshot.areas.leaf_codes)).astype(np.int64)
    return stations_by_leaf(snapshot, planned.staying(mask)) + added


def rows_of(
    snapshot: Snapshot, areas: Sequence[AreaInfo], covered: tuple[IntArray, IntArray],
    stations: tuple[IntArray, IntArray], credits_: WholeCredits,
) -> list[ScenarioRow]:  # fmt: skip
    """Rows of two coverages, given by leaf area: covered people and stations before and after."""
    codes, people = [area.code for area in areas], people_by_leaf(snapshot)
    if not codes:
        return []

    def by_area(by_leaf: IntArray | FloatArray) -> list[int]:
        return [int(count) for count in snapshot.areas.sum_leaves(codes, by_leaf)]

    population, off = by_area(people.population), by_area(people.off_network)
    before, after = by_area(covered[0]), by_area(covered[1])
    stood, standing = by_area(stations[0]), by_area(stations[1])
    gained, lost = by_area(credits_.gained.sum(axis=1)), by_area(credits_.lost.sum(axis=1))
    return [
        ScenarioRow(
            area=area, population=population[k], off_network=off[k],
            before=State(before[k], _rate(before[k], population[k]), stood[k]),
            after=State(after[k], _rate(after[k], population[k]), standing[k]),
            gained=gained[k], lost=lost[k],
        )
        for k, area in enumerate(areas)
    ]  # fmt: skip


def together(states: Sequence[State], population: int) -> State:
    """All of some areas, in which so many people live."""
    covered = sum(state.covered for state in states)
    return State(covered, _rate(covered, population), sum(state.stations for state in states))


def _results(
    snapshot: Snapshot, planned: Planned, credits_: WholeCredits, codes: Sequence[str]
) -> list[ChangeResult]:  # fmt: skip
    gained, lost = credits_.in_areas(snapshot.areas, codes)
    results = []
    for k, proposed in enumerate(planned.proposed):
        opens, closes = planned.opens[k], planned.closes[k]
        leaf = int(planned.leaf[opens]) if opens != NOBODY else NOWHERE
        results.append(
            ChangeResult(
                proposed=proposed,
                gained=gained[planned.origins + opens] if opens != NOBODY else 0,
                lost=lost[closes] if closes != NOBODY else 0,
                area_codes=snapshot.areas.line_of(snapshot.areas.leaf_codes[leaf]) if leaf != NOWHERE else [],
                snap_m=round(float(planned.places.snap_m[opens]), 1) if opens != NOBODY else None,
            )
        )
    return results


def _rate(covered: int, population: int) -> float | None:
    return round(covered / population, 6) if population else None
