"""A reach table that is brought up to date equals one that is made anew, in every array and to the last bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.geo.network import WalkNetwork
from app.geo.reach import ReachTable, reach_table, table_of_rows
from app.geo.reach_update import FRESH, updated_table
from app.geo.search import Searcher
from app.geo.snapping import Places
from tests.support.streets import drawn_networks, drawn_places, places_on, random_network, random_places

LIMIT = 1_200_000
NODES = 7
ARRAYS = ("ptr", "node", "mm", "node_ptr", "origin_at", "mm_at")

# few lengths, so that many are equal: then the order of equals shows
Row = dict[int, int]
ROWS = st.lists(st.dictionaries(st.integers(0, NODES - 1), st.sampled_from([0, 5, 5, 9]), max_size=NODES), max_size=6)


def assert_same(found: ReachTable, wanted: ReachTable) -> None:
    assert found.limit_mm == wanted.limit_mm
    for name in ARRAYS:
        a, b = getattr(found, name), getattr(wanted, name)
        assert a.dtype == b.dtype and a.flags.c_contiguous and a.tolist() == b.tolist(), name


def table(rows: Sequence[Row]) -> ReachTable:
    each = [sorted(row.items()) for row in rows]
    return table_of_rows(
        [(np.array([n for n, _ in r], dtype=np.int32), np.array([m for _, m in r], dtype=np.int32)) for r in each],
        LIMIT,
        NODES,
    )


def columns(rows: Sequence[Row]) -> list[list[tuple[int, int]]]:
    """By node the (length, origin) that reach it, in order: plainly."""
    return [sorted((row[n], k) for k, row in enumerate(rows) if n in row) for n in range(NODES)]


@given(ROWS, st.data())
@settings(max_examples=300, deadline=None)
def test_any_rows_carried_over_in_any_order_with_fresh_ones_between(old: list[Row], data: st.DataObject) -> None:
    carried = data.draw(st.lists(st.sampled_from(range(len(old))), unique=True)) if old else []
    fresh = data.draw(ROWS)
    kept = data.draw(st.permutations([*carried, *[FRESH] * len(fresh)]))
    waiting = iter(fresh)
    rows = [old[k] if k != FRESH else next(waiting) for k in kept]
    found = updated_table(table(old), np.array(kept, dtype=np.int64), table(fresh))
    assert_same(found, table(rows))
    pairs = list(zip(found.mm_at.tolist(), found.origin_at.tolist(), strict=True))
    assert [pairs[a:b] for a, b in zip(found.node_ptr[:-1], found.node_ptr[1:], strict=True)] == columns(rows)


@pytest.mark.parametrize("kept", [[0, 0], [2], [-2], [FRESH], [0, FRESH, FRESH]])
def test_rows_that_are_not_there_or_kept_twice(kept: list[int]) -> None:
    fresh = table([{1: 5}]) if FRESH in kept and len(kept) > 1 else table([])
    with pytest.raises(ValueError, match="row"):
        updated_table(table([{0: 1}, {0: 1, 3: 2}]), np.array(kept, dtype=np.int64), fresh)


def test_tables_of_other_limits_or_networks_do_not_mix() -> None:
    old, kept = table([{0: 1}]), np.array([0, FRESH])
    row = (np.array([1], dtype=np.int32), np.array([5], dtype=np.int32))
    for limit, nodes in ((LIMIT - 1, NODES), (LIMIT, NODES + 1)):
        with pytest.raises(ValueError, match="limit or network"):
            updated_table(old, kept, table_of_rows([row], limit, nodes))


class Ledger(RuleBasedStateMachine):
    """Stations come, go, move, close, open again and change their numbers; both variants of the network are kept."""

    @initialize(network=drawn_networks(), limit=st.sampled_from([0, 4096, 300_000, LIMIT]), data=st.data())
    def begin(self, network: WalkNetwork, limit: int, data: st.DataObject) -> None:
        self.network, self.limit = network, limit
        self.searchers = [Searcher.of(network, step_free=step_free) for step_free in (False, True)]
        self.stations: list[tuple[int, int, int]] = []  # (edge, offset_mm, leg_mm): where they stand
        self.closed: list[tuple[int, int, int]] = []
        self.tables = [reach_table(s, self._places([]), limit, threads=1) for s in self.searchers]
        for _ in range(data.draw(st.integers(0, 3))):
            self.opens(data)

    def _places(self, stations: Sequence[tuple[int, int, int]]) -> Places:
        return places_on(self.network, *([s[k] for s in stations] for k in range(3)))

    def _spot(self, data: st.DataObject) -> tuple[int, int, int]:
        place = data.draw(drawn_places(self.network, max_size=1).filter(len))
        return int(place.edge[0]), int(place.offset_mm[0]), int(place.leg_mm[0])

    def _becomes(self, stations: list[tuple[int, int, int]], kept: list[int]) -> None:
        """Only the rows of FRESH are searched for."""
        fresh = self._places([s for s, k in zip(stations, kept, strict=True) if k == FRESH])
        self.stations = stations
        self.tables = [
            updated_table(old, np.array(kept, dtype=np.int64), reach_table(s, fresh, self.limit, threads=1))
            for old, s in zip(self.tables, self.searchers, strict=True)
        ]

    @rule(data=st.data())
    def opens(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(self.stations)))
        stations, kept = list(self.stations), list(range(len(self.stations)))
        stations.insert(at, self._spot(data))
        kept.insert(at, FRESH)
        self._becomes(stations, kept)

    @rule(data=st.data())
    def closes(self, data: st.DataObject) -> None:
        if self.stations:
            at = data.draw(st.integers(0, len(self.stations) - 1))
            self.closed.append(self.stations[at])
            kept = [k for k in range(len(self.stations)) if k != at]
            self._becomes([self.stations[k] for k in kept], kept)

    @rule(data=st.data())
    def opens_again(self, data: st.DataObject) -> None:
        if self.closed:
            spot = self.closed.pop(data.draw(st.integers(0, len(self.closed) - 1)))
            self._becomes([spot, *self.stations], [FRESH, *range(len(self.stations))])

    @rule(data=st.data())
    def moves(self, data: st.DataObject) -> None:
        if self.stations:
            at = data.draw(st.integers(0, len(self.stations) - 1))
            stations, kept = list(self.stations), list(range(len(self.stations)))
            stations[at], kept[at] = self._spot(data), FRESH
            self._becomes(stations, kept)

    @rule(data=st.data())
    def changes_numbers(self, data: st.DataObject) -> None:
        kept = list(data.draw(st.permutations(range(len(self.stations)))))
        self._becomes([self.stations[k] for k in kept], kept)

    @invariant()
    def equals_a_full_computation(self) -> None:
        places = self._places(self.stations)
        for found, searcher in zip(self.tables, self.searchers, strict=True):
            assert_same(found, reach_table(searcher, places, self.limit, threads=1))


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=60, stateful_step_count=12, deadline=None)


@pytest.mark.parametrize("seed", range(4))
def test_a_city_whose_stations_change_many_at_once(seed: int) -> None:
    network = random_network(seed, 400, 800)
    rng = np.random.default_rng(seed)
    for step_free in (False, True):
        searcher = Searcher.of(network, step_free=step_free)
        places = random_places(rng, network, 40, step_free=step_free)
        found = reach_table(searcher, places, LIMIT)
        for _ in range(8):
            kept = rng.permutation(len(places))[: rng.integers(20, 40)]
            kept = np.where(rng.random(len(kept)) < 0.2, FRESH, kept)
            new = random_places(rng, network, int((kept == FRESH).sum()), step_free=step_free)
            order = np.where(kept == FRESH, len(places) + np.cumsum(kept == FRESH) - 1, kept)
            both = Places(
                *(np.concatenate([getattr(p, f) for p in (places, new)]) for f in Places.__dataclass_fields__)
            )
            places = both.take(order)
            found = updated_table(found, kept, reach_table(searcher, new, LIMIT))
            assert_same(found, reach_table(searcher, places, LIMIT))
