"""What a search for sites runs on: candidates, whom they would cover, the rules, and the figures before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.errors import ErrorItem, InvalidInput
from app.geo.arrays import FloatArray, IntArray
from app.geo.siting import people_by_group
from app.geo.siting_demand import Demand, uncovered_demand
from app.geo.siting_model import CoverModel, cover_model
from app.geo.snapping import Places
from app.geo.whatif import area_coverage, on_edge_after
from app.models.vocabularies import AreaLevel
from app.services.area_table import AreaTable
from app.services.bounded import BoundedCache
from app.services.coverage import exact_population, field_within, on_edge, people_within
from app.services.siting_candidates import Candidates, candidates_of
from app.services.siting_question import SitingQuestion, Weight
from app.services.siting_rules import Districts, RuleBook
from app.services.snapshot import Snapshot

KEPT_MODELS = 2  # each some tens of megabytes for thousands of candidates


@dataclass(frozen=True)
class Ground:
    """Everything that a search needs. ``covered`` are the people by leaf area whom the open stations cover."""

    snapshot: Snapshot
    question: SitingQuestion
    candidates: Candidates
    model: CoverModel
    book: RuleBook
    covered: FloatArray

    @property
    def districts(self) -> Districts:
        return self.book.districts

    def covered_with(self, chosen: IntArray) -> FloatArray:
        """People by leaf area whom the open stations and the chosen cover together: coverage computed anew."""
        return covered_with(self.snapshot, self.question, self.candidates.places.take(chosen))


def ground_of(snapshot: Snapshot, question: SitingQuestion) -> Ground:
    """Raises NotReady, NotFound, NotWalkable, InvalidInput and RulesConflict, each saying what is wrong."""
    query = question.coverage
    covered = people_within(snapshot, query, (query.minutes,))[:, 0]
    districts = Districts.of(snapshot, exact_population(snapshot), covered)
    weight = weights_by_leaf(snapshot.areas, question.weights)
    shape = question.parameters()
    key = (
        str(query.parameters(snapshot)), question.candidates, question.candidate_spacing_m,
        question.most_candidates, question.within, tuple(shape["weights"]),
    )  # fmt: skip
    held = snapshot.cached("siting models", lambda: BoundedCache(KEPT_MODELS))
    candidates, model = held.get(key, lambda: _modelled(snapshot, question, districts, weight))
    stations = snapshot.stations.table.stations
    is_open = np.flatnonzero(snapshot.open_mask(query.day, query.types)).tolist()
    book = RuleBook(
        snapshot, question, candidates, districts,
        (np.array([stations[k].lng for k in is_open]), np.array([stations[k].lat for k in is_open])),
    )  # fmt: skip
    ground = Ground(snapshot, question, candidates, model, book, covered)
    book.check_rates(people_by_group(model, np.flatnonzero(~book.rules().barred), districts.count))
    return ground


def demand_of(
    snapshot: Snapshot, question: SitingQuestion, districts: Districts, weight: FloatArray | None = None
) -> Demand:
    """Who is left to cover; ``weight`` is by leaf area, 1 by default."""
    query = question.coverage
    return uncovered_demand(
        snapshot.network, snapshot.frontage, field_within(snapshot, query, query.limit_mm), on_edge(snapshot, query),
        query.limit_mm, districts.of_leaf, np.ones(len(districts.of_leaf)) if weight is None else weight,
    )  # fmt: skip


def _modelled(
    snapshot: Snapshot, question: SitingQuestion, districts: Districts, weight: FloatArray
) -> tuple[Candidates, CoverModel]:
    demand = demand_of(snapshot, question, districts, weight)
    candidates = candidates_of(snapshot, question, demand, districts.of_leaf)
    searcher, _, _ = snapshot.variant(step_free=question.coverage.profile.step_free)
    return candidates, cover_model(searcher, demand, candidates.places, question.coverage.limit_mm)


def covered_with(snapshot: Snapshot, question: SitingQuestion, added: Places) -> FloatArray:
    """People by leaf area within the walk of an open station or an added place."""
    query, network = question.coverage, snapshot.network
    searcher, places, _ = snapshot.variant(step_free=query.profile.step_free)
    mask = snapshot.open_mask(query.day, query.types)
    staying = places.take(np.flatnonzero(mask))
    together = Places(*(np.concatenate([getattr(staying, f), getattr(added, f)]) for f in Places.__dataclass_fields__))
    return area_coverage(
        network, snapshot.frontage, len(snapshot.areas.leaf_codes), searcher.field_of(together, query.limit_mm),
        on_edge_after(places, mask, added), query.limit_mm,
    ).by_area  # fmt: skip


def weights_by_leaf(areas: AreaTable, weights: tuple[Weight, ...]) -> FloatArray:
    """What people count by leaf area. Raises NotFound for an unknown area, InvalidInput where nobody counts at all."""
    by_leaf = np.ones(len(areas.leaf_codes))
    order = (AreaLevel.CITY, AreaLevel.DISTRICT, AreaLevel.TOWN)
    said = [(areas.get(one.area, f"weights[{k}].area"), one) for k, one in enumerate(weights)]
    for area, one in sorted(said, key=lambda pair: order.index(pair[0].level)):
        by_leaf[areas.leaves_of(area.code)] = one.weight
    if len(by_leaf) and not by_leaf.any():
        item = ErrorItem(
            "weights", "所有区划的权重都是 0", "are 0 everywhere", remedy_zh="至少一个区划的权重大于 0",
            remedy_en="give one area at least a weight above 0",
        )  # fmt: skip
        raise InvalidInput("权重有误。", "The weights are wrong.", errors=[item])
    return by_leaf
