"""What joins the streets into one network: stitches along town borders, bridges, links; and the islands left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from scipy.spatial import Delaunay, cKDTree

from app.demo import facts
from app.demo.draft import (
    NO_NAME,
    NO_TOWN,
    Draft,
    Street,
    add,
    component_labels,
    degrees,
    keep_edges,
    keep_nodes,
    streets,
    tidy,
)
from app.demo.plane import BoolArray, FloatArray, IntArray, geometry_to_plane, segments, to_plane
from app.demo.spec import CitySpec
from app.demo.towns import Partition
from app.demo.water import Water, water

PART_ISLANDS = 6
BRIDGE_NAMES_FROM = 1 << 50
STITCH_M = 85.0
ABUTMENT_M = 15.0  # from the water's edge to the end of a bridge
LONGEST_LINK_M, LONGEST_BRIDGE_M = 9_000.0, 2_600.0
LINK_STEP_M = 130.0
WORTH_A_BRIDGE = 60  # nodes of the smaller part
BRIDGE_REACH_M = 1_500.0  # from the end of a named bridge to the nearest street
ISLANDS = 14
ISLAND_NODES = (6, 90)  # smallest and largest unconnected part that may stay


def stitch_towns(spec: CitySpec, draft: Draft) -> Draft:
    """Join streets that end at a town border to the nearest street of the town next door, where the way is dry."""
    loose = np.flatnonzero((degrees(draft) <= 2) & (draft.town != NO_TOWN))
    tree = cKDTree(np.column_stack([draft.x, draft.y]))
    limit = STITCH_M * spec.scale
    _, near = tree.query(np.column_stack([draft.x[loose], draft.y[loose]]), k=6, distance_upper_bound=limit)
    found = near < len(draft.x)
    town = np.where(found, draft.town[np.minimum(near, len(draft.x) - 1)], NO_TOWN)
    foreign = found & (town != NO_TOWN) & (town != draft.town[loose][:, None])
    has = foreign.any(axis=1)
    u, v = loose[has], near[has, foreign[has].argmax(axis=1)]
    dry = ~water().touches(segments(draft.x[u], draft.y[u], draft.x[v], draft.y[v]))
    return tidy(add(draft, streets(u[dry], v[dry], Street.RESIDENTIAL)))


def drop_wet(draft: Draft) -> Draft:
    """Without the streets that touch water."""
    return keep_edges(draft, ~water().touches(draft.lines))


@dataclass(frozen=True)
class _Crossing:
    """A bridge on the plane: both abutments on dry land."""

    a: tuple[float, float]
    b: tuple[float, float]


def _crossing(channels: Water, lng: float, lat: float) -> _Crossing | None:
    """Square across the channel nearest to a point; None where one side does not come ashore within 900 m."""
    px, py = (float(c) for c in to_plane(lng, lat))
    k = channels.nearest_axis(px, py)
    along = channels.end[k] - channels.start[k]
    length = float(np.hypot(*along))
    from_start = np.array([px, py]) - channels.start[k]
    t = float(np.clip(float(from_start @ along) / length**2, 0.0, 1.0))
    foot = channels.start[k] + t * along
    across = np.array([-along[1], along[0]]) / length
    ends: list[tuple[float, float]] = []
    for side in (1.0, -1.0):
        out = channels.half_width_m[k] + ABUTMENT_M + 20.0 * np.arange(45)
        x, y = foot[0] + side * out * across[0], foot[1] + side * out * across[1]
        dry = np.flatnonzero(~channels.holds(x, y, ABUTMENT_M - 5.0))
        if len(dry) == 0:
            return None
        ends.append((float(x[dry[0]]), float(y[dry[0]])))
    return _Crossing(*ends)


def _bank_node(
    draft: Draft, tree: cKDTree, pool: IntArray, here: tuple[float, float], there: tuple[float, float]
) -> int | None:
    """The street node nearest to one end of a bridge, on that end's side of the water; None if none is in reach."""
    gap, near = tree.query(here, k=60, distance_upper_bound=BRIDGE_REACH_M)
    nodes = pool[near[np.isfinite(gap)]]
    middle_x, middle_y = (here[0] + there[0]) / 2, (here[1] + there[1]) / 2
    side = (draft.x[nodes] - middle_x) * (here[0] - there[0]) + (draft.y[nodes] - middle_y) * (here[1] - there[1])
    return int(nodes[side > 0][0]) if (side > 0).any() else None


def add_named_bridges(spec: CitySpec, draft: Draft) -> tuple[Draft, list[str]]:
    """The bridges of data/guangzhou/bridges.csv where both banks have streets within reach; also those left out."""
    channels = water()
    label, size = component_labels(draft)
    solid = np.flatnonzero(size[label] >= ISLAND_NODES[0])
    tree = cKDTree(np.column_stack([draft.x[solid], draft.y[solid]]))
    nodes: list[tuple[float, float]] = []
    u: list[int] = []
    v: list[int] = []
    number: list[int] = []
    is_bridge: list[bool] = []
    left_out: list[str] = []
    for n, fact in enumerate(facts.bridges()):
        crossing = _crossing(channels, fact.lng, fact.lat)
        if crossing is None:
            left_out.append(fact.name)
            continue
        start = _bank_node(draft, tree, solid, crossing.a, crossing.b)
        end = _bank_node(draft, tree, solid, crossing.b, crossing.a)
        if start is None or end is None:
            left_out.append(fact.name)
            continue
        a = len(draft.x) + len(nodes)
        nodes += [crossing.a, crossing.b]
        u += [start, a, a + 1]
        v += [a, a + 1, end]
        number += [NO_NAME, BRIDGE_NAMES_FROM + n, NO_NAME]
        is_bridge += [False, True, False]
    xy = np.array(nodes).reshape(-1, 2)
    bridge = np.array(is_bridge, dtype=np.bool_)
    edges = streets(
        np.array(u, dtype=np.int64),
        np.array(v, dtype=np.int64),
        np.where(bridge, Street.SECONDARY, Street.TERTIARY),
        name=np.array(number, dtype=np.int64),
    )
    grown = add(draft, edges, (xy[:, 0], xy[:, 1]))
    fresh = np.arange(len(draft.u), len(grown.u))
    # a ramp that has to pass over a side channel is part of the bridge
    grown.bridge[fresh] = bridge | channels.touches(grown.lines[fresh])
    grown.frontage[fresh] = ~grown.bridge[fresh]
    return grown, left_out


def _choose_islands(spec: CitySpec, label: IntArray, size: IntArray) -> IntArray:
    """One node of each of the small parts that are to stay unconnected."""
    rng = spec.generator(PART_ISLANDS)
    small = np.flatnonzero((size >= ISLAND_NODES[0]) & (size <= ISLAND_NODES[1]))
    chosen = np.sort(rng.choice(small, min(ISLANDS, len(small)), replace=False))
    first = np.full(len(size), -1, dtype=np.int64)
    first[label[::-1]] = np.arange(len(label))[::-1]
    nodes: IntArray = first[chosen]
    return nodes


def _candidate_links(draft: Draft, islands: IntArray) -> tuple[IntArray, IntArray]:
    """Short links between different parts: Delaunay edges among the nodes outside the largest part and its nearest."""
    label, size = component_labels(draft)
    giant = int(size.argmax())
    inside = np.flatnonzero(label == giant)
    outside = np.flatnonzero((label != giant) & ~np.isin(label, label[islands]))
    if len(outside) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    tree = cKDTree(np.column_stack([draft.x[inside], draft.y[inside]]))
    shore = inside[np.unique(tree.query(np.column_stack([draft.x[outside], draft.y[outside]]))[1])]
    pool = np.concatenate([outside, shore])
    triangles = Delaunay(np.column_stack([draft.x[pool], draft.y[pool]])).simplices.astype(np.int64)
    sides = pool[np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])]
    sides = np.unique(np.sort(sides, axis=1), axis=0)
    between = label[sides[:, 0]] != label[sides[:, 1]]
    return sides[between, 0], sides[between, 1]


def _cheapest(u: IntArray, v: IntArray, cost: FloatArray, wet: BoolArray, label: IntArray, size: IntArray) -> IntArray:
    """Kruskal over the parts: positions of the links that join them most cheaply; bridges only to parts worth one."""
    root = np.arange(len(size))
    nodes = size.copy()

    def find(k: int) -> int:
        while root[k] != k:
            root[k] = root[root[k]]
            k = int(root[k])
        return k

    chosen: list[int] = []
    for e in np.argsort(cost, kind="stable"):
        a, b = find(int(label[u[e]])), find(int(label[v[e]]))
        if a == b or (wet[e] and min(nodes[a], nodes[b]) < WORTH_A_BRIDGE):
            continue
        root[b] = a
        nodes[a] += nodes[b]
        chosen.append(int(e))
    return np.array(chosen, dtype=np.int64)


def _add_ways(draft: Draft, u: IntArray, v: IntArray, step_m: float) -> Draft:
    """Straight country roads with a node about every ``step_m``."""
    length = np.hypot(draft.x[u] - draft.x[v], draft.y[u] - draft.y[v])
    count = np.maximum(1, np.round(length / step_m).astype(np.int64))
    line = np.repeat(np.arange(len(u)), count)
    place = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)  # 0 is the stretch that leaves u
    inner = place > 0
    t = (place / count[line])[inner]
    x = draft.x[u[line[inner]]] * (1 - t) + draft.x[v[line[inner]]] * t
    y = draft.y[u[line[inner]]] * (1 - t) + draft.y[v[line[inner]]] * t
    number = np.cumsum(inner) - 1 + len(draft.x)
    start = np.where(inner, number, u[line])
    last = place == count[line] - 1
    end = np.where(last, v[line], np.minimum(number + 1, len(draft.x) + len(x) - 1))
    return add(draft, streets(start, end, Street.UNCLASSIFIED), (x, y))


def _leaves(partition: Partition, draft: Draft, u: IntArray, v: IntArray) -> BoolArray:
    """Does the straight way between two nodes leave the city?"""
    city = geometry_to_plane(partition.city)
    shapely.prepare(city)
    leaves = np.zeros(len(u), dtype=np.bool_)
    for t in (0.2, 0.4, 0.6, 0.8):
        x, y = (1 - t) * draft.x[u] + t * draft.x[v], (1 - t) * draft.y[u] + t * draft.y[v]
        leaves |= ~shapely.contains_xy(city, x, y)
    return leaves


def connect(spec: CitySpec, partition: Partition, draft: Draft) -> Draft:
    """One network: the cheapest links between its parts, over water as generated bridges.

    A few small parts stay unconnected on purpose; what could not be joined otherwise is removed.
    """
    islands = _choose_islands(spec, *component_labels(draft))
    u, v = _candidate_links(draft, islands)
    length = np.hypot(draft.x[u] - draft.x[v], draft.y[u] - draft.y[v])
    wet = water().touches(segments(draft.x[u], draft.y[u], draft.x[v], draft.y[v]))
    short = length < np.where(wet, LONGEST_BRIDGE_M, LONGEST_LINK_M) * spec.scale
    u, v, length, wet = u[short], v[short], length[short], wet[short]
    cost = length * np.where(wet, 4.0, 1.0) * np.where(_leaves(partition, draft, u, v), 6.0, 1.0)
    chosen = _cheapest(u, v, cost, wet, *component_labels(draft))
    u, v, wet = u[chosen], v[chosen], wet[chosen]
    number = BRIDGE_NAMES_FROM + (1 << 20) + np.arange(int(wet.sum()))
    draft = add(draft, streets(u[wet], v[wet], Street.TERTIARY, name=number, bridge=True, frontage=False))
    draft = _add_ways(draft, u[~wet], v[~wet], LINK_STEP_M * spec.scale)
    label, size = component_labels(draft)
    stays = (label == size.argmax()) | (np.isin(label, label[islands]))
    return tidy(keep_nodes(draft, stays))
