"""All origins of a point on a street, read from the reach table in plain Python: what the lookup's kernel must find."""

from __future__ import annotations

import numpy as np

from app.geo.arrays import IntArray
from app.geo.reach import ReachTable, on_edge_mm
from app.geo.search import UNREACHED
from app.geo.snapping import Places


def nearest_of(
    table: ReachTable, places: Places, edges: tuple[int, int, int], offset_mm: int, leg_mm: int, edge: int
) -> tuple[IntArray, IntArray]:
    """All origins within the table's limit of a point on an edge, nearest first, and the lengths in mm.

    The point lies ``offset_mm`` along ``edge`` and ``leg_mm`` beside it; ``edges`` is (u, v, length_mm) of that edge.
    Origins on the same edge are reached along it. ``places`` are the origins' own places.
    """
    u, v, total = edges
    best: dict[int, int] = {}
    for node, rest in ((u, offset_mm), (v, total - offset_mm)):
        part = slice(table.node_ptr[node], table.node_ptr[node + 1])
        for origin, mm in zip(table.origin_at[part].tolist(), table.mm_at[part].tolist(), strict=True):
            way = mm + rest + leg_mm
            if way < best.get(origin, UNREACHED):
                best[origin] = way
    for origin in np.flatnonzero(places.edge == edge).tolist():
        way = on_edge_mm(places, origin, offset_mm) + leg_mm
        if way < best.get(origin, UNREACHED):
            best[origin] = way
    # beyond the limit the table does not know every way, so a length there might not be the shortest
    ranked = sorted(
        ((origin, way) for origin, way in best.items() if way <= table.limit_mm), key=lambda pair: (pair[1], pair[0])
    )
    found: IntArray = np.array(ranked, dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]
