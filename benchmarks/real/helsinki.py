"""Walking times between 250 m cells of Helsinki's centre beside those of Conveyal R5."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyogrio
import shapely

from app.geo.arrays import FloatArray, IntArray
from app.geo.network import WalkNetwork, build_network
from app.geo.search import MAX_LIMIT_MM, Searcher
from app.geo.snapping import Places, build_grid, snap
from app.ingest.osm import read_osm

BOX = (24.9352, 60.1642, 24.9534, 60.1791)  # of the street file: cells outside have no streets in it
SPEED_M_S = 1.0  # 3.6 km/h, R5's in these results
SNAP_LIMIT_M = 300.0
MIN_COMPONENT_M = 1_000.0
RESULTS = ("not_snapped", "snapped")  # the two files of R5's times


@dataclass(frozen=True)
class Centre:
    """The streets, and the centres of the cells that lie among them: their numbers in R5's files, WGS84, places."""

    folder: Path
    network: WalkNetwork
    cell: IntArray
    lng: FloatArray
    lat: FloatArray
    places: Places


@dataclass(frozen=True)
class Agreement:
    """Our minutes less R5's, over all pairs of cells with both."""

    pairs: int
    correlation: float
    mean_absolute_error: float
    median_difference: float
    p95_absolute_error: float


def load(folder: Path) -> Centre:
    rows, _ = read_osm(folder / "Helsinki.osm.pbf", None, 0.0)
    network = build_network(rows, MIN_COMPONENT_M)
    _, _, wkb, _ = pyogrio.raw.read(folder / "helsinki_population_grid_2020.gpkg")
    centre = shapely.centroid(shapely.from_wkb(wkb))
    x, y = shapely.get_x(centre), shapely.get_y(centre)
    inside = np.flatnonzero((x > BOX[0]) & (x < BOX[2]) & (y > BOX[1]) & (y < BOX[3]))
    places = snap(network, build_grid(network), network.everywhere.usable, x[inside], y[inside], SNAP_LIMIT_M)
    return Centre(folder, network, inside, x[inside], y[inside], places)


def compare(centre: Centre, results: str) -> Agreement:
    """``results``: "not_snapped" or "snapped", the two files of R5's times (whole minutes)."""
    network, places = centre.network, centre.places
    searcher = Searcher.of(network, step_free=False)
    with (centre.folder / f"r5_walking_times_{results}.csv").open() as file:
        theirs = {(int(r["from_id"]), int(r["to_id"])): r["travel_time"] for r in csv.DictReader(file)}
    ours, r5 = [], []
    edge, offset, leg = places.edge, places.offset_mm.astype(np.int64), places.leg_mm
    for a, i in enumerate(centre.cell.tolist()):
        length = searcher.field_of(places.take(np.array([a])), MAX_LIMIT_MM // 2).length_mm.astype(np.int64)
        mm = leg + np.minimum(
            length[network.edge_u[edge]] + offset, length[network.edge_v[edge]] + network.edge_mm[edge] - offset
        )
        for b, j in enumerate(centre.cell.tolist()):
            if i != j and theirs[i, j]:
                ours.append(mm[b] / 1e3 / SPEED_M_S / 60)
                r5.append(float(theirs[i, j]))
    difference = np.array(ours) - np.array(r5)
    return Agreement(
        pairs=len(ours),
        correlation=round(float(np.corrcoef(ours, r5)[0, 1]), 3),
        mean_absolute_error=round(float(np.abs(difference).mean()), 2),
        median_difference=round(float(np.median(difference)), 2),
        p95_absolute_error=round(float(np.percentile(np.abs(difference), 95)), 2),
    )
