"""Walking times the plain way, for comparison: every OSM node a vertex, scipy's Dijkstra, points at their nearest node.

Nothing of the project is used: other reading of the file, other rules (simpler), other graph, other search.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import osmium
from pyproj import Geod
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

CLOSED = {
    "motorway", "motorway_link", "trunk", "trunk_link", "construction", "proposed", "planned", "abandoned", "disused",
    "razed", "rest_area", "services", "no", "raceway", "bus_guideway", "busway", "escape",
}  # fmt: skip


@dataclass
class PlainStreets:
    """A graph of OSM nodes (metres), and where they lie."""

    graph: csr_matrix
    ids: np.ndarray  # OSM node ids, ascending
    lng: np.ndarray
    lat: np.ndarray
    main: np.ndarray  # node is in the largest connected part

    def nearest(self, lng: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Nearest node of the largest part, and metres to it."""
        nodes = np.flatnonzero(self.main)
        scale = np.cos(np.radians(self.lat.mean()))
        tree = cKDTree(np.column_stack([self.lng[nodes] * scale, self.lat[nodes]]))
        near = nodes[tree.query(np.column_stack([lng * scale, lat]))[1]]
        return near, Geod(ellps="WGS84").inv(lng, lat, self.lng[near], self.lat[near])[2]

    def metres(self, sources: np.ndarray, *, nearest_only: bool) -> np.ndarray:
        found: np.ndarray = dijkstra(self.graph, directed=False, indices=sources, min_only=nearest_only)
        return found


def read(path: Path) -> PlainStreets:
    """Every way with a highway tag that is not closed to walkers by its class, foot or access tag."""
    pairs: list[tuple[int, int]] = []
    place: dict[int, tuple[float, float]] = {}
    for way in osmium.FileProcessor(str(path)).with_locations():
        if not isinstance(way, osmium.osm.Way):
            continue
        tags = way.tags
        foot, access = tags.get("foot"), tags.get("access")
        if "highway" not in tags or foot in ("no", "private", "use_sidepath"):
            continue
        allowed = foot in ("yes", "designated", "permissive") or tags.get("sidewalk") in (
            "yes",
            "both",
            "left",
            "right",
        )
        if not allowed and (tags["highway"] in CLOSED or access in ("no", "private")):
            continue
        nodes = [n for n in way.nodes if n.location.valid()]
        for n in nodes:
            place[n.ref] = (n.location.lon, n.location.lat)
        pairs += [(a.ref, b.ref) for a, b in pairwise(nodes) if a.ref != b.ref]
    ids = np.array(sorted(place))
    lng, lat = np.array([place[i] for i in ids.tolist()]).T
    a, b = (np.searchsorted(ids, column) for column in np.array(sorted({tuple(sorted(p)) for p in pairs})).T)
    metres = np.maximum(Geod(ellps="WGS84").inv(lng[a], lat[a], lng[b], lat[b])[2], 1e-6)
    graph = csr_matrix((metres, (a, b)), shape=(len(ids), len(ids)))
    label = connected_components(graph, directed=False)[1]
    return PlainStreets(graph, ids, lng, lat, label == np.bincount(label).argmax())
