"""The walking engine in this process, beside scipy on the same network."""

from __future__ import annotations

import os
from datetime import date
from typing import Any

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import dijkstra

from app.geo.coverage import OnEdge, curve_by_area
from app.geo.network import limit_mm
from app.geo.reach import masked_field, reach_table
from app.geo.search import Searcher
from app.models.vocabularies import AreaLevel
from app.services.area_table import apportion
from app.services.coverage import CoverageQuery, coverage_rows
from app.services.nearest import NearestQuery, find_nearest
from app.services.positions import Position, read_position
from app.services.profiles import resolve_profile
from app.services.snapshot import Snapshot
from benchmarks.timing import measure, versus, within

SEED = 7
SPEED_KMH = 4.8


def describe(snapshot: Snapshot) -> dict[str, Any]:
    """What is measured on."""
    network = snapshot.network
    return {
        "nodes": network.node_count,
        "directed_edges": len(network.everywhere.links),
        "stations_open": int(snapshot.open_mask(_day()).sum()),
        "frontage_pieces": len(snapshot.frontage.edge),
        "population_cells": len(snapshot.frontage.cells),
        "areas": len(snapshot.areas.areas),
        "synthetic": any(d.synthetic for d in snapshot.stations.datasets),
        "cores": os.cpu_count(),
    }


def run(snapshot: Snapshot) -> dict[str, Any]:
    """All in-process figures by name."""
    network, mask = snapshot.network, snapshot.open_mask(_day())
    searcher, places, table = snapshot.variant(step_free=False)
    open_places = places.take(np.flatnonzero(mask))
    quarter, hour = limit_mm(15, SPEED_KMH), limit_mm(60, SPEED_KMH)
    graph, source = _scipy_graph(searcher, open_places)
    scipy_15 = measure(lambda: dijkstra(graph, indices=source, limit=quarter), runs=5)
    return {
        "nearest_station_of_every_node_15_min": versus(
            measure(lambda: searcher.field_of(open_places, quarter)), scipy_15, "scipy dijkstra, super-source"
        ),
        "nearest_station_of_every_node_15_min_from_table": versus(
            measure(lambda: masked_field(table, mask, network.node_count, quarter)), scipy_15,
            "scipy dijkstra, super-source",
        ),
        "coverage_pass": within(measure(lambda: _coverage_pass(snapshot)), 100.0),
        "reach_table_60_min": versus(
            measure(lambda: reach_table(searcher, places, hour), runs=3),
            _scipy_table(graph, source, searcher, places, hour),
            "scipy dijkstra, one search a station", 5_000.0,
        ),
        "nearest_lookup": within(_nearest(snapshot), 1.0),
    }  # fmt: skip


def positions(snapshot: Snapshot, count: int) -> list[Position]:
    """Positions where people live."""
    frontage, network = snapshot.frontage, snapshot.network
    rng = np.random.default_rng(SEED)
    piece = rng.choice(len(frontage.edge), count, p=frontage.people / frontage.people.sum())
    at = network.geom_ptr[frontage.edge[piece]]
    lng = network.geom_lng[at] + rng.normal(0, 2e-4, count)
    lat = network.geom_lat[at] + rng.normal(0, 2e-4, count)
    return [read_position(x, y, "wgs84") for x, y in zip(lng.tolist(), lat.tolist(), strict=True)]


def _day() -> date:
    return date(2026, 11, 20)


def _coverage_pass(snapshot: Snapshot) -> None:
    """Nearest station of every node, frontage, all areas: nothing taken from a cache."""
    query = CoverageQuery(resolve_profile(), _day())
    network, frontage = snapshot.network, snapshot.frontage
    mask = snapshot.stations.table.open_on(_day())
    _, places, table = snapshot.variant(step_free=False)
    field = masked_field(table, mask, network.node_count, query.limit_mm)
    limits = np.array([query.limit_mm], dtype=np.int64)
    curve = curve_by_area(
        frontage, len(snapshot.areas.leaf_codes), network.edge_u, network.edge_v, network.edge_mm, field.length_mm,
        OnEdge.of(places, mask), limits,
    )  # fmt: skip
    covered = apportion(curve[:, 0], round(float(curve[:, 0].sum())))
    snapshot.areas.sum_leaves([area.code for area in snapshot.areas.areas], covered)


def table_of_figures(snapshot: Snapshot) -> int:
    """The coverage by town as it is answered, for a check that the figures are there."""
    areas = snapshot.areas.of_level(AreaLevel.CITY)
    return coverage_rows(snapshot, CoverageQuery(resolve_profile(), _day()), areas)[0].covered


def _nearest(snapshot: Snapshot) -> dict[str, float]:
    where = iter(positions(snapshot, 1_100))
    query = NearestQuery(resolve_profile(), _day())
    return measure(lambda: find_nearest(snapshot, next(where), query), runs=1_000, warmup=50)


def _scipy_graph(searcher: Searcher, places: Any) -> tuple[csr_matrix, int]:
    """The same network as scipy takes it, with one more node that is joined to all stations."""
    adjacency, n = searcher.adjacency, searcher.node_count
    row = np.repeat(np.arange(n), np.diff(adjacency.indptr))
    edge = places.edge
    ends = np.concatenate([searcher.edge_u[edge], searcher.edge_v[edge]])
    ways = np.concatenate([places.leg_mm + places.offset_mm, places.leg_mm + searcher.edge_mm[edge] - places.offset_mm])
    a = np.concatenate([row, np.full(len(ends), n)])
    b = np.concatenate([adjacency.links[:, 0], ends])
    w = np.concatenate([adjacency.links[:, 1], np.maximum(ways, 1)]).astype(np.float64)
    order = np.lexsort((w, b, a))
    a, b, w = a[order], b[order], w[order]
    first = np.concatenate([[True], (a[1:] != a[:-1]) | (b[1:] != b[:-1])])  # of parallel edges the shortest
    return coo_matrix((w[first], (a[first], b[first])), shape=(n + 1, n + 1)).tocsr(), n


def _scipy_table(graph: csr_matrix, source: int, searcher: Searcher, places: Any, limit: int) -> dict[str, float]:
    """Ten searches, scaled to all stations: a dense matrix of all would not fit."""
    some = searcher.edge_u[places.edge[:10]]
    network = graph[:source, :source]
    figure = measure(lambda: [dijkstra(network, indices=int(k), limit=limit) for k in some], runs=3)
    return {**figure, "median_ms": figure["median_ms"] * len(places) / max(len(some), 1)}
