"""The network that the engine is measured on: generated from a seed, of any size, the same on every machine.

A city of blocks about 100 m wide: streets at right angles, a tenth of them missing, bends between corners, five rivers
with a bridge every two kilometres. With 600,000 nodes it has 1.6 million directed edges of 62 m in the mean, like the
central districts of a large city. People live in the most central 60,000 cells (H3 resolution 10); 176 towns, 11
districts and the city are rectangles. Nothing of it says anything about a real place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from app.geo.arrays import FloatArray, IntArray
from app.geo.frontage import Frontage, LeafAreas, build_frontage
from app.geo.geodesy import distances_m, metres_per_degree
from app.geo.hexgrid import cell_centres, cells_of
from app.geo.network import StreetRows, WalkNetwork, build_network
from app.geo.snapping import Places, SegmentGrid, build_grid, snap

SEED = 20_261_124
NODES = 612_000
STATIONS, CANDIDATES, CELLS = 350, 5_000, 60_000
TOWNS = (16, 11)  # columns, rows: a row of towns is a district
RESOLUTION = 10
BLOCK_M = 104.0
JITTER = 0.18
KEPT = 0.9
BENT = 0.66
RIVERS, BRIDGE_EVERY = 5, 20
WEST, SOUTH = 113.0, 22.8
LIMIT_M = 500.0
MIN_COMPONENT_M = 1_000.0


@dataclass(frozen=True)
class SeededCity:
    """A network with people, stations and candidates. ``area_of_leaf`` (3 levels × towns) numbers all 188 areas."""

    network: WalkNetwork
    grid: SegmentGrid
    frontage: Frontage
    stations: Places
    candidates: Places
    area_of_leaf: IntArray
    area_count: int


def streets(node_count: int = NODES, seed: int = SEED) -> StreetRows:
    """Rows of about ``node_count`` nodes."""
    rng = np.random.default_rng(seed)
    side = round(np.sqrt(node_count / (1 + 2 * KEPT * BENT)))
    kx, ky = (float(k) for k in metres_per_degree(SOUTH))
    column, row = np.meshgrid(np.arange(side), np.arange(side))
    x = (column + rng.uniform(-JITTER, JITTER, column.shape)).ravel() * BLOCK_M
    y = (row + rng.uniform(-JITTER, JITTER, row.shape)).ravel() * BLOCK_M
    u, v = _blocks(side, rng)
    bent = rng.random(len(u)) < BENT
    share = rng.uniform(0.35, 0.65, bent.sum())
    aside = rng.uniform(-0.08, 0.08, bent.sum())
    ub, vb = u[bent], v[bent]
    dx, dy = x[vb] - x[ub], y[vb] - y[ub]
    middle = np.arange(len(ub)) + side * side
    x = np.concatenate([x, x[ub] + share * dx - aside * dy])
    y = np.concatenate([y, y[ub] + share * dy + aside * dx])
    source = np.concatenate([u[~bent], ub, middle])
    target = np.concatenate([v[~bent], middle, vb])
    return _rows(WEST + x / kx, SOUTH + y / ky, source, target)


def _blocks(side: int, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Streets between neighbouring corners; rivers run north to south between two columns."""
    number = np.arange(side * side).reshape(side, side)
    across, along = (number[:, :-1], number[:, 1:]), (number[:-1, :], number[1:, :])
    kept_across = rng.random(across[0].shape) < KEPT
    kept_along = rng.random(along[0].shape) < KEPT
    banks = ((np.arange(RIVERS) + 0.5) * side / RIVERS).astype(np.int64)
    for bank in np.minimum(banks, side - 2):
        kept_across[:, bank] = np.arange(side) % BRIDGE_EVERY == BRIDGE_EVERY // 2
    u = np.concatenate([across[0][kept_across], along[0][kept_along]])
    v = np.concatenate([across[1][kept_across], along[1][kept_along]])
    return u, v


def _rows(lng: FloatArray, lat: FloatArray, source: IntArray, target: IntArray) -> StreetRows:
    n, m = len(lng), len(source)
    none, every = np.zeros(m, dtype=np.bool_), np.ones(m, dtype=np.bool_)
    ends = np.column_stack([source, target]).ravel()
    return StreetRows(
        node_id=np.arange(n, dtype=np.int64), node_lng=lng, node_lat=lat, edge_id=np.arange(m, dtype=np.int64),
        source=source, target=target, length_m=distances_m(lng[source], lat[source], lng[target], lat[target]),
        way_id=np.full(m, -1, dtype=np.int64), highway=["residential"] * m, name=[None] * m, has_steps=none,
        is_bridge=none, is_tunnel=none, has_frontage=every, geom_ptr=2 * np.arange(m + 1, dtype=np.int64),
        geom_lng=lng[ends], geom_lat=lat[ends],
    )  # fmt: skip


def city(node_count: int = NODES, seed: int = SEED) -> SeededCity:
    """The whole of it; stations, candidates and cells grow with the number of nodes."""
    rng = np.random.default_rng(seed + 1)
    network = build_network(streets(node_count, seed), MIN_COMPONENT_M)
    grid = build_grid(network)
    scale = node_count / NODES
    west, south = float(network.node_lng.min()), float(network.node_lat.min())
    east, north = float(network.node_lng.max()), float(network.node_lat.max())
    cells, people = _people(network, round(CELLS * scale), rng)
    columns, rows = TOWNS
    xs, ys = np.linspace(west - 0.01, east + 0.01, columns + 1), np.linspace(south - 0.01, north + 0.01, rows + 1)
    towns = [shapely.box(xs[i], ys[j], xs[i + 1], ys[j + 1]) for j in range(rows) for i in range(columns)]
    leaf = np.arange(columns * rows)
    frontage = build_frontage(network, grid, cells, people, LeafAreas(towns), LIMIT_M)

    def places(count: int) -> Places:
        chosen = rng.choice(len(cells), count, p=people / people.sum())
        lng, lat = cell_centres(cells[chosen])
        shift = rng.normal(0.0, 2e-4, (2, count))
        return snap(network, grid, network.everywhere.usable, lng + shift[0], lat + shift[1], LIMIT_M)

    return SeededCity(
        network=network, grid=grid, frontage=frontage, stations=places(round(STATIONS * scale)),
        candidates=places(round(CANDIDATES * scale)),
        area_of_leaf=np.stack([leaf, len(leaf) + leaf // columns, np.full(len(leaf), len(leaf) + rows)]),
        area_count=len(leaf) + rows + 1,
    )  # fmt: skip


def _people(network: WalkNetwork, count: int, rng: np.random.Generator) -> tuple[IntArray, FloatArray]:
    """The cells nearest to four centres, with people that thin out from there."""
    cells = np.unique(cells_of(network.node_lng, network.node_lat, RESOLUTION))
    lng, lat = cell_centres(cells)
    x = (lng - lng.min()) / np.ptp(lng)
    y = (lat - lat.min()) / np.ptp(lat)
    centres = ((0.5, 0.5), (0.25, 0.3), (0.75, 0.35), (0.55, 0.8))
    far = np.min([np.hypot(x - a, y - b) for a, b in centres], axis=0)
    chosen = np.sort(np.argsort(far, kind="stable")[:count])
    people = np.round(400.0 * np.exp(-far[chosen] / 0.08) * rng.gamma(2.0, 0.5, len(chosen))) + 1.0
    return cells[chosen], people
