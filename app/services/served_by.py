"""Who is served by whom: the people within the walk by the area they live in and the area of their nearest station.

There is one table for every question, leaf area × leaf area, in whole people: the covered people of a leaf, as coverage
has them, are apportioned (largest remainder) to the leaves of the stations that serve them. Coarser rows and columns
are sums of it, so a row adds up to its area's covered people, and all levels add up both ways, exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.geo.allocation import served_by
from app.geo.arrays import FloatArray, IntArray
from app.models.vocabularies import AreaLevel
from app.services.area_table import AreaInfo, AreaTable, apportion
from app.services.coverage import (
    CoverageQuery,
    field_within,
    on_edge,
    people_by_leaf,
    people_within,
    run_id,
    stations_by_leaf,
    whole_covered,
)
from app.services.snapshot import Snapshot


@dataclass(frozen=True)
class ServingArea:
    """One column: the stations in an area; ``area`` is None for those in no area of the level.

    ``served`` are all whose nearest station within the walk is one of them, ``inflow`` those of them who live outside
    the area; neither depends on which rows are asked for. ``stations`` are those that count.
    """

    area: AreaInfo | None
    served: int
    inflow: int
    stations: int


@dataclass(frozen=True)
class ServedRow:
    """The covered people of one area. ``people`` are by column and add up to ``covered``.

    ``own`` are those whose nearest station stands in the same area, whatever the columns; ``share_own`` is
    own ÷ covered, None where nobody is covered.
    """

    area: AreaInfo
    covered: int
    own: int
    share_own: float | None
    people: list[int]


@dataclass(frozen=True)
class MatrixAnswer:
    """``run_id`` is that of the coverage which is taken apart. The last column is for stations in no area."""

    run_id: str
    columns: list[ServingArea]
    rows: list[ServedRow]


def served_by_matrix(
    snapshot: Snapshot, query: CoverageQuery, level: AreaLevel, by: AreaLevel, within: str | None = None
) -> MatrixAnswer:
    """Rows are the areas of ``level`` (inside ``within``), columns all areas of ``by``, both by code.

    Raises NotReady without people or areas, LevelNotLoaded, NotFound for an unknown ``within``.
    """
    table = snapshot.areas
    areas, columns = table.of_level(level, within), table.of_level(by)
    whole = _whole(snapshot, query)
    return MatrixAnswer(
        run_id=run_id(snapshot, query),
        columns=_columns(snapshot, query, columns, whole),
        rows=_rows(table, areas, columns, whole),
    )


def _rows(
    table: AreaTable, areas: Sequence[AreaInfo], columns: Sequence[AreaInfo], whole: IntArray
) -> list[ServedRow]:  # fmt: skip
    by_leaf = table.sum_leaves([area.code for area in areas], whole).reshape(len(areas), whole.shape[1])
    by_column = table.sum_leaves([column.code for column in columns], by_leaf.T).T
    rows = []
    for area, from_leaf, people in zip(areas, by_leaf, by_column.astype(np.int64).tolist(), strict=True):
        covered, own = int(from_leaf.sum()), int(from_leaf[table.leaves_of(area.code)].sum())
        share_own = round(own / covered, 6) if covered else None
        rows.append(ServedRow(area, covered, own, share_own, [*people, covered - sum(people)]))
    return rows


def _columns(
    snapshot: Snapshot, query: CoverageQuery, columns: Sequence[AreaInfo], whole: IntArray
) -> list[ServingArea]:
    mask = snapshot.open_mask(query.day, query.types)
    stations, by_leaf = stations_by_leaf(snapshot, mask), whole.sum(axis=0)
    made = []
    for area in columns:
        leaves = snapshot.areas.leaves_of(area.code)
        served, at_home = int(by_leaf[leaves].sum()), int(whole[np.ix_(leaves, leaves)].sum())
        made.append(ServingArea(area, served, served - at_home, int(stations[leaves].sum())))
    served = int(whole.sum()) - sum(column.served for column in made)
    outside = ServingArea(None, served, served, int(mask.sum()) - sum(column.stations for column in made))
    return [*made, outside]


def _whole(snapshot: Snapshot, query: CoverageQuery) -> IntArray:
    """Whole people by leaf where they live and leaf of their nearest station, the last column for stations outside."""
    key = ("served by", query.limit_mm, query.profile.step_free, query.day, tuple(sorted(query.types)))
    return snapshot.cached(key, lambda: _apportioned(snapshot, query))


def _apportioned(snapshot: Snapshot, query: CoverageQuery) -> IntArray:
    exact = _exact(snapshot, query)
    covered = whole_covered(people_by_leaf(snapshot), people_within(snapshot, query, (query.minutes,))[:, 0])
    whole = np.zeros(exact.shape, dtype=np.int64)
    for leaf in np.flatnonzero(covered):
        serving = np.flatnonzero(exact[leaf])
        # scaled to the whole figure, so that rounding up or cutting off falls on all in proportion
        quota = exact[leaf, serving] * (covered[leaf] / exact[leaf].sum())
        whole[leaf, serving] = apportion(quota, int(covered[leaf]))
    return whole


def _exact(snapshot: Snapshot, query: CoverageQuery) -> FloatArray:
    """The same before rounding."""
    count = len(snapshot.areas.leaf_codes)
    leaf = snapshot.stations.table.leaf
    group = np.where(leaf >= 0, leaf, count).astype(np.int32)
    field = field_within(snapshot, query, query.limit_mm)
    stations = on_edge(snapshot, query)
    return served_by(snapshot.network, snapshot.frontage, count, field, stations, group, count + 1, query.limit_mm)
