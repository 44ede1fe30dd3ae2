"""The walkable network of the demonstration city, drawn in steps, each a function from one draft to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from app.demo.draft import NO_NAME, Draft, Street, degrees, keep_edges, keep_nodes
from app.demo.draft import add as add_edges
from app.demo.draft import streets as edge_arrays
from app.demo.lattice import lattice_streets
from app.demo.links import add_named_bridges, connect, drop_wet, stitch_towns
from app.demo.plane import BoolArray, FloatArray, IntArray
from app.demo.roads import add_roads, add_trails
from app.demo.settlement import Blocks, Neighbourhoods
from app.demo.spec import CitySpec
from app.demo.towns import Partition
from app.demo.water import water

PART_DETAILS = 7
MERGE_SHARE = 0.9  # of the nodes where nothing happens (two ends of one street) that may become points of a line


def _other_ends(draft: Draft) -> tuple[IntArray, IntArray, IntArray]:
    """For every street end, sorted by node: the node, the edge, the node at the far end."""
    m = len(draft.u)
    node = np.concatenate([draft.u, draft.v])
    order = np.argsort(node, kind="stable")
    edge = np.concatenate([np.arange(m), np.arange(m)])[order]
    far = np.concatenate([draft.v, draft.u])[order]
    return node[order], edge, far


def merge_straights(spec: CitySpec, draft: Draft) -> Draft:
    """Turn many nodes with two like streets into a point of one longer street (no two neighbours at a time)."""
    rng = spec.generator(PART_DETAILS)
    degree = degrees(draft)
    node, edge, far = _other_ends(draft)
    start = np.searchsorted(node, np.arange(len(draft.x)))
    two = np.flatnonzero(degree == 2)
    e1, e2 = edge[start[two]], edge[start[two] + 1]
    f1, f2 = far[start[two]], far[start[two] + 1]
    alike = (draft.street[e1] == draft.street[e2]) & (draft.name[e1] == draft.name[e2]) & (f1 != f2)
    for flags in (draft.steps, draft.bridge, draft.tunnel, draft.frontage):
        alike &= flags[e1] == flags[e2]
    alike &= np.isnan(draft.mid_x[e1]) & np.isnan(draft.mid_x[e2]) & ~draft.bridge[e1]
    alike &= rng.random(len(two)) < MERGE_SHARE
    priority = np.zeros(len(draft.x))
    priority[two[alike]] = 0.5 + 0.5 * rng.random(int(alike.sum()))
    beaten = (priority[f1] > priority[two]) | (priority[f2] > priority[two])
    chosen = alike & ~beaten
    gone = two[chosen]
    merged = edge_arrays(
        f1[chosen],
        f2[chosen],
        draft.street[e1[chosen]],
        name=draft.name[e1[chosen]],
        frontage=draft.frontage[e1[chosen]],
        steps=draft.steps[e1[chosen]],
        tunnel=draft.tunnel[e1[chosen]],
    )
    merged["mid_x"], merged["mid_y"] = draft.x[gone], draft.y[gone]
    keep = np.ones(len(draft.u), dtype=np.bool_)
    keep[e1[chosen]] = keep[e2[chosen]] = False
    thinned = add_edges(keep_edges(draft, keep), merged)
    nodes = np.ones(len(draft.x), dtype=np.bool_)
    nodes[gone] = False
    return keep_nodes(thinned, nodes)


def bend_straights(draft: Draft, rng: np.random.Generator) -> Draft:
    """Give country roads a point beside the straight line, where that keeps them dry."""
    country = np.isin(draft.street, [Street.UNCLASSIFIED, Street.PATH, Street.TERTIARY]) & ~draft.bridge
    at = np.flatnonzero(country & np.isnan(draft.mid_x))
    x0, y0, x1, y1 = draft.x[draft.u[at]], draft.y[draft.u[at]], draft.x[draft.v[at]], draft.y[draft.v[at]]
    off = rng.normal(0.0, 0.06, len(at))
    mx, my = (x0 + x1) / 2 - (y1 - y0) * off, (y0 + y1) / 2 + (x1 - x0) * off
    length = np.hypot(x1 - x0, y1 - y0)
    # a dry disc around the middle that holds both halves: neither can be wet
    safe = ~water().holds(mx, my, 150.0) & (length < 250.0)
    mid_x, mid_y = draft.mid_x.copy(), draft.mid_y.copy()
    mid_x[at[safe]], mid_y[at[safe]] = mx[safe], my[safe]
    return replace(draft, mid_x=mid_x, mid_y=mid_y)


def _sample(mask: BoolArray, share: float, rng: np.random.Generator) -> BoolArray:
    return mask & (rng.random(len(mask)) < share)


def add_details(spec: CitySpec, draft: Draft) -> Draft:
    """Footbridges, underpasses and stairs, where people do not live; and gentle bends."""
    rng = spec.generator(PART_DETAILS + 1)
    plain = ~draft.bridge & ~draft.tunnel & ~draft.steps
    small = plain & np.isin(draft.street, [Street.FOOTWAY, Street.LIVING_STREET])
    stairs = _sample(small, 0.004, rng)
    footbridge = _sample(plain & (draft.street == Street.RESIDENTIAL) & ~stairs, 0.0015, rng)
    underpass = _sample(plain & np.isin(draft.street, [Street.TERTIARY, Street.RESIDENTIAL]) & ~footbridge, 0.0012, rng)
    steps = draft.steps | stairs | _sample(footbridge, 0.5, rng)
    street = np.where(footbridge, Street.FOOTWAY, draft.street)
    street = np.where(draft.steps | stairs, Street.STEPS, street)
    detailed = replace(
        draft,
        street=street,
        steps=steps,
        bridge=draft.bridge | footbridge,
        tunnel=draft.tunnel | underpass,
        frontage=draft.frontage & ~stairs & ~footbridge & ~underpass,
        name=np.where(footbridge | stairs, NO_NAME, draft.name),
    )
    return bend_straights(detailed, rng)


def draw_streets(
    spec: CitySpec,
    partition: Partition,
    seeds: Neighbourhoods,
    blocks: Blocks,
    tell: Callable[[str], None] = lambda text: None,
) -> tuple[Draft, list[str]]:
    """The finished network on the plane, and the named bridges for which no street was near enough."""
    tell("lattice")
    draft = lattice_streets(spec, partition, blocks)
    tell("stitch")
    draft = stitch_towns(spec, draft)
    tell("roads")
    draft = add_roads(spec, partition, seeds, draft)
    draft = add_trails(spec, partition, draft)
    draft = drop_wet(draft)
    tell("bridges")
    draft, left_out = add_named_bridges(spec, draft)
    tell("connect")
    draft = connect(spec, partition, draft)
    tell("details")
    return add_details(spec, merge_straights(spec, draft)), left_out


def line_points(draft: Draft) -> tuple[IntArray, FloatArray, FloatArray]:
    """Ragged lines from u to v over the middle point where there is one: ptr (m + 1), plane x, plane y."""
    has_mid = ~np.isnan(draft.mid_x)
    ptr = np.concatenate([[0], np.cumsum(2 + has_mid)])
    x, y = np.empty(ptr[-1]), np.empty(ptr[-1])
    first, last, middle = ptr[:-1], ptr[1:] - 1, ptr[:-1][has_mid] + 1
    x[first], y[first] = draft.x[draft.u], draft.y[draft.u]
    x[last], y[last] = draft.x[draft.v], draft.y[draft.v]
    x[middle], y[middle] = draft.mid_x[has_mid], draft.mid_y[has_mid]
    return ptr.astype(np.int64), x, y
