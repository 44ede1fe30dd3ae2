"""Other engines on the same network: scipy, and pandana where the optional extra is installed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import numba as nb
import numpy as np
from scipy.sparse import coo_matrix, csr_matrix

from app.geo.network import Adjacency, WalkNetwork
from app.geo.snapping import Places

PANDANA_MISSING = "not measured: pandana is not installed (./skillsmap bench installs it where it can)"


def scipy_graph(adjacency: Adjacency) -> csr_matrix:
    """The network as scipy takes it; of parallel edges the shortest. Lengths in mm, as float64."""
    n = len(adjacency.indptr) - 1
    row = np.repeat(np.arange(n), np.diff(adjacency.indptr))
    column, mm = adjacency.links[:, 0], adjacency.links[:, 1].astype(np.float64)
    order = np.lexsort((mm, column, row))
    row, column, mm = row[order], column[order], mm[order]
    first = np.concatenate([[True], (row[1:] != row[:-1]) | (column[1:] != column[:-1])])
    return coo_matrix((mm[first], (row[first], column[first])), shape=(n, n)).tocsr()


@nb.njit(nogil=True, cache=True)
def touch_every_target(indptr, links, values):  # type: ignore[no-untyped-def]
    """The practical floor of a search: every link read once, and a value of its target."""
    total = np.int64(0)
    for v in range(len(indptr) - 1):
        for k in range(indptr[v], indptr[v + 1]):
            total += values[links[k, 0]] + links[k, 1]
    return total


def has_pandana() -> bool:
    return find_spec("pandana") is not None


def pandana_network(network: WalkNetwork, stations: Places, limit_m: float) -> tuple[Any, float]:
    """Pandana's network with the stations as points of interest, and the seconds that building it took."""
    import pandas as pd
    from pandana import Network

    started = time.perf_counter()
    with stdout_to_stderr():
        made = Network(
            pd.Series(network.node_lng), pd.Series(network.node_lat), pd.Series(network.edge_u.astype(np.int64)),
            pd.Series(network.edge_v.astype(np.int64)), pd.DataFrame({"metres": network.edge_mm / 1e3}), twoway=True,
        )  # fmt: skip
        made.set_pois("stations", limit_m, 5, pd.Series(stations.lng), pd.Series(stations.lat))
    return made, time.perf_counter() - started


@contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Pandana tells of its progress on file descriptor 1, where our figures go."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
