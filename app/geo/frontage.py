"""People along streets.

Residents of a population cell are spread evenly over the walkable frontage inside the cell; stairs have none. Streets
are cut where they cross from cell to cell and, in cells that lie on a border, from area to area; every piece is an
interval of one edge. A cell without frontage of its own is linked from its centre to the nearest street within a limit,
and charged for the way; beyond the limit its people are off the network. Nobody is lost: pieces and off-network people
of a cell add up to its residents.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from app.geo.arrays import BoolArray, FloatArray, Int32Array, IntArray
from app.geo.geodesy import metres_per_degree
from app.geo.hexgrid import cell_centres, cell_polygons, cells_of, resolution_of
from app.geo.network import FRONTAGE, STEPS, WalkNetwork
from app.geo.snapping import SegmentGrid, snap

SAMPLE_M = 15.0  # streets are probed at this distance; a corner of a cell that is cut by less may be missed
BISECTIONS = 11  # a crossing is found to SAMPLE_M / 2**11, under a centimetre
NOWHERE = -1

Zoning = Callable[[FloatArray, FloatArray], IntArray]


@dataclass(frozen=True)
class Pieces:
    """Intervals ``a_mm`` to ``b_mm`` of edges, by edge and then by ``a_mm``; ``zone`` is what they lie in."""

    edge: Int32Array
    a_mm: Int32Array
    b_mm: Int32Array
    zone: IntArray


@dataclass(frozen=True)
class Frontage:
    """People by piece, and those off the network by cell.

    Pieces are sorted by edge. ``cell`` indexes ``cells`` (H3, ascending); ``area`` indexes the leaf areas. A piece with
    ``a_mm == b_mm`` and ``leg_mm`` is a linked cell: its people walk ``leg_mm`` to the street first. ``cell_area`` is
    the leaf area that a cell's off-network people count to.
    """

    edge: Int32Array
    a_mm: Int32Array
    b_mm: Int32Array
    leg_mm: Int32Array
    people: FloatArray
    cell: Int32Array
    area: Int32Array
    cells: IntArray
    cell_people: FloatArray
    cell_off_network: FloatArray
    cell_area: Int32Array

    @property
    def resolution(self) -> int:
        return resolution_of(self.cells)


@dataclass(frozen=True)
class LeafAreas:
    """The finest areas there are, a partition as far as the data allow; points between them count to the nearest.

    ``outlines`` in WGS84. With no areas at all, everything is in one nameless leaf.
    """

    outlines: Sequence[shapely.Geometry]

    def zoning(self) -> Zoning:
        """The area of every point: the first that holds it, NOWHERE outside all."""
        tree = shapely.STRtree(self.outlines)
        count = len(self.outlines)

        def zone(lng: FloatArray, lat: FloatArray) -> IntArray:
            found = np.full(len(lng), count, dtype=np.int64)
            point, area = tree.query(shapely.points(lng, lat), predicate="intersects")
            np.minimum.at(found, point, area)
            return np.where(found == count, NOWHERE, found)

        return zone

    def nearest(self, lng: FloatArray, lat: FloatArray) -> IntArray:
        """The area of every point, or the nearest one (on a flat map) for points outside all."""
        if not self.outlines:
            return np.zeros(len(lng), dtype=np.int64)
        found = self.zoning()(lng, lat)
        outside = np.flatnonzero(found == NOWHERE)
        if len(outside):
            east, north = (float(k) for k in metres_per_degree(float(lat[outside].mean())))
            scale = np.array([east / north, 1.0])
            tree = shapely.STRtree(shapely.transform(np.array(self.outlines, dtype=object), lambda xy: xy * scale))
            points = shapely.points(lng[outside] * scale[0], lat[outside])
            near = tree.query_nearest(points, all_matches=False)
            found[outside[near[0]]] = near[1]
        return found

    def crossed(self, cells: IntArray) -> BoolArray:
        """Which cells are crossed by a border."""
        borders = shapely.boundary(np.array(self.outlines, dtype=object))
        hit = shapely.STRtree(borders).query(cell_polygons(cells), predicate="intersects")[0]
        crossed = np.zeros(len(cells), dtype=np.bool_)
        crossed[hit] = True
        return crossed


def cut(network: WalkNetwork, pieces: Pieces, zoning: Zoning) -> Pieces:
    """The pieces cut where they cross from zone to zone, in the same order; ``zone`` is set anew.

    Streets are probed at least every SAMPLE_M along their length; between two probes in different zones the crossing
    is found by bisection.
    """
    if len(pieces.edge) == 0:
        return pieces
    piece, a, b = _probes(network, pieces)
    position = _Along(network, pieces.edge)
    zone_a = zoning(*position.at(piece, a))
    same_next = np.concatenate([(piece[1:] == piece[:-1]) & (a[1:] == b[:-1]), [False]])
    zone_b = np.empty_like(zone_a)
    zone_b[:-1] = zone_a[1:]
    ends = np.flatnonzero(~same_next)
    zone_b[ends] = zoning(*position.at(piece[ends], b[ends]))
    crossing = np.flatnonzero(zone_a != zone_b)
    low, high = a[crossing].astype(np.float64), b[crossing].astype(np.float64)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        here = zoning(*position.at(piece[crossing], middle)) == zone_a[crossing]
        low, high = np.where(here, middle, low), np.where(here, high, middle)
    split = np.round(high).astype(np.int64)
    all_piece = np.concatenate([piece, piece[crossing]])
    all_a = np.concatenate([a, split])
    all_b = np.concatenate([b, b[crossing]])
    all_b[crossing] = split
    zone = np.concatenate([zone_a, zone_b[crossing]])
    order = np.lexsort((all_b, all_a, all_piece))
    return _joined(pieces, all_piece[order], all_a[order], all_b[order], zone[order])


class _Along:
    """Points of pieces: where on the ground is ``mm`` along the edge of piece k?"""

    def __init__(self, network: WalkNetwork, edge: Int32Array) -> None:
        self.network = network
        self.edge = edge
        # a key that ascends over all geometry points: edge number, then millimetres
        number = np.repeat(np.arange(network.edge_count, dtype=np.int64), np.diff(network.geom_ptr))
        self.key = (number << 32) + network.geom_mm

    def at(self, piece: IntArray, mm: FloatArray | IntArray) -> tuple[FloatArray, FloatArray]:
        """``lng, lat`` of every point asked for."""
        network, edge = self.network, self.edge[piece].astype(np.int64)
        wanted = (edge << 32) + np.floor(mm).astype(np.int64)
        p = np.searchsorted(self.key, wanted, side="right") - 1
        p = np.clip(p, network.geom_ptr[edge], network.geom_ptr[edge + 1] - 2)
        start, stop = network.geom_mm[p].astype(np.float64), network.geom_mm[p + 1].astype(np.float64)
        t = np.clip((mm - start) / np.maximum(stop - start, 1.0), 0.0, 1.0)
        lng = network.geom_lng[p] + t * (network.geom_lng[p + 1] - network.geom_lng[p])
        lat = network.geom_lat[p] + t * (network.geom_lat[p + 1] - network.geom_lat[p])
        return lng, lat


def _probes(network: WalkNetwork, pieces: Pieces) -> tuple[IntArray, IntArray, IntArray]:
    """Every piece in equal stretches of at most SAMPLE_M: number, from, to in mm."""
    step = int(SAMPLE_M * 1e3)
    long = pieces.b_mm.astype(np.int64) - pieces.a_mm
    count = np.maximum(1, -(-long // step))
    piece = np.repeat(np.arange(len(pieces.edge)), count)
    nth = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    a = pieces.a_mm[piece] + long[piece] * nth // count[piece]
    b = pieces.a_mm[piece] + long[piece] * (nth + 1) // count[piece]
    return piece, a, b


def _joined(pieces: Pieces, piece: IntArray, a: IntArray, b: IntArray, zone: IntArray) -> Pieces:
    """Neighbouring stretches of one piece in one zone as one; empty ones are dropped."""
    keep = b > a
    piece, a, b, zone = piece[keep], a[keep], b[keep], zone[keep]
    if len(piece) == 0:
        return Pieces(pieces.edge[:0], pieces.a_mm[:0], pieces.b_mm[:0], zone)
    fresh = np.concatenate([[True], (piece[1:] != piece[:-1]) | (zone[1:] != zone[:-1]) | (a[1:] != b[:-1])])
    first = np.flatnonzero(fresh)
    last = np.concatenate([first[1:] - 1, [len(piece) - 1]])
    return Pieces(
        edge=pieces.edge[piece[first]],
        a_mm=a[first].astype(np.int32),
        b_mm=b[last].astype(np.int32),
        zone=zone[first],
    )


def frontage_edges(network: WalkNetwork) -> IntArray:
    """The edges that people may live along: with frontage, no stairs, and of a part of the network that matters."""
    has = (network.edge_flags & FRONTAGE) > 0
    return np.flatnonzero(has & _level(network))


def _level(network: WalkNetwork) -> BoolArray:
    """The edges of parts that matter but stairs: nobody is put on an edge that some walkers cannot walk, else those
    walkers would reach people by its ends and not along it.
    """
    stairs: BoolArray = (network.edge_flags & STEPS) > 0
    return network.everywhere.usable & ~stairs


def whole_edges(network: WalkNetwork, edges: IntArray) -> Pieces:
    """One piece an edge, from end to end."""
    zone = np.zeros(len(edges), dtype=np.int64)
    return Pieces(edges.astype(np.int32), np.zeros(len(edges), dtype=np.int32), network.edge_mm[edges], zone)


def pieces_by_cell(network: WalkNetwork, resolution: int) -> Pieces:
    """All frontage, cut by H3 cell; ``zone`` is the cell."""
    pieces = whole_edges(network, frontage_edges(network))
    return cut(network, pieces, lambda lng, lat: cells_of(lng, lat, resolution))


def pieces_by_cell_and_area(
    by_cell: Pieces, cells: IntArray, network: WalkNetwork, leaves: LeafAreas
) -> tuple[Pieces, IntArray, IntArray]:
    """Of the pieces of ``pieces_by_cell`` those inside ``cells`` (ascending), cut by leaf area too: pieces, index of
    cell, leaf area.

    Frontage outside all areas is left out where its cell has frontage inside as well, else it counts to the area
    nearest to the cell's centre.
    """
    at = np.minimum(np.searchsorted(cells, by_cell.zone), len(cells) - 1)
    by_cell, at = _take(by_cell, cells[at] == by_cell.zone), at[cells[at] == by_cell.zone]
    home = leaves.nearest(*cell_centres(cells))
    on_border = leaves.crossed(cells)[at]
    inner, inner_cell = _take(by_cell, ~on_border), at[~on_border]
    border = cut(network, _take(by_cell, on_border), leaves.zoning())
    # cutting keeps the order, so the cell of a new piece is that of the old piece it starts in
    border_cell = _cell_of_cut(_take(by_cell, on_border), at[on_border], border)
    has_inside = np.zeros(len(cells), dtype=np.bool_)
    has_inside[border_cell[border.zone != NOWHERE]] = True
    stays = (border.zone != NOWHERE) | ~has_inside[border_cell]
    border, border_cell = _take(border, stays), border_cell[stays]
    border_area = np.where(border.zone == NOWHERE, home[border_cell], border.zone)
    pieces = Pieces(
        *(np.concatenate([getattr(inner, f), getattr(border, f)]) for f in ("edge", "a_mm", "b_mm", "zone"))
    )
    cell = np.concatenate([inner_cell, border_cell])
    area = np.concatenate([home[inner_cell], border_area])
    order = np.lexsort((pieces.a_mm, pieces.edge))
    return _take(pieces, order), cell[order], area[order]


def _take(pieces: Pieces, chosen: BoolArray | IntArray) -> Pieces:
    return Pieces(pieces.edge[chosen], pieces.a_mm[chosen], pieces.b_mm[chosen], pieces.zone[chosen])


def _cell_of_cut(old: Pieces, old_cell: IntArray, new: Pieces) -> IntArray:
    if len(new.edge) == 0:
        return np.zeros(0, dtype=np.int64)
    old_key = (old.edge.astype(np.int64) << 32) + old.a_mm
    new_key = (new.edge.astype(np.int64) << 32) + new.a_mm
    return old_cell[np.searchsorted(old_key, new_key, side="right") - 1]


def build_frontage(
    network: WalkNetwork,
    grid: SegmentGrid,
    cells: IntArray,
    people: FloatArray,
    leaves: LeafAreas,
    link_limit_m: float,
) -> Frontage:
    """The frontage of a population (H3 cells of one resolution, ascending, people each).

    Conserved: for every cell, the people of its pieces and its off-network people add up to ``people`` (to 1e-12).
    """
    by_cell = pieces_by_cell(network, resolution_of(cells))
    pieces, cell, area = pieces_by_cell_and_area(by_cell, cells, network, leaves)
    metres = (pieces.b_mm - pieces.a_mm).astype(np.float64)
    total = np.bincount(cell, weights=metres, minlength=len(cells))
    per_mm = np.divide(people, total, out=np.zeros(len(cells)), where=total > 0)
    without = np.flatnonzero(total == 0)
    lng, lat = cell_centres(cells[without])
    places = snap(network, grid, _level(network), lng, lat, link_limit_m)
    linked = np.flatnonzero(places.edge >= 0)
    off = np.zeros(len(cells))
    off[without[places.edge < 0]] = people[without[places.edge < 0]]
    home = leaves.nearest(*cell_centres(cells))
    at = without[linked]
    edge = np.concatenate([pieces.edge, places.edge[linked]])
    a = np.concatenate([pieces.a_mm, places.offset_mm[linked]])
    order = np.lexsort((a, edge))
    return Frontage(
        edge=edge[order],
        a_mm=a[order],
        b_mm=np.concatenate([pieces.b_mm, places.offset_mm[linked]])[order],
        leg_mm=np.concatenate([np.zeros(len(pieces.edge), dtype=np.int32), places.leg_mm[linked]])[order],
        people=np.concatenate([metres * per_mm[cell], people[at]])[order],
        cell=np.concatenate([cell, at])[order].astype(np.int32),
        area=np.concatenate([area, home[at]])[order].astype(np.int32),
        cells=cells,
        cell_people=people,
        cell_off_network=off,
        cell_area=home.astype(np.int32),
    )


def relinked(frontage: Frontage, network: WalkNetwork, grid: SegmentGrid, link_limit_m: float) -> Frontage:
    """The off-network people of a frontage as a frontage of their own, linked within another (wider) limit.

    Only the cells that have such people are in it, those still beyond the limit as off-network. It is what the wider
    limit adds: nobody who was linked already walks another way.
    """
    chosen = np.flatnonzero(frontage.cell_off_network > 0)
    cells, people = frontage.cells[chosen], frontage.cell_off_network[chosen]
    places = snap(network, grid, _level(network), *cell_centres(cells), link_limit_m)
    at = np.flatnonzero(places.edge >= 0)
    at = at[np.lexsort((places.offset_mm[at], places.edge[at]))]
    return Frontage(
        edge=places.edge[at],
        a_mm=places.offset_mm[at],
        b_mm=places.offset_mm[at],
        leg_mm=places.leg_mm[at],
        people=people[at],
        cell=at.astype(np.int32),
        area=frontage.cell_area[chosen][at],
        cells=cells,
        cell_people=people,
        cell_off_network=np.where(places.edge < 0, people, 0.0),
        cell_area=frontage.cell_area[chosen],
    )
