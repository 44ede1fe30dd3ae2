"""The covering model is exact: what a choice newly covers is the difference of two computations of coverage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from app.geo.arrays import BoolArray, IntArray
from app.geo.coverage import OnEdge
from app.geo.frontage import Frontage, LeafAreas
from app.geo.network import WalkNetwork
from app.geo.reach import ReachTable, reach_table
from app.geo.search import Searcher
from app.geo.siting import covered_units, in_order, losses, people_by_group
from app.geo.siting_demand import Demand, uncovered_demand
from app.geo.siting_model import CoverModel, cover_model
from app.geo.snapping import Places
from app.geo.whatif import AreaCoverage, Change, PieceIndex, area_coverage, changed
from tests.support.covering import frontage_of, quarters
from tests.support.streets import places_on, random_network, random_places

AREAS, STATIONS, CANDIDATES = 4, 8, 40
GROUPS = np.arange(AREAS, dtype=np.int32)
WEIGHTS = np.array([1.0, 2.0, 0.5, 0.0])
LIMITS = (1, 90_000, 200_000, 350_000)


@dataclass
class Town:
    """A random town with stations, candidates and the model of them."""

    network: WalkNetwork
    frontage: Frontage
    searcher: Searcher
    stations: Places
    candidates: Places
    table: ReachTable
    base: AreaCoverage
    demand: Demand
    model: CoverModel

    @classmethod
    def of(cls, seed: int, *, step_free: bool = False) -> Town:
        rng = np.random.default_rng(seed)
        network = random_network(seed, 60, 110)
        frontage = frontage_of(network, seed, LeafAreas(quarters()))
        searcher = Searcher.of(network, step_free=step_free)
        stations = random_places(rng, network, STATIONS, step_free=step_free)
        candidates = random_places(rng, network, CANDIDATES, step_free=step_free)
        candidates.edge[3] = -1
        candidates.edge[5], candidates.offset_mm[5] = candidates.edge[4], candidates.offset_mm[4]
        limit = LIMITS[seed % len(LIMITS)]
        open_now = np.ones(STATIONS, dtype=np.bool_)
        field, on_edge = searcher.field_of(stations, limit), OnEdge.of(stations, open_now)
        base = area_coverage(network, frontage, AREAS, field, on_edge, limit)
        demand = uncovered_demand(network, frontage, field, on_edge, limit, GROUPS, WEIGHTS)
        model = cover_model(searcher, demand, candidates, limit, threads=1 + seed % 3)
        table = reach_table(searcher, stations, LIMITS[-1])
        return cls(network, frontage, searcher, stations, candidates, table, base, demand, model)

    def after(self, chosen: IntArray, is_open: BoolArray | None = None) -> AreaCoverage:
        """Coverage with the chosen, by the kernels of what-if."""
        index = PieceIndex.of(self.frontage, self.network.edge_count, AREAS)
        on_street = chosen[self.candidates.edge[chosen] >= 0]
        return changed(
            self.base, self.network, self.searcher, self.frontage, index, self.table, self.stations,
            np.ones(STATIONS, dtype=np.bool_) if is_open is None else is_open,
            Change([], self.candidates.take(on_street)),
        )  # fmt: skip


@pytest.mark.parametrize("seed", range(24))
def test_what_a_choice_covers_is_the_difference_of_coverages(seed: int) -> None:
    town = Town.of(seed, step_free=seed % 2 == 1)
    rng = np.random.default_rng(seed)
    for size in (0, 1, 1, 1, 2, 4, 9, CANDIDATES):
        chosen = rng.choice(CANDIDATES, size, replace=False)
        gained = town.after(chosen).by_area - town.base.by_area
        assert people_by_group(town.model, chosen, AREAS) == pytest.approx(gained, abs=1e-6)
        units = covered_units(town.model, chosen)
        weight = float((gained * WEIGHTS).sum())
        assert float(town.model.weight[units].sum()) == pytest.approx(weight, abs=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_demand_is_all_who_are_not_covered(seed: int) -> None:
    town = Town.of(seed)
    by_area = np.bincount(town.demand.group, weights=town.demand.people, minlength=AREAS)
    everybody = np.bincount(town.frontage.area, weights=town.frontage.people, minlength=AREAS)
    assert by_area == pytest.approx(everybody - town.base.by_area, abs=1e-6)
    assert by_area.sum() > 0 and (town.demand.people > 0).all()


@pytest.mark.parametrize("seed", range(8))
def test_marginal_people_and_losses_are_differences_of_coverages(seed: int) -> None:
    town = Town.of(seed)
    chosen = np.random.default_rng(seed).choice(CANDIDATES, 6, replace=False)
    order, marginal = in_order(town.model, chosen)
    assert sorted(order.tolist()) == sorted(chosen.tolist())
    covered = [town.after(order[:k]).by_area.sum() for k in range(len(order) + 1)]
    assert marginal == pytest.approx(np.diff(covered), abs=1e-6)
    for place, lost in zip(order.tolist(), losses(town.model, order), strict=True):
        without = town.after(order[order != place]).by_area.sum()
        assert lost == pytest.approx(covered[-1] - without, abs=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_units_are_sets_each_once(seed: int) -> None:
    model = Town.of(seed).model
    sets = [
        (int(model.group[u]), *model.candidate[model.unit_ptr[u] : model.unit_ptr[u + 1]].tolist())
        for u in range(model.unit_count)
    ]
    assert len(set(sets)) == len(sets) and all(len(one) > 1 and list(one[1:]) == sorted(one[1:]) for one in sets)
    back = {(c, u) for c in range(CANDIDATES) for u in model.unit[model.ptr[c] : model.ptr[c + 1]].tolist()}
    assert back == {(c, u) for u, one in enumerate(sets) for c in one[1:]} and len(back) == len(model.unit)
    assert model.ptr[3] == model.ptr[4], "a place without a street covers nobody"
    twins = [set(model.unit[model.ptr[c] : model.ptr[c + 1]].tolist()) for c in (4, 5)]
    if model.unit_count and LIMITS[seed % len(LIMITS)] > 100_000:
        assert twins[0] and twins[1]


def test_the_model_does_not_depend_on_threads() -> None:
    town = Town.of(2)
    for threads in (1, 2, 5):
        again = cover_model(town.searcher, town.demand, town.candidates, town.base.limit_mm, threads=threads)
        for name in CoverModel.__dataclass_fields__:
            assert np.array_equal(getattr(again, name), getattr(town.model, name)), name


def test_nobody_left_to_cover_and_no_candidates() -> None:
    town = Town.of(1)
    none = town.candidates.take(np.zeros(0, dtype=np.int64))
    empty = cover_model(town.searcher, town.demand, none, 200_000)
    assert empty.candidate_count == empty.unit_count == 0
    nowhere = cover_model(town.searcher, town.demand, places_on(town.network, [-1, -1], [0, 0]), 200_000)
    assert nowhere.candidate_count == 2 and nowhere.unit_count == 0
