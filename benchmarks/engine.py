"""The walking engine on the seeded network, beside scipy, pandana and the practical floor."""

from __future__ import annotations

import os
from itertools import cycle
from typing import Any

import numpy as np
from scipy.sparse.csgraph import dijkstra

from app.geo.arrays import BoolArray, FloatArray
from app.geo.catchment import people_in_catchments
from app.geo.coverage import OnEdge
from app.geo.isochrone import people_within, reached_streets
from app.geo.network import limit_mm
from app.geo.outline import outlines
from app.geo.reach import ReachTable, masked_field, reach_table
from app.geo.search import Searcher
from app.geo.snapping import Places
from app.geo.whatif import AreaCoverage, Change, PieceIndex, area_coverage, changed
from benchmarks.peers import PANDANA_MISSING, has_pandana, pandana_network, scipy_graph, touch_every_target
from benchmarks.seeded import SeededCity
from benchmarks.timing import in_turn, measure, versus, within

SPEED_KMH = 4.8
QUARTER, HOUR = limit_mm(15, SPEED_KMH), limit_mm(60, SPEED_KMH)
BANDS = [limit_mm(minutes, SPEED_KMH) for minutes in (5, 10, 15)]
THREADS = 2


class Bench:
    """A seeded city with everything that is made once."""

    def __init__(self, city: SeededCity) -> None:
        self.city = city
        self.searcher = Searcher.of(city.network, step_free=False)
        self.leaves = city.area_of_leaf.shape[1]
        self.index = PieceIndex.of(city.frontage, city.network.edge_count, self.leaves)
        self.table: ReachTable = reach_table(self.searcher, city.stations, HOUR, threads=THREADS)
        self.all_open = np.ones(len(city.stations), dtype=np.bool_)

    def describe(self) -> dict[str, Any]:
        """What is measured on."""
        city = self.city
        return {
            "network": "seeded, synthetic",
            "nodes": city.network.node_count,
            "directed_edges": len(city.network.everywhere.links),
            "mean_edge_m": round(float(city.network.edge_mm.mean()) / 1e3, 1),
            "stations": len(city.stations),
            "population_cells": len(city.frontage.cells),
            "frontage_pieces": len(city.frontage.edge),
            "candidates": len(city.candidates),
            "areas": city.area_count,
            "cores": os.cpu_count(),
        }

    def run(self) -> dict[str, Any]:
        """All figures by name."""
        return {**self.nearest_for_all(), **self.coverage(), **self.many_reaches(), **self.one_reach()}

    # --- the nearest station of every node

    def nearest_for_all(self) -> dict[str, Any]:
        searcher, stations = self.searcher, self.city.stations
        adjacency, node_count = searcher.adjacency, searcher.node_count
        graph, sources = scipy_graph(adjacency), searcher.edge_u[stations.edge]
        values = np.zeros(node_count, dtype=np.int32)
        taken = in_turn(
            {
                "search": lambda: searcher.field_of(stations, QUARTER),
                "table": lambda: masked_field(self.table, self.all_open, node_count, QUARTER),
                "far": lambda: searcher.field_of(stations, HOUR),
                "floor": lambda: touch_every_target(adjacency.indptr, adjacency.links, values),
                "scipy": lambda: dijkstra(graph, indices=sources, limit=QUARTER, min_only=True),
                "scipy_which": lambda: dijkstra(
                    graph, indices=sources, limit=QUARTER, min_only=True, return_predecessors=True
                ),
                "scipy_far": lambda: dijkstra(graph, indices=sources, limit=HOUR, min_only=True),
            },
            runs=25,
        )
        search = taken["search"]
        return {
            "nearest_for_every_node_15_min": versus(search, taken["scipy"], "scipy dijkstra, min_only", at_least=4.0),
            "nearest_for_every_node_15_min_beside_labels": versus(
                search, taken["scipy_which"], "scipy dijkstra, min_only, with which station", at_least=4.0
            ),
            "nearest_for_every_node_15_min_beside_floor": versus(
                search, taken["floor"], "every edge's target touched once", at_most=2.0
            ),
            "nearest_for_every_node_15_min_beside_pandana": self._pandana(search),
            "nearest_for_every_node_15_min_from_table": versus(
                taken["table"], taken["scipy"], "scipy dijkstra, min_only"
            ),
            "nearest_for_every_node_60_min": versus(taken["far"], taken["scipy_far"], "scipy dijkstra, min_only"),
        }

    def _pandana(self, search: dict[str, float]) -> dict[str, Any]:
        if not has_pandana():
            return {**search, "peer": PANDANA_MISSING}
        peer, seconds = pandana_network(self.city.network, self.city.stations, QUARTER / 1e3)
        theirs = measure(lambda: peer.nearest_pois(QUARTER / 1e3, "stations", num_pois=1, include_poi_ids=True), runs=3)
        figure = versus(search, theirs, "pandana nearest_pois, with which station", at_least=100.0)
        return {**figure, "peer_build_s": round(seconds, 1)}

    # --- coverage

    def coverage(self) -> dict[str, Any]:
        base = self.coverage_of(self.all_open)
        rng = np.random.default_rng(1)
        masks = iter([rng.random(len(self.all_open)) < 0.5 for _ in range(100)])
        numbers = iter(rng.integers(0, len(self.all_open), 1000).tolist())
        new = iter(rng.integers(0, len(self.city.candidates), 1000).tolist())
        nowhere = self.city.candidates.take(np.zeros(0, dtype=np.int64))
        one = self.city.candidates.take
        return {
            "coverage_188_areas_from_a_search": within(measure(self._coverage_anew), 40.0),
            "coverage_188_areas_any_subset": within(measure(lambda: self.coverage_of(next(masks)), runs=25), 15.0),
            "coverage_188_areas_station_closed": within(
                measure(lambda: self._changed(base, Change([next(numbers)], nowhere)), runs=100), 5.0
            ),
            "coverage_188_areas_station_added": within(
                measure(lambda: self._changed(base, Change([], one(np.array([next(new)])))), runs=100), 5.0
            ),
            "coverage_188_areas_station_moved": within(
                measure(lambda: self._changed(base, Change([next(numbers)], one(np.array([next(new)])))), runs=100), 5.0
            ),
        }

    def coverage_of(self, mask: BoolArray) -> AreaCoverage:
        """From the reach table: any stations at any date."""
        field = masked_field(self.table, mask, self.searcher.node_count, QUARTER)
        stations = OnEdge.of(self.city.stations, mask)
        found = area_coverage(self.city.network, self.city.frontage, self.leaves, field, stations, QUARTER)
        self._all_areas(found.by_area)
        return found

    def _coverage_anew(self) -> None:
        field = self.searcher.field_of(self.city.stations, QUARTER)
        stations = OnEdge.of(self.city.stations, self.all_open)
        found = area_coverage(self.city.network, self.city.frontage, self.leaves, field, stations, QUARTER)
        self._all_areas(found.by_area)

    def _changed(self, base: AreaCoverage, change: Change) -> None:
        city = self.city
        found = changed(
            base, city.network, self.searcher, city.frontage, self.index, self.table, city.stations, self.all_open,
            change,
        )  # fmt: skip
        self._all_areas(found.by_area)

    def _all_areas(self, by_leaf: FloatArray) -> FloatArray:
        """Towns, districts and the city."""
        sums = np.zeros(self.city.area_count)
        for areas in self.city.area_of_leaf:
            np.add.at(sums, areas, by_leaf)
        return sums

    # --- searches, many and one

    def many_reaches(self) -> dict[str, Any]:
        city, searcher = self.city, self.searcher
        graph = scipy_graph(searcher.adjacency)
        some = searcher.edge_u[city.stations.edge[:10]]
        ours = measure(lambda: reach_table(searcher, city.stations, HOUR, threads=THREADS), runs=5)
        ten = measure(lambda: [dijkstra(graph, indices=int(k), limit=HOUR) for k in some], runs=3)
        scipy = {**ten, "median_ms": ten["median_ms"] * len(city.stations) / len(some)}
        candidates = measure(
            lambda: people_in_catchments(
                searcher, city.frontage, self.index.edge_ptr, city.frontage.people, city.candidates, QUARTER,
                threads=THREADS,
            ),
            runs=5,
        )  # fmt: skip
        return {
            "reach_table_350_stations_60_min": versus(ours, scipy, "scipy dijkstra, 10 searches scaled up", 1_500.0),
            "people_around_5000_candidates_15_min": within(candidates, 500.0),
        }

    def one_reach(self) -> dict[str, Any]:
        city, searcher = self.city, self.searcher
        graph, edge_u = scipy_graph(searcher.adjacency), searcher.edge_u
        places = [city.candidates.take(np.array([k])) for k in range(min(400, len(city.candidates)))]
        asked, peer_asked, drawn = cycle(places), cycle(places), cycle(places)
        taken = in_turn(
            {
                "ours": lambda: searcher.reach_of(next(asked), QUARTER),
                "scipy": lambda: dijkstra(graph, indices=int(edge_u[next(peer_asked).edge[0]]), limit=QUARTER),
            },
            runs=300,
        )
        return {
            "reach_15_min_of_any_place": versus(taken["ours"], taken["scipy"], "scipy dijkstra", 0.1),
            "isochrone_three_bands_with_outlines_and_people": within(
                measure(lambda: self._isochrone(next(drawn)), runs=300, warmup=10), 4.0
            ),
        }

    def _isochrone(self, place: Places) -> None:
        city = self.city
        streets = reached_streets(city.network, self.searcher, place, BANDS[-1])
        people_within(city.network, city.frontage, streets, BANDS)
        outlines(city.network, city.grid, streets, BANDS)
