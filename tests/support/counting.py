"""Small worlds that are counted millimetre by millimetre, one person at a time."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from app.geo.frontage import Frontage
from app.geo.network import WalkNetwork
from app.geo.snapping import Places
from tests.support.oracle import lengths_from_places
from tests.support.streets import Line, at_m, network_of, places_on


def frontage_by_hand(pieces: Sequence[tuple[int, int, int, int, float, int, int]], cells: int) -> Frontage:
    """Pieces are (edge, a, b, leg, people, cell, area)."""
    table = sorted(pieces, key=lambda p: p[:2])
    edge, a, b, leg, people, cell, area = zip(*table, strict=True) if table else ((),) * 7
    numbers = [np.array(column, dtype=np.int32) for column in (edge, a, b, leg, cell, area)]
    of_cell = np.bincount(numbers[4], weights=np.array(people, dtype=np.float64), minlength=cells)
    return Frontage(
        edge=numbers[0], a_mm=numbers[1], b_mm=numbers[2], leg_mm=numbers[3],
        people=np.array(people, dtype=np.float64), cell=numbers[4], area=numbers[5],
        cells=np.arange(cells, dtype=np.int64), cell_people=of_cell.astype(np.float64),
        cell_off_network=np.zeros(cells), cell_area=np.zeros(cells, dtype=np.int32),
    )  # fmt: skip


@dataclass(frozen=True)
class SmallWorld:
    network: WalkNetwork
    places: Places
    frontage: Frontage

    def way(self, station: int, edge: int, mm: float, nodes: list[dict[object, int]]) -> float:
        """From a station to a point of an edge: by its ends, or along it."""
        places, network = self.places, self.network
        u, v = (nodes[station].get(int(n[edge]), np.inf) for n in (network.edge_u, network.edge_v))
        found = min(u + mm, v + int(network.edge_mm[edge]) - mm)
        if places.edge[station] == edge:
            found = min(found, int(places.leg_mm[station]) + abs(int(places.offset_mm[station]) - mm))
        return float(found)


@st.composite
def small_worlds(draw: st.DrawFn) -> SmallWorld:
    count = draw(st.integers(1, 5))
    node, mm = st.integers(1, count), st.integers(1, 40)
    drawn = draw(st.lists(st.tuples(node, node, mm), min_size=1, max_size=7))
    nodes = {n: at_m(10.0 * n, 3.0 * n * n) for n in range(1, count + 1)}
    network = network_of(nodes, [Line(a, b, length_m=length / 1e3) for a, b, length in drawn])
    spots = []
    for _ in range(draw(st.integers(0, 5))):
        edge = draw(st.integers(-1, network.edge_count - 1))
        total = int(network.edge_mm[edge]) if edge >= 0 else 0
        spots.append((edge, draw(st.integers(0, total)), draw(st.sampled_from([0, 0, 1, 7, 30]))))
    places = places_on(network, [s[0] for s in spots], [s[1] for s in spots], [s[2] for s in spots])
    pieces: list[tuple[int, int, int, int, float, int, int]] = []
    for edge in range(network.edge_count):
        total = int(network.edge_mm[edge])
        cuts = sorted({0, total, *draw(st.lists(st.integers(0, total), max_size=3))})
        for a, b in itertools.pairwise(cuts):
            if draw(st.booleans()):
                pieces.append((edge, a, b, 0, float(b - a), draw(st.integers(0, 2)), draw(st.integers(0, 1))))
        if draw(st.integers(0, 3)) == 0:  # a cell linked to the street
            at = draw(st.integers(0, total))
            pieces.append((edge, at, at, draw(st.integers(0, 20)), 5.0, draw(st.integers(0, 2)), 0))
    return SmallWorld(network, places, frontage_by_hand(pieces, 3))


def counted(world: SmallWorld, limit: int) -> tuple[list[float], list[float]]:
    """Covered people by cell and by area: a person a millimetre, asked in its middle; linked people asked at once."""
    nodes = lengths_from_places(world.network, world.places)
    stations = np.flatnonzero(world.places.edge >= 0).tolist()
    by_cell, by_area = [0.0] * 3, [0.0] * 2
    f = world.frontage
    for k in range(len(f.edge)):
        a, b = int(f.a_mm[k]), int(f.b_mm[k])
        spots = [m + 0.5 for m in range(a, b)] if b > a else [a]
        each = float(f.people[k]) / len(spots)
        for spot in spots:
            way = min((world.way(s, int(f.edge[k]), spot, nodes) for s in stations), default=np.inf)
            if way + int(f.leg_mm[k]) <= limit:
                by_cell[f.cell[k]] += each
                by_area[f.area[k]] += each
    return by_cell, by_area
