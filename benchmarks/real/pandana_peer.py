"""Pandana on the same nodes and edges: every node's nearest stations, and people within a walk, in its own terms.

It is an optional extra: ``pip install --require-hashes -r requirements/peers.txt``.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from app.geo.hexgrid import cell_centres
from app.geo.network import limit_mm
from app.geo.search import UNREACHED
from benchmarks.peers import stdout_to_stderr
from benchmarks.real.porto_alegre import MINUTES, SPEED_KMH, AtNodes, Town, at_nodes, node_lengths

MISSING = "pandana is not installed: pip install --require-hashes -r requirements/peers.txt"
FAR_M = 100_000.0  # farther than any walk of the city; what pandana says where there is no way


@dataclass(frozen=True)
class PandanaAgreement:
    """Pandana's lengths beside ours, from every node to each station's node, the nearest to the farthest.

    Pandana holds an edge as whole thousandths of its unit, cut off, not rounded, and answers in 32-bit floats. So
    lengths in metres come out short by ``cut_off_hour_mm`` on walks of an hour at most, by ``cut_off_mm`` on any. With
    half a millimetre more on every edge, cutting off rounds; ``unequal_rounded`` counts the lengths that then are not
    ours, written as a 32-bit float. ``unequal_reach`` counts those that one of the two has and the other has not.

    ``covered``: people whose nearest node is within a limit of a station's. ``people_around``: the largest difference
    of the people within 15 minutes of a station.
    """

    nodes: int
    lengths_compared: int
    cut_off_hour_mm: float
    cut_off_mm: float
    unequal_rounded: int
    unequal_reach: int
    unequal_homes: int
    covered: dict[str, int]
    people_around: float


def installed() -> bool:
    return find_spec("pandana") is not None


def compare(town: Town) -> PandanaAgreement:
    """Needs pandana."""
    import pandas as pd

    at = at_nodes(town)
    ours = np.sort(node_lengths(town, at.station)[:, at.usable].T, axis=1)
    reached, hour = ours < UNREACHED, ours <= limit_mm(60, SPEED_KMH)
    peer = _network(town, at, 0.0)
    metres = _nearest(peer, town)
    short_mm = np.abs(ours - metres.astype(np.float64) * 1e3)
    rounded = _nearest(_network(town, at, 0.5), town)
    homes = peer.get_node_ids(*(pd.Series(column) for column in cell_centres(town.cells))).to_numpy()
    nearest_m = metres[np.searchsorted(at.usable, homes), 0]
    return PandanaAgreement(
        nodes=len(at.usable),
        lengths_compared=int(reached.sum()),
        cut_off_hour_mm=round(float(short_mm[hour].max()), 1),
        cut_off_mm=round(float(short_mm[reached].max()), 1),
        unequal_rounded=int((rounded != (ours / 1e3).astype(np.float32))[reached].sum()),
        unequal_reach=int(((metres < FAR_M) != reached).sum()),
        unequal_homes=int((homes != at.home).sum()),
        covered={
            f"{minutes}_min": round(float(town.people[nearest_m <= limit_mm(minutes, SPEED_KMH) / 1e3].sum()))
            for minutes in MINUTES
        },
        people_around=_people_around(peer, town, at),
    )


def _network(town: Town, at: AtNodes, halves: float) -> Any:
    """Pandana's network of the streets that matter, in metres; ``halves``: mm added to every edge."""
    import pandas as pd
    from pandana import Network

    network = town.network
    edge = np.flatnonzero(network.everywhere.usable)
    with stdout_to_stderr():
        made = Network(
            pd.Series(network.node_lng[at.usable], index=at.usable),
            pd.Series(network.node_lat[at.usable], index=at.usable),
            pd.Series(network.edge_u[edge].astype(np.int64)),
            pd.Series(network.edge_v[edge].astype(np.int64)),
            pd.DataFrame({"metres": (network.edge_mm[edge] + halves) / 1e3}),
            twoway=True,
        )
    count = len(town.station_lng)
    made.set_pois("stations", FAR_M, count, pd.Series(town.station_lng), pd.Series(town.station_lat))
    return made


def _nearest(peer: Any, town: Town) -> Any:
    """Metres (32-bit floats) from every node to its nearest, second nearest, … station (nodes × stations)."""
    found = peer.nearest_pois(FAR_M, "stations", num_pois=len(town.station_lng))
    return found.to_numpy().astype(np.float32)


def _people_around(peer: Any, town: Town, at: AtNodes) -> float:
    import pandas as pd

    limit = limit_mm(15, SPEED_KMH)
    peer.set(pd.Series(at.home), variable=pd.Series(town.people), name="people")
    theirs = peer.aggregate(limit / 1e3, type="sum", decay="flat", name="people")[at.station].to_numpy()
    ours = ((node_lengths(town, at.station)[:, at.home] <= limit) * town.people).sum(axis=1)
    return round(float(np.abs(theirs - ours).max()), 3)
