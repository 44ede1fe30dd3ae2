"""Where the next stations go: the best candidates under the rules that are asked for.

``site`` answers at once (greedy, exchanges, a bound); ``solve_exact`` goes on to the proven best, tells of its progress
and can be cancelled. Figures before and after are computed as coverage is; what each site adds, and what is lost
without it, are differences of coverage (see ``app.geo.siting_model``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from app.errors import ErrorItem, InvalidInput, Refused
from app.geo.arrays import FloatArray, IntArray
from app.geo.coverage import METHOD_VERSION
from app.geo.siting import Rules, in_order, losses, people_by_group, value_of
from app.geo.siting_bound import upper_bound
from app.geo.siting_exact import Proof, never, quiet
from app.geo.siting_exact import solve_exact as prove
from app.geo.siting_feasible import Undecided, good_choice
from app.geo.siting_goals import fairest, fewest
from app.models.vocabularies import AreaLevel
from app.services.area_table import AreaInfo
from app.services.coverage import people_by_leaf, run_id, whole_covered
from app.services.siting_ground import Ground, ground_of
from app.services.siting_question import MAX_SITES, Objective, SitingQuestion
from app.services.siting_robustness import Robustness, robustness
from app.services.snapshot import Snapshot

QUICK_STEPS = 150  # of the bound, for answers at once
FEASIBLE_S = 5.0  # to find any choice that keeps the rules


@dataclass(frozen=True)
class ChosenSite:
    """One site, in the order of what each adds. ``adds`` are the people it newly covers beside those before it,
    ``lost_without`` those nobody else of the chosen (or the open stations) covers. WGS84. ``stage`` counts from 1.
    """

    id: str
    name: str | None
    lng: float
    lat: float
    snap_m: float
    district: AreaInfo | None
    town: AreaInfo | None
    adds: float
    lost_without: float
    is_forced: bool
    stage: int


@dataclass(frozen=True)
class AreaFigures:
    """One area before and after, in whole people; ``sites`` of the chosen stand in it."""

    area: AreaInfo
    population: int
    covered_before: int
    covered_after: int
    sites: int

    @property
    def rate_before(self) -> float | None:
        return round(self.covered_before / self.population, 6) if self.population else None

    @property
    def rate_after(self) -> float | None:
        return round(self.covered_after / self.population, 6) if self.population else None


@dataclass(frozen=True)
class Stage:
    """After so many years: sites in all, people newly covered in all, and what no choice of so many could exceed (None
    where people are weighted).
    """

    stage: int
    sites: int
    gained: float
    bound: float | None


@dataclass(frozen=True)
class Proven:
    """How good the choice is. ``value`` and ``bound`` are weighted people newly covered; no choice that keeps the rules
    exceeds the bound. ``at_least`` (fewest): places that any choice needs. ``lowest``, ``lowest_bound`` (fairest): the
    lowest rate of the districts; ``bound`` is then among choices that reach it.
    """

    proof: Proof | None
    value: float
    bound: float | None
    at_least: int | None = None
    lowest: float | None = None
    lowest_bound: float | None = None

    @property
    def gap(self) -> float | None:
        """(bound - value) / bound."""
        if self.bound is None:
            return None
        return max(0.0, (self.bound - self.value) / self.bound) if self.bound > 0 else 0.0


@dataclass(frozen=True)
class SitingAnswer:
    """``run_id`` names inputs, parameters and method. ``areas`` are the city, then the districts, by code."""

    run_id: str
    coverage_run_id: str
    candidates: int
    units: int
    chosen: list[ChosenSite]
    gained: float
    areas: list[AreaFigures]
    stages: list[Stage]
    proven: Proven
    robustness: Robustness | None


def site(snapshot: Snapshot, question: SitingQuestion) -> SitingAnswer:
    """A good choice at once, with a bound that tells how far from the best it may be.

    Raises NotReady, NotFound, NotWalkable, InvalidInput, RulesConflict; Refused where no choice was found in time.
    """
    ground = ground_of(snapshot, question)
    chosen, proven = _found(ground, 0.0, quiet, never)
    return _answer(ground, chosen, proven, "heuristic")


def solve_exact(
    snapshot: Snapshot, question: SitingQuestion, *, time_limit_s: float,
    progress: Callable[[float, float], None] = quiet, cancelled: Callable[[], bool] = never,
) -> SitingAnswer:  # fmt: skip
    """The best choice, proven if that takes no longer than ``time_limit_s``; else the best so far and its bound.

    ``progress`` is told the value and the bound; ``cancelled`` is asked several times a second, and what was found by
    then is the answer. Raises as ``site`` does.
    """
    ground = ground_of(snapshot, question)
    chosen, proven = _found(ground, time_limit_s, progress, cancelled)
    return _answer(ground, chosen, proven, "exact")


def _found(
    ground: Ground, time_limit_s: float, progress: Callable[[float, float], None], cancelled: Callable[[], bool]
) -> tuple[IntArray, Proven]:
    if ground.question.objective is Objective.FEWEST:
        return _fewest(ground, time_limit_s, progress, cancelled)
    rules = ground.book.rules()
    known = _good_choice(ground, rules)
    if ground.question.objective is Objective.FAIREST:
        return _fairest(ground, rules, known, time_limit_s, progress, cancelled)
    if time_limit_s > 0:
        best = prove(ground.model, rules, known, time_limit_s=time_limit_s, progress=progress, cancelled=cancelled)
        return best.chosen, Proven(best.proof, best.value, best.bound)
    bound = upper_bound(ground.model, rules, known, value_of(ground.model, known), steps=QUICK_STEPS)
    return bound.known, Proven(None, bound.known_value, bound.value)


def _good_choice(ground: Ground, rules: Rules) -> IntArray:
    try:
        known = good_choice(ground.model, rules, time_limit_s=FEASIBLE_S)
    except Undecided:
        item = ErrorItem(
            "spacing_m", "规定的时间内没有找到满足全部条件的选择,也没有证明其不存在",
            "no choice that keeps all conditions was found in time, nor a proof that there is none",
            remedy_zh="放宽间距或下限,或减少候选地点", remedy_en="relax spacing or floors, or give fewer candidates",
        )  # fmt: skip
        raise Refused("没有找到可行的选择。", "No choice was found.", errors=[item]) from None
    if known is None:
        raise ground.book.conflict(ground.model)
    return known


def _fairest(
    ground: Ground, rules: Rules, known: IntArray, time_limit_s: float, progress: Callable[[float, float], None],
    cancelled: Callable[[], bool],
) -> tuple[IntArray, Proven]:  # fmt: skip
    population = ground.districts.population.copy()
    population[-1] = 0.0  # people in no district
    best = fairest(
        ground.model, rules, ground.districts.covered, population, known, time_limit_s=time_limit_s, progress=progress,
        cancelled=cancelled,
    )  # fmt: skip
    proof = best.total.proof if best.lowest >= best.lowest_bound - 1e-6 else Proof.TIME_LIMIT
    return best.total.chosen, Proven(
        proof if time_limit_s > 0 else None, best.total.value, best.total.bound, lowest=best.lowest,
        lowest_bound=best.lowest_bound,
    )  # fmt: skip


def _fewest(
    ground: Ground, time_limit_s: float, progress: Callable[[float, float], None], cancelled: Callable[[], bool]
) -> tuple[IntArray, Proven]:
    rate = ground.question.target_rate or 0.0
    population, covered = float(ground.districts.population.sum()), float(ground.districts.covered.sum())
    goal = rate * population - covered
    rules = ground.book.rules()
    available = np.flatnonzero(~rules.barred)
    everything = float(people_by_group(ground.model, available, ground.districts.count).sum())
    most = min(MAX_SITES, len(available))
    best = None
    if everything >= goal:
        best = fewest(
            ground.model, lambda count: replace(rules, count=count), goal, most, time_limit_s=time_limit_s,
            progress=progress, cancelled=cancelled,
        )  # fmt: skip
    if best is None:
        reachable = (covered + everything) / population if population else 0.0
        item = ErrorItem(
            "target_rate", "达不到", "cannot be reached", value=f"{rate:g}",
            remedy_zh=f"全部候选地点都建可达 {reachable:.4f},至多选 {MAX_SITES} 个:降低目标,或增加候选地点",
            remedy_en=f"all candidates together reach {reachable:.4f}, and at most {MAX_SITES} are chosen: "
            "aim lower, or give more candidates",
        )  # fmt: skip
        raise InvalidInput("目标覆盖率达不到。", "The rate cannot be reached.", errors=[item])
    proof = best.proof if time_limit_s > 0 or best.at_least == len(best.chosen) else None
    return best.chosen, Proven(proof, value_of(ground.model, best.chosen), None, at_least=best.at_least)


def _answer(ground: Ground, chosen: IntArray, proven: Proven, method: str) -> SitingAnswer:
    model, question, candidates = ground.model, ground.question, ground.candidates
    order, adds = in_order(model, chosen)
    lost = losses(model, order)
    ends = np.cumsum(question.stages) if question.stages else np.array([len(order)])
    stage = np.searchsorted(ends, np.arange(1, len(order) + 1)) + 1
    forced = set(ground.book.forced.tolist())
    sites = [
        ChosenSite(
            id=candidates.ids[c], name=candidates.names[c], lng=float(candidates.lng[c]), lat=float(candidates.lat[c]),
            snap_m=round(float(candidates.places.snap_m[c]), 1), district=_area(ground, c, AreaLevel.DISTRICT),
            town=_area(ground, c, AreaLevel.TOWN), adds=float(adds[k]), lost_without=float(lost[k]),
            is_forced=c in forced, stage=int(stage[k]),
        )
        for k, c in enumerate(order.tolist())
    ]  # fmt: skip
    leaf = candidates.leaf[order]
    figures = _area_figures(ground, ground.covered_with(order), leaf[leaf >= 0])
    parameters = {
        **question.coverage.parameters(ground.snapshot), **question.parameters(), "method": method,
    }  # fmt: skip
    return SitingAnswer(
        run_id=_run_id(ground.snapshot, parameters),
        coverage_run_id=run_id(ground.snapshot, question.coverage),
        candidates=len(candidates),
        units=model.unit_count,
        chosen=sites,
        gained=float(adds.sum()),
        areas=figures,
        stages=_stages(ground, ends if question.stages else ends[:0], adds),
        proven=proven,
        robustness=robustness(ground, order) if question.robustness else None,
    )


def _stages(ground: Ground, ends: IntArray, adds: FloatArray) -> list[Stage]:
    """Each stage beside a bound on so many places, with the forced and forbidden ones but free of floors, which hold at
    the end.
    """
    found = []
    nothing = np.zeros(0, dtype=np.int64)
    rules = ground.book.rules()
    free = replace(rules, least_sites=np.zeros_like(rules.least_sites), forced=np.zeros_like(rules.forced))
    for k, count in enumerate(ends.tolist()):
        bound = upper_bound(ground.model, replace(free, count=count), nothing, 0.0, steps=QUICK_STEPS)
        told = None if ground.question.weights else bound.value
        found.append(Stage(k + 1, count, float(adds[:count].sum()), told))
    return found


def _area(ground: Ground, candidate: int, level: AreaLevel) -> AreaInfo | None:
    table, leaf = ground.snapshot.areas, int(ground.candidates.leaf[candidate])
    return None if leaf < 0 else table.ancestor(table.leaf_codes[leaf], level)


def _area_figures(ground: Ground, after: FloatArray, site_leaf: IntArray) -> list[AreaFigures]:
    snapshot = ground.snapshot
    table, people = snapshot.areas, people_by_leaf(snapshot)
    areas = [a for level in (AreaLevel.CITY, AreaLevel.DISTRICT) for a in table.areas if a.level is level]
    codes = [area.code for area in areas]
    sites = np.bincount(site_leaf, minlength=len(table.leaf_codes))
    by_area = (
        table.sum_leaves(codes, figure)
        for figure in (people.population, whole_covered(people, ground.covered), whole_covered(people, after), sites)
    )
    rows = zip(*by_area, strict=True)
    return [AreaFigures(area, *(int(n) for n in row)) for area, row in zip(areas, rows, strict=True)]


def _run_id(snapshot: Snapshot, parameters: dict[str, Any]) -> str:
    named = {"inputs": snapshot.inputs, "parameters": parameters, "method": METHOD_VERSION, "question": "siting"}
    return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:16]
