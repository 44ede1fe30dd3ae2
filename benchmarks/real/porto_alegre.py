"""Porto Alegre: 15 places as stations, people by hexagon; who is covered, here and computed the plain ways."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from app.geo.arrays import FloatArray, IntArray
from app.geo.coverage import OnEdge, covered_by_cell
from app.geo.frontage import Frontage, LeafAreas, build_frontage
from app.geo.hexgrid import cell_centres, from_text
from app.geo.network import StreetRows, WalkNetwork, build_network, limit_mm
from app.geo.search import MAX_LIMIT_MM, Searcher
from app.geo.snapping import Places, build_grid, snap
from app.ingest.osm import read_osm
from benchmarks.real import plain
from benchmarks.real.plain import PlainStreets

SPEED_KMH = 4.8
MINUTES = (5, 10, 15, 30)
MIN_COMPONENT_M, SNAP_LIMIT_M, LINK_LIMIT_M = 1_000.0, 500.0, 500.0  # the service's own


@dataclass(frozen=True)
class Town:
    """Streets, people and stations. ``cells`` are H3 cells, ascending; ``stations`` are places on our streets."""

    rows: StreetRows
    network: WalkNetwork
    frontage: Frontage
    cells: IntArray
    people: FloatArray
    station_lng: FloatArray
    station_lat: FloatArray
    stations: Places
    plain: PlainStreets


@dataclass(frozen=True)
class PlainLengths:
    """Walks of at most an hour from the 15 street corners nearest to the stations, to every corner both graphs have.

    Ours less the plain graph's, in metres; positive where we walk farther.
    """

    walks: int
    within_1_m: float
    median_m: float
    p95_absolute_m: float
    p99_absolute_m: float


@dataclass(frozen=True)
class AtNodes:
    """People and stations put onto their nearest nodes (in degrees, as pandana does it); nodes by their number."""

    usable: IntArray  # nodes of parts that matter
    home: IntArray
    station: IntArray


def load(folder: Path) -> Town:
    """The bundle, read by our importers' readers and by the plain one."""
    rows, _ = read_osm(folder / "poa_osm.pbf", None, 0.0)
    network = build_network(rows, MIN_COMPONENT_M)
    with (folder / "poa_hexgrid.csv").open() as file:
        people = {from_text(row["id"]): float(row["population"]) for row in csv.DictReader(file)}
    with (folder / "poa_points_of_interest.csv").open() as file:
        lng, lat = np.array([(float(row["lon"]), float(row["lat"])) for row in csv.DictReader(file)]).T
    cells = np.array(sorted(people), dtype=np.int64)
    count = np.array([people[cell] for cell in cells.tolist()])
    grid = build_grid(network)
    return Town(
        rows=rows,
        network=network,
        frontage=build_frontage(network, grid, cells, count, LeafAreas([]), LINK_LIMIT_M),
        cells=cells,
        people=count,
        station_lng=lng,
        station_lat=lat,
        stations=snap(network, grid, network.everywhere.usable, lng, lat, SNAP_LIMIT_M),
        plain=plain.read(folder / "poa_osm.pbf"),
    )


def coverage(town: Town) -> dict[str, Any]:
    """People covered at each limit: along streets (ours), plain, and with people and stations at their nodes."""
    at = at_nodes(town)
    nearest_node_mm = node_lengths(town, at.station).min(axis=0)[at.home]
    plain_m = _plain_walks(town)
    found: dict[str, Any] = {"people": round(float(town.people.sum()))}
    for minutes in MINUTES:
        limit = limit_mm(minutes, SPEED_KMH)
        found[f"{minutes}_min"] = {
            "ours": round(_covered(town, limit)),
            "plain": round(float(town.people[plain_m <= limit / 1e3].sum())),
            "at_nodes": round(float(town.people[nearest_node_mm <= limit].sum())),
        }
    return found


def _covered(town: Town, limit: int) -> float:
    network, places = town.network, town.stations
    field = Searcher.of(network, step_free=False).field_of(places, limit)
    on_edge = OnEdge.of(places, np.ones(len(places), dtype=np.bool_))
    return float(
        covered_by_cell(
            town.frontage, network.edge_u, network.edge_v, network.edge_mm, field.length_mm, on_edge, limit
        ).sum()
    )


def _plain_walks(town: Town) -> FloatArray:
    """Metres from every cell's centre to the nearest station, from street corner to street corner; inf: no street."""
    streets = town.plain
    station, station_gap = streets.nearest(town.station_lng, town.station_lat)
    home, home_gap = streets.nearest(*cell_centres(town.cells))
    walks = streets.metres(station, nearest_only=False)[:, home] + station_gap[:, None]
    best: FloatArray = walks.min(axis=0) + home_gap
    return np.where(home_gap <= LINK_LIMIT_M, best, np.inf)


def at_nodes(town: Town) -> AtNodes:
    """The nearest node, on a map in degrees, of every cell's centre and every station."""
    network = town.network
    edge = np.flatnonzero(network.everywhere.usable)
    usable = np.unique(np.concatenate([network.edge_u[edge], network.edge_v[edge]])).astype(np.int64)
    tree = cKDTree(np.column_stack([network.node_lng[usable], network.node_lat[usable]]))

    def nearest(lng: FloatArray, lat: FloatArray) -> IntArray:
        found: IntArray = usable[tree.query(np.column_stack([lng, lat]))[1]]
        return found

    return AtNodes(usable, nearest(*cell_centres(town.cells)), nearest(town.station_lng, town.station_lat))


def node_lengths(town: Town, sources: IntArray) -> IntArray:
    """Millimetres from every source node to every node (sources × nodes), by our kernel."""
    searcher = Searcher.of(town.network, step_free=False)
    return np.array(
        [searcher.field_of(_at_node(town.network, node), MAX_LIMIT_MM).length_mm for node in sources.tolist()],
        dtype=np.int64,
    )


def _at_node(network: WalkNetwork, node: int) -> Places:
    """A place right at a node."""
    edge = network.everywhere.link_edge[network.everywhere.indptr[node]]
    offset = 0 if network.edge_u[edge] == node else int(network.edge_mm[edge])
    nan, zero = np.array([np.nan]), np.zeros(1)
    return Places(np.array([edge], dtype=np.int32), np.array([offset], dtype=np.int32), zero, nan, nan)


def lengths_beside_plain(town: Town) -> PlainLengths:
    """The same walks in both graphs: other rules of what is walked, another reading of the file, another search."""
    network, streets = town.network, town.plain
    at = np.minimum(np.searchsorted(streets.ids, network.node_id), len(streets.ids) - 1)
    common = np.flatnonzero(
        (streets.ids[at] == network.node_id) & streets.main[at] & (network.everywhere.component == 0)
    )
    tree = cKDTree(np.column_stack([network.node_lng[common], network.node_lat[common]]))
    source = common[tree.query(np.column_stack([town.station_lng, town.station_lat]))[1]]
    ours = node_lengths(town, source)[:, common] / 1e3
    theirs = streets.metres(at[source], nearest_only=False)[:, at[common]]
    within = np.minimum(ours, theirs) <= limit_mm(60, SPEED_KMH) / 1e3
    difference = (ours - theirs)[within]
    return PlainLengths(
        walks=int(within.sum()),
        within_1_m=round(float(np.mean(np.abs(difference) <= 1.0)), 3),
        median_m=round(float(np.median(difference)), 2),
        p95_absolute_m=round(float(np.percentile(np.abs(difference), 95)), 1),
        p99_absolute_m=round(float(np.percentile(np.abs(difference), 99)), 1),
    )
