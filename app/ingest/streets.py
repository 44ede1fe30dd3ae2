"""From ways to a network: split at junctions, barriers, ends and gaps. Pure functions over arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from app.geo.arrays import AnyArray, BoolArray, FloatArray, IntArray
from app.geo.geodesy import line_lengths_m, metres_per_degree
from app.geo.network import StreetRows
from app.ingest.osm_reading import RawWays


@dataclass(frozen=True)
class _Points:
    """The points of all ways in a row: number of the place, of the way, and of the unbroken piece."""

    place: IntArray
    way: IntArray
    piece: IntArray


def split_ways(raw: RawWays) -> tuple[StreetRows, dict[str, int]]:
    """The network of the ways, and how many nodes were missing and how many barriers cut a way.

    A way is cut where another walkable way (or itself) passes, at its ends, where a node is missing from the extract,
    and at barriers that feet may not pass: there the ends on both sides get nodes of their own (ids -1, -2, …), so
    that they do not meet. Places of junctions keep their OSM ids. Nodes of equal position next to each other on a way
    become one. Ways are taken by ascending id: the same file gives the same ids.
    """
    points, missing = _known_points(raw)
    points = _without_repeats(points)
    cut = _cuts(points, raw.closed)
    first, last = _edges(points, cut)
    ptr, at = _ranges(first, last)
    place = points.place[at]
    lng, lat = raw.place_lng[place], raw.place_lat[place]
    number = points.way[first]
    source, target, barrier_ids = _end_nodes(raw, points.place[first], points.place[last])
    walks = [raw.walks[k] for k in number.tolist()]
    rows = StreetRows(
        node_id=np.zeros(0, dtype=np.int64), node_lng=np.zeros(0), node_lat=np.zeros(0),
        edge_id=np.arange(1, len(first) + 1), source=source, target=target, length_m=line_lengths_m(ptr, lng, lat),
        way_id=raw.way_id[number], highway=[w.highway for w in walks], name=[raw.names[k] for k in number.tolist()],
        has_steps=_flags([w.has_steps for w in walks]), is_bridge=_flags([w.is_bridge for w in walks]),
        is_tunnel=_flags([w.is_tunnel for w in walks]), has_frontage=_flags([w.has_frontage for w in walks]),
        geom_ptr=ptr, geom_lng=lng, geom_lat=lat,
    )  # fmt: skip
    rows = _with_nodes(_without_empty(rows))
    return rows, {"missing_nodes": missing, "closed_barriers": barrier_ids}


def clip(rows: StreetRows, area: shapely.Geometry, buffer_m: float) -> StreetRows:
    """The edges with at least one end within ``buffer_m`` of an area (WGS84), and their nodes; numbered anew in order.

    The buffer is drawn in local metres (scaled degrees), good to one part in a thousand over a city.
    """
    west, south, east, north = shapely.bounds(area).tolist()
    east_m, north_m = (float(v) for v in metres_per_degree((south + north) / 2))
    margin_x, margin_y = 1.2 * buffer_m / east_m, 1.2 * buffer_m / north_m
    near = (rows.node_lng >= west - margin_x) & (rows.node_lng <= east + margin_x)
    near &= (rows.node_lat >= south - margin_y) & (rows.node_lat <= north + margin_y)
    scale = np.array([east_m, north_m])
    flat = shapely.transform(area, lambda xy: xy * scale)
    zone = shapely.buffer(flat, buffer_m) if buffer_m > 0 else flat
    shapely.prepare(zone)
    near[near] = shapely.intersects_xy(zone, rows.node_lng[near] * east_m, rows.node_lat[near] * north_m)
    ids = rows.node_id[near]
    kept = np.isin(rows.source, ids) | np.isin(rows.target, ids)
    return _with_nodes(_numbered(take_edges(rows, np.flatnonzero(kept))))


def take_edges(rows: StreetRows, chosen: IntArray) -> StreetRows:
    """Some edges, in the order given, with their ids; the nodes are left as they are."""
    ptr, at = _ranges(rows.geom_ptr[chosen], rows.geom_ptr[chosen + 1] - 1)
    return replace(
        rows, edge_id=rows.edge_id[chosen], source=rows.source[chosen], target=rows.target[chosen],
        length_m=rows.length_m[chosen], way_id=rows.way_id[chosen],
        highway=[rows.highway[k] for k in chosen.tolist()], name=[rows.name[k] for k in chosen.tolist()],
        has_steps=rows.has_steps[chosen], is_bridge=rows.is_bridge[chosen], is_tunnel=rows.is_tunnel[chosen],
        has_frontage=rows.has_frontage[chosen], geom_ptr=ptr, geom_lng=rows.geom_lng[at], geom_lat=rows.geom_lat[at],
    )  # fmt: skip


def _known_points(raw: RawWays) -> tuple[_Points, int]:
    """The points whose place is known, ways by ascending id, cut into pieces where one is missing."""
    order = np.argsort(raw.way_id, kind="stable")
    _, at = _ranges(raw.ptr[:-1][order], raw.ptr[1:][order] - 1)
    refs = raw.node_ref[at]
    way = np.repeat(order, np.diff(raw.ptr)[order])
    place = np.searchsorted(raw.place_id, refs)
    known = np.zeros(len(refs), dtype=np.bool_)
    if len(raw.place_id):
        known = raw.place_id[np.minimum(place, len(raw.place_id) - 1)] == refs
    new_way = np.concatenate([[True], way[1:] != way[:-1]]) if len(way) else np.zeros(0, dtype=np.bool_)
    piece = np.cumsum(new_way | ~known, dtype=np.int64)  # every missing node begins a new piece for those behind it
    return _Points(place[known], way[known], piece[known]), int((~known).sum())


def _without_repeats(points: _Points) -> _Points:
    """Without points that repeat the one before."""
    again = np.zeros(len(points.place), dtype=np.bool_)
    again[1:] = (points.place[1:] == points.place[:-1]) & (points.piece[1:] == points.piece[:-1])
    return _Points(points.place[~again], points.way[~again], points.piece[~again])


def _cuts(points: _Points, closed: BoolArray) -> BoolArray:
    """Where edges begin or end: ends of pieces, places passed more than once, closed barriers."""
    passed = np.bincount(points.place, minlength=len(closed))
    cut = (passed[points.place] > 1) | closed[points.place]
    border = np.flatnonzero(points.piece[1:] != points.piece[:-1])
    cut[border] = cut[border + 1] = True
    if len(cut):
        cut[0] = cut[-1] = True
    return cut


def _edges(points: _Points, cut: BoolArray) -> tuple[IntArray, IntArray]:
    """Index of the first and of the last point of every edge."""
    at = np.flatnonzero(cut)
    same = points.piece[at[1:]] == points.piece[at[:-1]]
    return at[:-1][same], at[1:][same]


def _ranges(first: IntArray, last: IntArray) -> tuple[IntArray, IntArray]:
    """All indices from each first to each last, ends included, one after the other, with pointers."""
    count = last - first + 1
    ptr = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    return ptr, np.arange(ptr[-1]) - np.repeat(ptr[:-1], count) + np.repeat(first, count)


def _end_nodes(raw: RawWays, first: IntArray, last: IntArray) -> tuple[IntArray, IntArray, int]:
    """Node ids of the ends of every edge; every edge that ends at a closed barrier gets a node of its own there."""
    ends = raw.place_id[np.concatenate([first, last])]
    shut = raw.closed[np.concatenate([first, last])]
    ends[shut] = -np.arange(1, shut.sum() + 1)
    barriers = len(np.unique(np.concatenate([first, last])[shut]))
    return ends[: len(first)], ends[len(first) :], barriers


def _without_empty(rows: StreetRows) -> StreetRows:
    """Without edges of no length; the nodes at their ends, which stand on one place, become one (the smallest id)."""
    empty = rows.length_m <= 0.0
    if not empty.any():
        return rows
    ids, at = np.unique(np.concatenate([rows.source, rows.target]), return_inverse=True)
    u, v = at[: len(rows.source)], at[len(rows.source) :]
    links = coo_matrix((np.ones(int(empty.sum())), (u[empty], v[empty])), shape=(len(ids), len(ids)))
    group = connected_components(links, directed=False)[1]
    smallest = np.full(group.max() + 1, np.iinfo(np.int64).max)
    np.minimum.at(smallest, group, ids)
    merged = smallest[group]
    rows = replace(rows, source=merged[u], target=merged[v])
    return _numbered(take_edges(rows, np.flatnonzero(~empty)))


def _numbered(rows: StreetRows) -> StreetRows:
    return replace(rows, edge_id=np.arange(1, len(rows.edge_id) + 1))


def _with_nodes(rows: StreetRows) -> StreetRows:
    """The nodes that the edges name, by id, each where the lines end."""
    ends = np.concatenate([rows.source, rows.target])
    ids, first = np.unique(ends, return_index=True)
    at = np.concatenate([rows.geom_ptr[:-1], rows.geom_ptr[1:] - 1])[first]
    return replace(rows, node_id=ids, node_lng=rows.geom_lng[at], node_lat=rows.geom_lat[at])


def _flags(values: list[bool]) -> AnyArray:
    return np.array(values, dtype=np.bool_)


def lengths_km(rows: StreetRows, chosen: FloatArray | BoolArray) -> float:
    """Length in km of some edges, rounded to a metre."""
    return round(float(rows.length_m[np.asarray(chosen, dtype=np.bool_)].sum()) / 1000, 3)
