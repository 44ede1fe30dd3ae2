"""Time and memory as the network grows: one process a size, so that each one's memory is its own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from app.settings import PROJECT_ROOT

SIZES = (100_000, 300_000, 600_000, 1_200_000)
LINEAR = 1.15  # the exponent up to which growth counts as linear: small networks fit into caches and recycled memory
FIGURES = {  # against what each should grow in step: the network, or what is found (at the rim of a small one less is)
    "field_15_min_ms": "nodes",
    "coverage_ms": "nodes",
    "reach_table_60_min_ms": "reach_entries",
    "arrays_mib": "nodes",
}
PEERS = {"scipy_15_min_ms": "nodes", "floor_ms": "nodes"}  # what the machine's caches do to others


def table() -> list[dict[str, Any]]:
    """A row a size; stations, candidates and cells grow with the network."""
    rows = []
    for size in SIZES:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.scaling", str(size)],
            cwd=PROJECT_ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        rows.append(json.loads(done.stdout))
    return rows


def growth(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The exponent by which each figure grows with its measure, fitted over all sizes: 1 is linear, less is better."""
    import numpy as np

    exponents = {
        name: round(float(np.polyfit(np.log([r[by] for r in rows]), np.log([r[name] for r in rows]), 1)[0]), 3)
        for name, by in {**FIGURES, **PEERS}.items()
        if all(name in row for row in rows)
    }
    kept = {name: exponents[name] <= LINEAR for name in FIGURES}
    return {"exponents": exponents, "linear_up_to": LINEAR, "linear": kept, "kept": all(kept.values())}


def one(size: int) -> dict[str, Any]:
    """Measured in this process."""
    from dataclasses import fields, is_dataclass

    import numpy as np
    from scipy.sparse.csgraph import dijkstra

    from app.geo.reach import reach_table
    from benchmarks import seeded
    from benchmarks.engine import HOUR, QUARTER, THREADS, Bench
    from benchmarks.peers import scipy_graph, touch_every_target
    from benchmarks.timing import measure

    def held(part: Any) -> int:
        if is_dataclass(part):
            return sum(held(getattr(part, f.name)) for f in fields(part))
        return part.nbytes if isinstance(part, np.ndarray) else 0

    bench = Bench(seeded.city(size))
    city, searcher = bench.city, bench.searcher
    graph, values = scipy_graph(searcher.adjacency), np.zeros(searcher.node_count, dtype=np.int32)
    arrays = held(city.network) + held(city.grid) + held(city.frontage) + held(bench.table)
    return {
        "nodes": city.network.node_count,
        "directed_edges": len(city.network.everywhere.links),
        "stations": len(city.stations),
        "cells": len(city.frontage.cells),
        "reach_entries": len(bench.table.node),
        "field_15_min_ms": measure(lambda: searcher.field_of(city.stations, QUARTER), runs=15)["min_ms"],
        "coverage_ms": measure(lambda: bench.coverage_of(bench.all_open), runs=15)["min_ms"],
        "reach_table_60_min_ms": measure(
            lambda: reach_table(searcher, city.stations, HOUR, threads=THREADS), runs=7
        )["min_ms"],
        "arrays_mib": round(arrays / 2**20, 1),
        "scipy_15_min_ms": measure(
            lambda: dijkstra(graph, indices=searcher.edge_u[city.stations.edge], limit=QUARTER, min_only=True), runs=7
        )["min_ms"],
        "floor_ms": measure(
            lambda: touch_every_target(searcher.adjacency.indptr, searcher.adjacency.links, values), runs=7
        )["min_ms"],
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(one(int(sys.argv[1]))))
