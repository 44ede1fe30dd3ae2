"""The same people along the same streets, told by hexagons of another size.

Coarser hexagons are the parents of the population cells. For finer ones the pieces of frontage are cut further, where
streets cross from hexagon to hexagon; people without frontage of their own stay at their cell's centre. Only the cells
change: who lives along which millimetre of which street, and in which area, stays as it is, and so does every total.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.geo.arrays import Int32Array, IntArray
from app.geo.frontage import Frontage, LeafAreas, Pieces, cut
from app.geo.hexgrid import cell_centres, cells_of, parents_of
from app.geo.network import WalkNetwork


def regridded(frontage: Frontage, network: WalkNetwork, leaves: LeafAreas, resolution: int) -> Frontage:
    """The frontage by H3 cells of ``resolution``; pieces sorted as before, people conserved to 1e-12 (relative).

    ``cell_area`` is the leaf area that holds the centre of the new cell, or the nearest one. Finer cells cost time in
    proportion to the length of the pieces: take those in question first (``part_of``).
    """
    if resolution == frontage.resolution:
        return frontage
    if resolution < frontage.resolution:
        home = parents_of(frontage.cells, resolution)
        return _on_cells(frontage, home[frontage.cell], home, leaves)
    home = cells_of(*cell_centres(frontage.cells), resolution)
    finer, cell = _cut_to(frontage, network, resolution, home)
    return _on_cells(finer, cell, home, leaves)


def part_of(frontage: Frontage, chosen: IntArray) -> Frontage:
    """The part of a frontage that lies in the chosen cells (ascending numbers)."""
    number = np.full(len(frontage.cells), -1, dtype=np.int32)
    number[chosen] = np.arange(len(chosen), dtype=np.int32)
    pieces = np.flatnonzero(number[frontage.cell] >= 0)
    parts = {name: getattr(frontage, name)[pieces] for name in ("edge", "a_mm", "b_mm", "leg_mm", "people", "area")}
    cells = {
        name: getattr(frontage, name)[chosen] for name in ("cells", "cell_people", "cell_off_network", "cell_area")
    }
    return Frontage(**parts, **cells, cell=number[frontage.cell[pieces]])


def _cut_to(frontage: Frontage, network: WalkNetwork, resolution: int, home: IntArray) -> tuple[Frontage, IntArray]:
    """Pieces cut at the borders of finer cells, and the cell of each; people in proportion to length."""
    is_point = frontage.a_mm == frontage.b_mm
    lines = np.flatnonzero(~is_point)
    whole = Pieces(frontage.edge[lines], frontage.a_mm[lines], frontage.b_mm[lines], lines)
    parts = cut(network, whole, lambda lng, lat: cells_of(lng, lat, resolution))
    # pieces do not overlap, so a part belongs to the last piece that begins before it or with it
    at = np.searchsorted(_key(whole.edge, whole.a_mm), _key(parts.edge, parts.a_mm), side="right") - 1
    old = lines[at]
    long = (frontage.b_mm[old] - frontage.a_mm[old]).astype(np.float64)
    points = np.flatnonzero(is_point)
    source = np.concatenate([old, points])
    a = np.concatenate([parts.a_mm, frontage.a_mm[points]])
    b = np.concatenate([parts.b_mm, frontage.b_mm[points]])
    share = np.concatenate([(parts.b_mm - parts.a_mm) / long, np.ones(len(points))])
    cell = np.concatenate([parts.zone, home[frontage.cell[points]]])
    order = np.lexsort((a, frontage.edge[source]))
    source = source[order]
    made = replace(
        frontage, edge=frontage.edge[source], a_mm=a[order], b_mm=b[order], leg_mm=frontage.leg_mm[source],
        people=frontage.people[source] * share[order], cell=frontage.cell[source], area=frontage.area[source],
    )  # fmt: skip
    return made, cell[order]


def _key(edge: Int32Array, mm: Int32Array) -> IntArray:
    key: IntArray = (edge.astype(np.int64) << 32) + mm
    return key


def _on_cells(frontage: Frontage, cell: IntArray, home: IntArray, leaves: LeafAreas) -> Frontage:
    """The frontage with its pieces in these cells, and the off-network people of its cells in their ``home``."""
    off = frontage.cell_off_network
    cells = np.unique(np.concatenate([cell, home[off > 0]]))
    number = np.searchsorted(cells, cell)
    at_home = np.searchsorted(cells, home[off > 0])
    beside = np.bincount(at_home, weights=off[off > 0], minlength=len(cells)).astype(np.float64)
    along = np.bincount(number, weights=frontage.people, minlength=len(cells))
    return replace(
        frontage, cell=number.astype(np.int32), cells=cells, cell_people=along + beside, cell_off_network=beside,
        cell_area=leaves.nearest(*cell_centres(cells)).astype(np.int32),
    )  # fmt: skip
