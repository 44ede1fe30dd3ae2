"""How often a site is chosen when what is not known well is otherwise: walking speed, one minute, the population."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from app.geo.arrays import IntArray
from app.geo.frontage import Frontage
from app.geo.siting import value_of
from app.geo.siting_demand import uncovered_demand
from app.geo.siting_feasible import Undecided, good_choice
from app.geo.siting_model import cover_model
from app.geo.whatif import area_coverage
from app.services.coverage import MAX_MINUTES, CoverageQuery, field_within, on_edge
from app.services.profiles import MAX_SPEED_KMH, MIN_SPEED_KMH
from app.services.siting_ground import Ground, weights_by_leaf
from app.services.siting_rules import Districts, RuleBook

FEASIBLE_S = 2.0


@dataclass(frozen=True)
class Scenario:
    """One way in which it could be otherwise. ``population`` names the source.

    ``kept_share`` is what the choice newly covers there, of what the choice made for it does; None where no choice
    keeps the rules there, or nobody is left to cover.
    """

    speed_kmh: float
    minutes: float
    population: str
    kept_share: float | None


@dataclass(frozen=True)
class Robustness:
    """``chosen_in`` is by site, in their order: in how many of the scenarios that have a choice it is chosen too."""

    scenarios: list[Scenario]
    chosen_in: list[int]


def robustness(ground: Ground, chosen: IntArray) -> Robustness:
    """The question asked again in every scenario, with the same candidates, answered by greedy and exchanges."""
    times = np.zeros(len(ground.candidates), dtype=np.int64)
    scenarios = []
    for query, name, frontage in _otherwise(ground):
        scenario, found = _in_scenario(ground, chosen, query, name, frontage)
        scenarios.append(scenario)
        times[found] += 1
    return Robustness(scenarios, times[chosen].tolist())


def _otherwise(ground: Ground) -> Iterator[tuple[CoverageQuery, str, Frontage]]:
    """Slower, faster, a minute less, a minute more; then as asked with every alternative population."""
    snapshot, query = ground.snapshot, ground.question.coverage
    main, *others = snapshot.city.sources
    share = snapshot.method.uncertainty_speed_share
    for factor in (1 - share, 1 + share) if share else ():
        speed = min(max(query.profile.speed_kmh * factor, MIN_SPEED_KMH), MAX_SPEED_KMH)
        yield replace(query, profile=replace(query.profile, speed_kmh=speed)), main.name, main.frontage
    for minutes in (query.minutes - 1, query.minutes + 1):
        if 0 < minutes <= MAX_MINUTES:
            yield replace(query, minutes=minutes), main.name, main.frontage
    for source in others:
        yield query, source.name, source.frontage


def _in_scenario(
    ground: Ground, chosen: IntArray, query: CoverageQuery, name: str, frontage: Frontage
) -> tuple[Scenario, IntArray]:
    snapshot, question = ground.snapshot, replace(ground.question, coverage=query)
    network, limit = snapshot.network, query.limit_mm
    searcher, _, _ = snapshot.variant(step_free=query.profile.step_free)
    leaves = len(snapshot.areas.leaf_codes)
    field, stations = field_within(snapshot, query, limit), on_edge(snapshot, query)
    covered = area_coverage(network, frontage, leaves, field, stations, limit).by_area
    along = np.bincount(frontage.area, weights=frontage.people, minlength=leaves)
    beside = np.bincount(frontage.cell_area, weights=frontage.cell_off_network, minlength=leaves)
    districts = Districts.of(snapshot, (along + beside).astype(np.float64), covered)
    weight = weights_by_leaf(snapshot.areas, question.weights)
    demand = uncovered_demand(network, frontage, field, stations, limit, districts.of_leaf, weight)
    model = cover_model(searcher, demand, ground.candidates.places, limit)
    rules = RuleBook(snapshot, question, ground.candidates, districts, ground.book.stations).rules()
    nothing = np.zeros(0, dtype=np.int64)
    try:
        found = good_choice(model, rules, time_limit_s=FEASIBLE_S)
    except Undecided:
        found = None
    best = 0.0 if found is None else value_of(model, found)
    kept = round(value_of(model, chosen) / best, 6) if best > 0 else None
    scenario = Scenario(round(query.profile.speed_kmh, 6), query.minutes, name, kept)
    return scenario, nothing if found is None else found
