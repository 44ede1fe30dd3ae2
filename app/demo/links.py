"""What joins the streets into one network: stitches along town borders, bridges, links; and the islands left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

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
from app.demo.plane import FloatArray, IntArray, segments, to_plane
from app.demo.spec import CitySpec
from app.demo.water import Water, water

PART_ISLANDS = 6
BRIDGE_NAMES_FROM = 1 << 50
STITCH_M = 85.0
ABUTMENT_M = 15.0  # from the water's edge to the end of a bridge
LINK_ROUNDS_M = (250.0, 800.0, 2_500.0, 9_000.0)
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
    t = float(np.clip(((px - channels.start[k, 0]) * along[0] + (py - channels.start[k, 1]) * along[1]) / length**2, 0, 1))
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


def add_named_bridges(spec: CitySpec, draft: Draft) -> tuple[Draft, list[str]]:
    """The bridges of data/guangzhou/bridges.csv where both banks have streets within reach; also those left out."""
    channels = water()
    label, size = component_labels(draft)
    solid = np.flatnonzero(size[label] >= 20)
    tree = cKDTree(np.column_stack([draft.x[solid], draft.y[solid]]))
    nodes: list[tuple[float, float]] = []
    u, v, number, is_bridge, left_out = [], [], [], [], []
    for n, fact in enumerate(facts.bridges()):
        crossing = _crossing(channels, fact.lng, fact.lat)
        if crossing is None:
            left_out.append(fact.name)
            continue
        gap, near = tree.query(np.array([crossing.a, crossing.b]))
        if max(gap) > 700.0 * spec.scale or near[0] == near[1]:
            left_out.append(fact.name)
            continue
        a = len(draft.x) + len(nodes)
        nodes += [crossing.a, crossing.b]
        u += [int(solid[near[0]]), a, a + 1]
        v += [a, a + 1, int(solid[near[1]])]
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
    return first[chosen]


def _nearest_links(draft: Draft, islands: IntArray, limit_m: float) -> tuple[IntArray, IntArray, FloatArray]:
    """For every part but the largest and the islands, its shortest link to the largest within ``limit_m``."""
    label, size = component_labels(draft)
    giant = int(size.argmax())
    inside = np.flatnonzero(label == giant)
    outside = np.flatnonzero((label != giant) & ~np.isin(label, label[islands]))
    if len(outside) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    tree = cKDTree(np.column_stack([draft.x[inside], draft.y[inside]]))
    gap, near = tree.query(np.column_stack([draft.x[outside], draft.y[outside]]), distance_upper_bound=limit_m)
    order = np.lexsort((gap, label[outside]))
    first = np.unique(label[outside][order], return_index=True)[1]
    best = order[first]
    best = best[np.isfinite(gap[best])]
    return outside[best], inside[near[best]], size[label[outside[best]]].astype(np.float64)


def connect(spec: CitySpec, draft: Draft) -> Draft:
    """One network: nearest links in widening rounds, over water as generated bridges (only to parts worth one).

    A few small parts stay unconnected on purpose; what could not be joined otherwise is removed.
    """
    islands = _choose_islands(spec, *component_labels(draft))
    bridges = 0
    for limit_m in LINK_ROUNDS_M:
        u, v, nodes = _nearest_links(draft, islands, limit_m * spec.scale)
        wet = water().touches(segments(draft.x[u], draft.y[u], draft.x[v], draft.y[v]))
        worth = ~wet | (nodes >= 60)
        u, v, wet = u[worth], v[worth], wet[worth]
        number = np.where(wet, BRIDGE_NAMES_FROM + (1 << 20) + bridges + np.cumsum(wet), NO_NAME)
        bridges += int(wet.sum())
        street = np.where(wet, Street.TERTIARY, Street.UNCLASSIFIED)
        draft = add(draft, streets(u, v, street, name=number, bridge=wet, frontage=~wet))
    label, size = component_labels(draft)
    stays = (label == size.argmax()) | (np.isin(label, label[islands]))
    return tidy(keep_nodes(draft, stays))
