"""Answers of the demonstration city in this process."""

from __future__ import annotations

import os
from datetime import date
from typing import Any
from urllib.parse import urlencode

import numpy as np

from app.geo.coverage import OnEdge, curve_by_area
from app.geo.reach import masked_field
from app.services.area_table import apportion
from app.services.coverage import CoverageQuery
from app.services.isochrones import DEFAULT_MINUTES, isochrones_of_position
from app.services.nearest import NearestQuery, find_nearest
from app.services.positions import Position, read_position
from app.services.profiles import resolve_profile
from app.services.snapshot import Snapshot
from benchmarks.timing import measure, within

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
    """Answers in this process, nothing taken from a cache."""
    return {
        "coverage_pass": within(measure(lambda: _coverage_pass(snapshot)), 40.0),
        "nearest_lookup": within(_nearest(snapshot), 1.0),
        "isochrone_three_bands": within(_isochrones(snapshot), 4.0),
    }


def positions(snapshot: Snapshot, count: int) -> list[Position]:
    """Positions where people live."""
    frontage, network = snapshot.frontage, snapshot.network
    rng = np.random.default_rng(SEED)
    piece = rng.choice(len(frontage.edge), count, p=frontage.people / frontage.people.sum())
    at = network.geom_ptr[frontage.edge[piece]]
    lng = network.geom_lng[at] + rng.normal(0, 2e-4, count)
    lat = network.geom_lat[at] + rng.normal(0, 2e-4, count)
    return [read_position(x, y, "wgs84") for x, y in zip(lng.tolist(), lat.tolist(), strict=True)]


def targets(snapshot: Snapshot) -> list[str]:
    """Paths of every kind of question, 250 in all."""
    made = []
    for k, where in enumerate(positions(snapshot, 230)):
        query = urlencode({"lng": f"{where.lng:.6f}", "lat": f"{where.lat:.6f}", "crs": "wgs84"})
        made.append(f"/v1/{'isochrones' if k % 10 == 0 else 'stations/nearest'}?{query}")
    for minutes in range(6, 16):
        made += [f"/v1/coverage?level=town&minutes={minutes}", f"/v1/coverage/gaps?minutes={minutes}&limit=5"]
    return made


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


def _nearest(snapshot: Snapshot) -> dict[str, float]:
    where = iter(positions(snapshot, 1_100))
    query = NearestQuery(resolve_profile(), _day())
    return measure(lambda: find_nearest(snapshot, next(where), query), runs=1_000, warmup=50)


def _isochrones(snapshot: Snapshot) -> dict[str, float]:
    where, profile = iter(positions(snapshot, 220)), resolve_profile()
    return measure(
        lambda: isochrones_of_position(snapshot, next(where), DEFAULT_MINUTES, profile, hexes=False),
        runs=200, warmup=10,
    )  # fmt: skip
