"""The far table against a search over the whole network, on drawn networks cut into squares of many sizes."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.geo.far import NOT_FOUND, FarTable, Squares
from app.geo.network import WalkNetwork
from app.geo.search import MAX_LIMIT_MM, NO_ORIGIN, Searcher
from app.services.far_tables import FarTables
from tests.support.streets import drawn_networks, places_on, random_network


def by_search(
    searcher: Searcher, table: FarTable, ends: tuple[tuple[int, int], tuple[int, int]], mask: np.ndarray
) -> tuple[int, int]:
    chosen = np.flatnonzero(mask & (table.places.edge >= 0))
    field = searcher.field_of(table.places.take(chosen), MAX_LIMIT_MM, chosen.astype(np.int32))
    ways = [(mm + rest, origin) for node, rest in ends for mm, origin in [field.at(node)] if origin != NO_ORIGIN]
    return min(ways, default=(-1, NOT_FOUND))


@given(drawn_networks(), st.booleans(), st.sampled_from([5.0, 60.0, 300.0, 5_000.0]), st.integers(0, 2**32 - 1))
@settings(max_examples=200, deadline=None)
def test_as_a_search_over_all_streets(network: WalkNetwork, step_free: bool, square_m: float, seed: int) -> None:
    rng, searcher = np.random.default_rng(seed), Searcher.of(network, step_free=step_free)
    usable = np.flatnonzero(network.adjacency(step_free=step_free).usable)
    if len(usable) == 0:
        return
    edges = np.where(rng.random(6) < 0.85, rng.choice(usable, 6), -1)
    offsets = (rng.random(6) * (network.edge_mm[edges] + 1)).astype(int)
    places = places_on(network, edges, offsets, rng.integers(0, 90_000, 6))
    table = FarTable.of(Squares.of(network, searcher.adjacency, square_m), searcher, places)
    for edge in rng.choice(usable, 8).tolist():
        offset, mask = int(rng.integers(0, network.edge_mm[edge] + 1)), rng.random(6) < 0.6
        ends = (
            (int(network.edge_u[edge]), offset), (int(network.edge_v[edge]), int(network.edge_mm[edge]) - offset)
        )  # fmt: skip
        mm, origin = table.nearest(searcher, ends, mask)
        expected = by_search(searcher, table, ends, mask)
        assert (mm, origin) == expected or (origin, expected[1]) == (NOT_FOUND, NOT_FOUND)


def test_rows_of_the_same_places_are_taken_over() -> None:
    network = random_network(3, 300, 520)
    searcher = Searcher.of(network, step_free=False)
    usable = np.flatnonzero(network.adjacency(step_free=False).usable)
    edges = usable[[1, 5, 9, 13]]
    first = places_on(network, edges, [0, 1000, 2000, 0], [0, 10, 20, 30])
    later = first.take(np.array([2, 0, 3]))
    tables, searched = FarTables(), []
    whole = searcher.field_of

    def counted(*given: object) -> object:
        searched.append(given)
        return whole(*given)  # type: ignore[arg-type]

    searcher.field_of = counted  # type: ignore[method-assign, assignment]
    for places in (first, later):
        tables.build(network, searcher, places, step_free=False)
    table = tables.of(later, step_free=False)
    assert len(searched) == 4 and table is not None and tables.of(first, step_free=False) is None
    fresh = FarTable.of(table.squares, searcher, later)
    assert np.array_equal(table.mm, fresh.mm)
    assert tables.of(later.take(np.arange(3)), step_free=False) is not None, "the same places, though another object"
