"""Slow and plain: what the geography must agree with. Knows nothing of the kernels."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

import numpy as np

from app.geo.arrays import FloatArray, IntArray
from app.geo.network import STEPS, WalkNetwork
from app.geo.snapping import Places

Vertex = Hashable


@dataclass
class Graph:
    """An undirected graph with lengths; shortest ways by a heap (Dijkstra 1959)."""

    ways: dict[Vertex, list[tuple[Vertex, int]]] = field(default_factory=lambda: defaultdict(list))

    def join(self, a: Vertex, b: Vertex, mm: int) -> None:
        self.ways[a].append((b, mm))
        self.ways[b].append((a, mm))

    def lengths(self, sources: Iterable[Vertex]) -> dict[Vertex, int]:
        """The length from the nearest of the sources to every vertex that can be reached."""
        done: dict[Vertex, int] = {}
        waiting = [(0, k, s) for k, s in enumerate(sources)]
        number = len(waiting)
        while waiting:
            mm, _, vertex = heapq.heappop(waiting)
            if vertex in done:
                continue
            done[vertex] = mm
            for other, way in self.ways[vertex]:
                if other not in done:
                    number += 1
                    heapq.heappush(waiting, (mm + way, number, other))
        return done


def graph_with(
    network: WalkNetwork, points: dict[Vertex, tuple[int, int, int]], *, step_free: bool = False
) -> Graph:  # fmt: skip
    """The network with points put in as vertices of their own: vertex -> (edge, offset_mm, leg_mm).

    Nodes are the numbers 0, 1, …; edges are cut at every point on them and the point hangs on the cut by its leg.
    """
    graph = Graph()
    on_edge: dict[int, list[tuple[int, Vertex, int]]] = defaultdict(list)
    for vertex, (edge, offset, leg) in points.items():
        if edge >= 0:
            on_edge[edge].append((offset, vertex, leg))
    for edge in range(network.edge_count):
        if step_free and network.edge_flags[edge] & STEPS:
            continue
        last: Vertex = int(network.edge_u[edge])
        done = 0
        for offset, vertex, leg in sorted(on_edge[edge], key=lambda item: item[0]):
            foot = ("foot", vertex)
            graph.join(last, foot, offset - done)
            graph.join(foot, vertex, leg)
            last, done = foot, offset
        graph.join(last, int(network.edge_v[edge]), int(network.edge_mm[edge]) - done)
    return graph


def place_points(places: Places) -> dict[Vertex, tuple[int, int, int]]:
    """Places as points of ``graph_with``: vertex ("place", k)."""
    return {
        ("place", k): (int(places.edge[k]), int(places.offset_mm[k]), int(places.leg_mm[k]))
        for k in range(len(places))
    }  # fmt: skip


def lengths_from_places(
    network: WalkNetwork, places: Places, *, step_free: bool = False
) -> list[dict[Vertex, int]]:  # fmt: skip
    """For every place the length to every node in reach; empty where the place has no street."""
    graph = graph_with(network, place_points(places), step_free=step_free)
    return [
        {v: mm for v, mm in graph.lengths([("place", k)]).items() if isinstance(v, int)} if places.edge[k] >= 0 else {}
        for k in range(len(places))
    ]


@dataclass(frozen=True)
class Samples:
    """Points at the middle of stretches of at most a metre, and the length from the nearest place (inf: none)."""

    edge: IntArray
    offset_mm: IntArray
    stretch_mm: FloatArray
    length_mm: FloatArray


def sampled(network: WalkNetwork, places: Places, *, step_mm: int = 1000, step_free: bool = False) -> Samples:
    """Every edge sampled: all samples are vertices of one graph, and one search finds all lengths."""
    points = place_points(places)
    rows = []
    for edge in range(network.edge_count):
        total = int(network.edge_mm[edge])
        count = -(-total // step_mm)
        for k in range(count):
            a, b = total * k // count, total * (k + 1) // count
            rows.append((edge, (a + b) // 2, b - a))
            points["sample", edge, k] = (edge, (a + b) // 2, 0)
    found = graph_with(network, points, step_free=step_free).lengths(
        [("place", k) for k in range(len(places)) if places.edge[k] >= 0]
    )
    names = [v for v in points if isinstance(v, tuple) and v[0] == "sample"]
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Samples(
        table[:, 0], table[:, 1], table[:, 2].astype(np.float64), np.array([found.get(v, np.inf) for v in names])
    )  # fmt: skip


def along_edge(network: WalkNetwork, edge: int, mm: FloatArray) -> tuple[FloatArray, FloatArray]:
    """``lng, lat`` of points along an edge."""
    part = slice(network.geom_ptr[edge], network.geom_ptr[edge + 1])
    at, lng, lat = (a[part] for a in (network.geom_mm, network.geom_lng, network.geom_lat))
    return np.interp(mm, at, lng), np.interp(mm, at, lat)
