"""Siting on the small demonstration city: figures are differences of coverage, rules are kept, conflicts are told."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from pyproj import Geod
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, eye_array, hstack, vstack

from app.errors import InvalidInput, NotFound, NotWalkable, RulesConflict
from app.geo.siting import covered_units, value_of
from app.geo.siting_feasible import good_choice
from app.geo.whatif import Change, PieceIndex, area_coverage, changed
from app.models.vocabularies import AreaLevel
from app.services.bounded import BoundedCache
from app.services.coverage import CoverageQuery, coverage_rows, field_within, on_edge
from app.services.positions import read_position
from app.services.profiles import resolve_profile
from app.services.siting import SitingAnswer, site, solve_exact
from app.services.siting_ground import Ground, ground_of
from app.services.siting_question import Floor, GivenCandidate, Objective, SitingQuestion, Weight
from app.services.snapshot import Snapshot
from app.services.station_table import today

GEOD = Geod(ellps="WGS84")
QUERY = CoverageQuery(resolve_profile(), today())


def asked(**of_question: Any) -> SitingQuestion:
    return SitingQuestion(QUERY, **{"most_candidates": 150, **of_question})


def numbers_of(ground: Ground, answer: SitingAnswer) -> Any:
    at = {one: k for k, one in enumerate(ground.candidates.ids)}
    return np.array([at[site.id] for site in answer.chosen])


def covered_by(snapshot: Snapshot, ground: Ground, chosen: Any, query: CoverageQuery = QUERY) -> float:
    """People whom the open stations and the chosen cover, by the kernels of what-if."""
    network, frontage, leaves = snapshot.network, snapshot.frontage, len(snapshot.areas.leaf_codes)
    searcher, places, table = snapshot.variant(step_free=query.profile.step_free)
    base = area_coverage(
        network, frontage, leaves, field_within(snapshot, query, query.limit_mm), on_edge(snapshot, query),
        query.limit_mm,
    )  # fmt: skip
    after = changed(
        base, network, searcher, frontage, PieceIndex.of(frontage, network.edge_count, leaves), table, places,
        snapshot.open_mask(query.day), Change([], ground.candidates.places.take(np.asarray(chosen, dtype=np.int64))),
    )  # fmt: skip
    return float(after.by_area.sum())


@pytest.mark.parametrize("profile", ["adult", "wheelchair"])
def test_figures_are_differences_of_coverage(demo_snapshot: Snapshot, profile: str) -> None:
    query = CoverageQuery(resolve_profile(profile), today())
    question = replace(asked(count=6), coverage=query)
    answer, ground = site(demo_snapshot, question), ground_of(demo_snapshot, question)
    chosen = numbers_of(ground, answer)
    covered = [covered_by(demo_snapshot, ground, chosen[:k], query) for k in range(7)]
    assert [one.adds for one in answer.chosen] == pytest.approx(np.diff(covered).tolist(), abs=1e-6)
    for k, one in enumerate(answer.chosen):
        without = covered_by(demo_snapshot, ground, np.delete(chosen, k), query)
        assert one.lost_without == pytest.approx(covered[-1] - without, abs=1e-6)
    assert answer.gained == pytest.approx(covered[-1] - covered[0], abs=1e-6) and answer.gained > 0
    assert [one.adds for one in answer.chosen] == sorted((one.adds for one in answer.chosen), reverse=True)
    assert answer.proven.value == pytest.approx(answer.gained) and answer.proven.bound is not None
    assert answer.proven.value <= answer.proven.bound


def test_areas_before_are_those_of_coverage_and_add_up(demo_snapshot: Snapshot) -> None:
    answer = site(demo_snapshot, asked(count=8))
    city, *districts = answer.areas
    for level, some in ((AreaLevel.CITY, [city]), (AreaLevel.DISTRICT, districts)):
        rows = coverage_rows(demo_snapshot, QUERY, demo_snapshot.areas.of_level(level))
        assert [(r.area.code, r.population, r.covered, r.rate) for r in rows] == [
            (a.area.code, a.population, a.covered_before, a.rate_before) for a in some
        ]
    for name in ("population", "covered_before", "covered_after", "sites"):
        assert getattr(city, name) == sum(getattr(one, name) for one in districts)
    assert city.sites == 8 and city.covered_after - city.covered_before == pytest.approx(answer.gained, abs=100)
    assert all(one.covered_before <= one.covered_after <= one.population for one in answer.areas)


def test_the_proven_best_is_that_of_another_solver(demo_snapshot: Snapshot) -> None:
    question = asked(count=7)
    ground, told = ground_of(demo_snapshot, question), []
    answer = solve_exact(
        demo_snapshot, question, time_limit_s=15, progress=lambda value, bound: told.append((value, bound))
    )
    model = ground.model
    n, m = model.candidate_count, model.unit_count
    covering = csr_array((-np.ones(len(model.candidate)), model.candidate, model.unit_ptr), shape=(m, n))
    count = csr_array(np.concatenate([np.ones(n), np.zeros(m)])[None, :])
    rows = vstack([hstack([covering, eye_array(m)]), count])
    found = milp(
        -np.concatenate([np.zeros(n), model.weight]), bounds=Bounds(0, 1),
        integrality=np.concatenate([np.ones(n), np.zeros(m)]),
        constraints=LinearConstraint(rows, -np.inf, np.concatenate([np.zeros(m), [7.0]])),
        options={"mip_rel_gap": 1e-9},
    )  # fmt: skip
    assert answer.proven.proof == "optimal" and answer.proven.gap == pytest.approx(0, abs=1e-8)
    assert answer.proven.value == pytest.approx(-found.fun, rel=1e-7)
    assert all(value <= bound + 1e-6 for value, bound in told) and told
    quick = site(demo_snapshot, question)
    assert quick.proven.value <= answer.proven.value + 1e-6 <= (quick.proven.bound or 0) + 2e-6
    units = covered_units(model, numbers_of(ground, answer))
    assert answer.gained == pytest.approx(model.people[units].sum())


def test_more_sites_cover_more(demo_snapshot: Snapshot) -> None:
    gained = [solve_exact(demo_snapshot, asked(count=n), time_limit_s=10).gained for n in (1, 2, 5, 10)]
    assert all(less < more for less, more in pairwise(gained))


def test_candidates_are_crossings_apart_and_the_same_again(demo_snapshot: Snapshot) -> None:
    question = asked(count=1, candidate_spacing_m=700.0)
    held = ground_of(demo_snapshot, question).candidates
    fresh = demo_snapshot.network
    degree = np.diff(fresh.everywhere.indptr)
    at = {int(node): k for k, node in enumerate(fresh.node_id)}
    nodes = [at[int(one.removeprefix("node-"))] for one in held.ids]
    assert (degree[nodes] >= 3).all() and len(set(nodes)) == len(nodes) <= 150
    a, b = np.triu_indices(len(nodes), 1)
    assert (GEOD.inv(held.lng[a], held.lat[a], held.lng[b], held.lat[b])[2] >= 700.0).all()
    assert (held.leaf >= 0).all() and (held.places.snap_m == 0).all()
    assert held.lng == pytest.approx(fresh.node_lng[nodes])
    nothing_kept = replace(demo_snapshot, _answers=BoundedCache(64))
    assert ground_of(nothing_kept, question).candidates.ids == held.ids
    ground = ground_of(demo_snapshot, question)
    found = np.bincount(ground.book.plain.site_group, minlength=11)
    left = ground.districts.population - ground.districts.covered
    assert all(found[g] >= min(150 // 22, 1) for g in range(11) if left[g] > 20_000), "every district has its share"
    inside = ground_of(demo_snapshot, replace(question, within="440106")).candidates
    leaves = demo_snapshot.areas.leaves_of("440106")
    assert len(inside) and set(inside.leaf.tolist()) <= set(leaves.tolist())


def test_rules_are_kept(demo_snapshot: Snapshot) -> None:
    free = site(demo_snapshot, asked(count=6))
    best, last = free.chosen[0], ground_of(demo_snapshot, asked(count=6)).candidates.ids[-1]
    rates = {one.area.code: one.rate_before or 0.0 for one in free.areas[1:]}
    # a district where something can be gained by few
    gaining = max(free.areas[1:], key=lambda one: one.covered_after - one.covered_before)
    target = rates[gaining.area.code] + 0.5 * ((gaining.rate_after or 0.0) - rates[gaining.area.code])
    sites = next(one for one in free.areas[1:] if one.sites == 0 and _has_candidates(demo_snapshot, one.area.code))
    question = asked(
        count=6, forced=(last,), forbidden=(best.id,), spacing_m=900.0, station_spacing_m=400.0,
        floors=(Floor(sites.area.code, sites=1), Floor(gaining.area.code, rate=target)),
    )  # fmt: skip
    for answer in (site(demo_snapshot, question), solve_exact(demo_snapshot, question, time_limit_s=8)):
        ids = [one.id for one in answer.chosen]
        assert last in ids and best.id not in ids and len(ids) == len(set(ids)) == 6
        assert [one.is_forced for one in answer.chosen] == [one == last for one in ids]
        lng, lat = np.array([one.lng for one in answer.chosen]), np.array([one.lat for one in answer.chosen])
        a, b = np.triu_indices(6, 1)
        assert (GEOD.inv(lng[a], lat[a], lng[b], lat[b])[2] >= 900.0).all()
        mask = demo_snapshot.open_mask(QUERY.day)
        for station in (s for s, is_open in zip(demo_snapshot.stations.table.stations, mask, strict=True) if is_open):
            far = GEOD.inv(lng, lat, np.full(6, station.lng), np.full(6, station.lat))[2]
            assert (far >= 400.0).all()
        by_code = {one.area.code: one for one in answer.areas}
        assert by_code[sites.area.code].sites >= 1
        assert (by_code[gaining.area.code].rate_after or 0) >= target - 1e-4
        assert answer.gained <= (free.proven.bound or 0) + 1e-6


def _has_candidates(snapshot: Snapshot, code: str) -> bool:
    held = ground_of(snapshot, asked(count=6)).candidates
    return bool(np.isin(held.leaf, snapshot.areas.leaves_of(code)).any())


def test_weights_draw_sites_and_the_smallest_area_says(demo_snapshot: Snapshot) -> None:
    free = site(demo_snapshot, asked(count=5))
    poor = min(free.areas[1:], key=lambda one: one.sites).area.code
    only = site(demo_snapshot, asked(count=5, weights=(Weight("4401", 0.0), Weight(poor, 3.0))))
    gained = {one.area.code: one.covered_after - one.covered_before for one in only.areas[1:]}
    assert only.proven.value == pytest.approx(3 * gained[poor], rel=0.02)
    assert gained[poor] >= max(one.covered_after - one.covered_before for one in free.areas if one.area.code == poor)
    with pytest.raises(InvalidInput, match="weights"):
        site(demo_snapshot, asked(count=5, weights=(Weight("4401", 0.0),)))


def test_years_follow_the_order_and_are_bounded(demo_snapshot: Snapshot) -> None:
    answer = site(demo_snapshot, asked(stages=(2, 3, 1)))
    assert [one.stage for one in answer.chosen] == [1, 1, 2, 2, 2, 3]
    assert [one.sites for one in answer.stages] == [2, 5, 6]
    for one in answer.stages:
        assert one.gained == pytest.approx(sum(s.adds for s in answer.chosen[: one.sites]))
        alone = solve_exact(demo_snapshot, asked(count=one.sites), time_limit_s=10)
        assert one.gained <= alone.gained + 1e-6 and alone.gained <= (one.bound or 0) + 1e-6
    assert answer.run_id != site(demo_snapshot, asked(count=6)).run_id


def test_the_fairest_raises_the_lowest(demo_snapshot: Snapshot) -> None:
    most = site(demo_snapshot, asked(count=8))
    fair = site(demo_snapshot, asked(count=8, objective=Objective.FAIREST))
    proven = solve_exact(demo_snapshot, asked(count=8, objective=Objective.FAIREST), time_limit_s=10)
    lowest = [min(one.rate_after or 1.0 for one in answer.areas[1:]) for answer in (most, fair, proven)]
    assert lowest[0] <= lowest[1] + 1e-6 and lowest[1] <= lowest[2] + 1e-6
    for answer, least in ((fair, lowest[1]), (proven, lowest[2])):
        assert answer.proven.lowest == pytest.approx(least, abs=1e-4)
        assert (answer.proven.lowest_bound or 0) >= answer.proven.lowest - 1e-9
        assert answer.gained <= (most.proven.bound or 0) + 1e-6


def test_the_fewest_reach_the_rate_and_one_less_does_not(demo_snapshot: Snapshot) -> None:
    city = site(demo_snapshot, asked(count=6)).areas[0]
    target = ((city.covered_after + city.covered_before) / 2) / city.population
    answer = solve_exact(demo_snapshot, asked(objective=Objective.FEWEST, target_rate=target), time_limit_s=10)
    count = len(answer.chosen)
    assert answer.proven.proof == "optimal" and answer.proven.at_least == count > 1
    assert (answer.areas[0].rate_after or 0) >= target - 1e-5
    one_less = solve_exact(demo_snapshot, asked(count=count - 1), time_limit_s=10)
    assert one_less.proven.proof == "optimal" and (one_less.areas[0].rate_after or 1) < target
    nothing = site(demo_snapshot, asked(objective=Objective.FEWEST, target_rate=0.01))
    assert nothing.chosen == [] and nothing.proven.at_least == 0
    with pytest.raises(InvalidInput) as fault:
        site(demo_snapshot, asked(objective=Objective.FEWEST, target_rate=1.0))
    assert fault.value.errors[0].field == "target_rate" and "reach" in (fault.value.errors[0].remedy_en or "")


def test_robustness_is_the_question_asked_again(demo_snapshot: Snapshot) -> None:
    answer = site(demo_snapshot, asked(count=5, robustness=True))
    told = answer.robustness
    assert told is not None and site(demo_snapshot, asked(count=5)).robustness is None
    assert [(s.speed_kmh, s.minutes) for s in told.scenarios[:4]] == [(4.32, 15), (5.28, 15), (4.8, 14), (4.8, 16)]
    assert len(told.chosen_in) == 5 and all(0 <= n <= len(told.scenarios) for n in told.chosen_in)
    assert all(s.kept_share is not None and 0.5 < s.kept_share <= 1.01 for s in told.scenarios)
    # each scenario as a question of its own over the same places
    given = given_like(demo_snapshot, asked(count=5))
    known = {one.id: 0 for one in answer.chosen}
    for scenario in told.scenarios:
        query = CoverageQuery(resolve_profile("adult", scenario.speed_kmh), today(), scenario.minutes)
        ground = ground_of(demo_snapshot, replace(asked(count=5, candidates=given), coverage=query))
        best = good_choice(ground.model, ground.book.rules(), time_limit_s=1)
        assert best is not None
        ours = value_of(ground.model, numbers_of(ground, answer))
        assert scenario.kept_share == pytest.approx(ours / value_of(ground.model, best), abs=1e-4)
        for c in best.tolist():
            known[ground.candidates.ids[c]] = known.get(ground.candidates.ids[c], 0) + 1
    assert told.chosen_in == [known[one.id] for one in answer.chosen] and max(told.chosen_in) > 0


def given_like(snapshot: Snapshot, question: SitingQuestion) -> tuple[GivenCandidate, ...]:
    held = ground_of(snapshot, question).candidates
    return tuple(
        GivenCandidate(one, None, read_position(float(x), float(y), "wgs84"))
        for one, x, y in zip(held.ids, held.lng, held.lat, strict=True)
    )


def test_given_candidates_are_what_is_chosen_from(demo_snapshot: Snapshot) -> None:
    question = asked(count=4)
    given = given_like(demo_snapshot, question)
    answer = site(demo_snapshot, asked(count=4, candidates=given))
    assert answer.candidates == len(given) == 150
    assert answer.gained == pytest.approx(site(demo_snapshot, question).gained, rel=1e-3)
    few = site(demo_snapshot, asked(count=2, candidates=given[:2]))
    assert {one.id for one in few.chosen} == {given[0].id, given[1].id}
    ground = ground_of(demo_snapshot, asked(count=2, candidates=given[:2]))
    assert few.gained == pytest.approx(value_of(ground.model, np.array([0, 1])))


@pytest.mark.parametrize(
    ("of_question", "kind", "field"),
    [
        ({"count": 151}, InvalidInput, "count"),
        ({"stages": (100, 51)}, InvalidInput, "stages"),
        ({}, InvalidInput, "count"),
        ({"count": 3, "stages": (1, 1)}, InvalidInput, "stages"),
        ({"count": 3, "target_rate": 0.5}, InvalidInput, "target_rate"),
        ({"count": 3, "objective": Objective.FEWEST, "target_rate": 0.5}, InvalidInput, "count"),
        ({"objective": Objective.FEWEST}, InvalidInput, "target_rate"),
        ({"count": 3, "forced": ("x",)}, InvalidInput, "forced"),
        ({"count": 3, "forbidden": ("x",)}, InvalidInput, "forbidden"),
        ({"count": 3, "forced": ("x",), "forbidden": ("x",)}, InvalidInput, "forbidden"),
        ({"count": 3, "within": "99"}, NotFound, "within"),
        ({"count": 3, "floors": (Floor("99", sites=1),)}, NotFound, "floors[0].area"),
        ({"count": 3, "floors": (Floor("4401", sites=1),)}, InvalidInput, "floors[0].area"),
        ({"count": 3, "floors": (Floor("440106"),)}, InvalidInput, "floors[0]"),
        ({"count": 3, "floors": (Floor("440106", 1, 0.5),)}, InvalidInput, "floors[0]"),
        ({"count": 3, "floors": (Floor("440106", 1), Floor("440106", 2))}, InvalidInput, "floors"),
        ({"count": 3, "floors": (Floor("440106", 2), Floor("440111", 2))}, RulesConflict, "floors"),
        ({"count": 3, "floors": (Floor("440106", rate=1.0),)}, RulesConflict, "floors[0].rate"),
        ({"count": 500, "most_candidates": 600, "floors": (Floor("440106", 400),)}, RulesConflict, "floors[0].sites"),
        ({"count": 3, "weights": (Weight("99", 2.0),)}, NotFound, "weights[0].area"),
        ({"count": 3, "weights": (Weight("4401", 2.0), Weight("4401", 1.0))}, InvalidInput, "weights"),
        ({"count": 3, "robustness": True, "objective": Objective.FAIREST}, InvalidInput, "robustness"),
    ],
)
def test_bad_questions_name_field_value_and_remedy(
    demo_snapshot: Snapshot, of_question: dict[str, Any], kind: type[Exception], field: str
) -> None:
    with pytest.raises(kind) as fault:
        site(demo_snapshot, asked(**of_question))
    assert type(fault.value) is kind
    items = {item.field: item for item in fault.value.errors}  # type: ignore[attr-defined]
    assert field in items and items[field].remedy_zh and items[field].remedy_en


def test_candidates_off_the_streets_are_named(demo_snapshot: Snapshot) -> None:
    sea = GivenCandidate("sea", None, read_position(114.5, 21.0, "wgs84"))
    good = given_like(demo_snapshot, asked(count=1))[0]
    with pytest.raises(NotWalkable) as fault:
        site(demo_snapshot, asked(count=1, candidates=(good, sea)))
    (item,) = fault.value.errors
    assert item.field == "candidates[1]" and "sea" in (item.value or "") and item.remedy_en
    with pytest.raises(InvalidInput) as twice:
        site(demo_snapshot, asked(count=1, candidates=(good, good)))
    assert twice.value.errors[0].field == "candidates[1].id"


def test_a_conflict_is_irreducible(demo_snapshot: Snapshot) -> None:
    """Three places in a row: two too near to the middle one, which is forced; so one, or two, but never with it."""
    given = given_like(demo_snapshot, asked(count=1, candidate_spacing_m=300.0))
    first = given[0]
    lng, lat = first.position.lng, first.position.lat
    near = [
        GivenCandidate(f"p{k}", None, read_position(lng + k * 3e-4, lat, "wgs84")) for k in range(3)
    ]  # about 31 m apart
    far = given[-1]
    candidates = (*near, far)
    with pytest.raises(RulesConflict) as fault:
        site(demo_snapshot, asked(count=3, candidates=candidates, spacing_m=100.0, forbidden=("p2",)))
    assert {item.field for item in fault.value.errors} == {"count", "spacing_m"}, "forbidden has no part in it"
    assert all(item.remedy_zh and item.value for item in fault.value.errors)
    two = site(demo_snapshot, asked(count=2, candidates=candidates, spacing_m=100.0, forced=("p1",)))
    assert {one.id for one in two.chosen} == {"p1", far.id}
    with pytest.raises(RulesConflict) as forced:
        site(demo_snapshot, asked(count=2, candidates=candidates, spacing_m=100.0, forced=("p0", "p1")))
    assert forced.value.errors[0].field == "forced" and forced.value.errors[0].value == "p0, p1"


def test_cancelled_at_once_it_answers_all_the_same(demo_snapshot: Snapshot) -> None:
    answer = solve_exact(demo_snapshot, asked(count=12), time_limit_s=15, cancelled=lambda: True)
    assert len(answer.chosen) == 12 and answer.proven.proof in ("cancelled", "optimal")
    assert answer.proven.value <= (answer.proven.bound or 0) + 1e-6
