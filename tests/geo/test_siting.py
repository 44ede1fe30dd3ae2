"""Choices of places against every subset: greedy and exchanges keep the rules and never beat the best; the proven best
is the best; bounds hold."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import csr_array, eye_array, hstack, vstack

from app.geo import siting_bound
from app.geo.siting import Rules, greedy, in_order, interchange, keeps_rules, value_of
from app.geo.siting_bound import upper_bound
from app.geo.siting_exact import Proof, solve_exact
from app.geo.siting_model import CoverModel
from app.geo.siting_places import neighbour_rows
from app.geo.siting_program import cliques
from app.geo.siting_reduce import reduced
from tests.support.choosing import GROUPS, best_value, every_choice, is_allowed, random_model, random_rules, weight_of

KINDS = ("plain", "forced", "barred", "sites", "people", "spacing", "mixed")


def lp_bound(model: CoverModel, count: int) -> float:
    """The linear relaxation of maximal covering without rules, by another solver's interface."""
    n, m = model.candidate_count, model.unit_count
    covering = csr_array((-np.ones(len(model.candidate)), model.candidate, model.unit_ptr), shape=(m, n))
    rows = vstack([hstack([covering, eye_array(m)]), csr_array(np.concatenate([np.ones(n), np.zeros(m)])[None, :])])
    cost = np.concatenate([np.zeros(n), -model.weight])
    found = linprog(cost, A_ub=rows, b_ub=np.concatenate([np.zeros(m), [count]]), bounds=(0, 1), method="highs")
    return float(-found.fun)


def simple_greedy(model: CoverModel, count: int) -> list[int]:
    """Without laziness: every gain anew, of equal ones the lower number."""
    chosen: list[int] = []
    for _ in range(count):
        have = weight_of(model, tuple(chosen))
        gains = [-1.0 if c in chosen else weight_of(model, (*chosen, c)) - have for c in range(model.candidate_count)]
        chosen.append(int(np.argmax(np.round(gains, 9))))
    return chosen


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(12))
def test_against_every_subset(seed: int, kind: str) -> None:
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    model = random_model(rng)
    rules = random_rules(rng, model, kind=kind)
    every = every_choice(model, rules)
    for some in combinations(range(model.candidate_count), rules.count):
        assert keeps_rules(model, np.array(some), rules) == (some in every)
    if not every:
        return
    best = max(weight_of(model, chosen) for chosen in every)
    for start in (np.array(every[0]), np.array(every[-1]), greedy(model, rules)):
        if not keeps_rules(model, start, rules):
            assert kind in ("people", "spacing", "mixed"), "greedy may only miss what it does not promise"
            continue
        swapped = interchange(model, rules, start)
        assert is_allowed(model, tuple(swapped.tolist()), rules)
        assert value_of(model, start) - 1e-6 <= value_of(model, swapped) <= best + 1e-6
        bound = upper_bound(model, rules, swapped, value_of(model, swapped))
        assert bound.value >= best - 1e-6
        assert bound.known_value == pytest.approx(weight_of(model, tuple(bound.known.tolist())))
        better = [chosen for chosen in every if weight_of(model, chosen) > bound.known_value + 1e-6]
        if better:
            assert any(not bound.out[list(chosen)].any() for chosen in better)
            assert all(bound.within[list(chosen)].sum() == bound.within.sum() for chosen in better)
        found = solve_exact(model, rules, start, time_limit_s=10)
        assert is_allowed(model, tuple(found.chosen.tolist()), rules)
        assert found.proof is Proof.OPTIMAL and found.value == pytest.approx(best, abs=1e-6)
        assert found.value <= found.bound + 1e-9 and found.gap <= 1e-8


@pytest.mark.parametrize("kind", ["plain", "sites", "forced", "mixed"])
@pytest.mark.parametrize("seed", range(15))
def test_what_is_left_out_or_fixed_loses_nothing_better(seed: int, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside any known choice, however poor: whoever holds what is left out, or lacks what is fixed, is no better."""
    rng = np.random.default_rng([seed, 3])
    model = random_model(rng)
    rules = random_rules(rng, model, kind=kind)
    ranked = sorted(every_choice(model, rules), key=lambda chosen: weight_of(model, chosen))
    monkeypatch.setattr(siting_bound, "_better", lambda model, rules, chosen, known, value: (known, value))
    for known in ranked[:: max(len(ranked) // 8, 1)]:
        value = weight_of(model, known)
        bound = upper_bound(model, rules, np.array(known), value)
        assert bound.known_value == value and not bound.out[list(known)].any()
        for chosen in ranked:
            if bound.out[list(chosen)].any() or not set(np.flatnonzero(bound.within)) <= set(chosen):
                assert weight_of(model, chosen) <= value + 1e-6


@pytest.mark.parametrize("seed", range(10))
def test_lazy_greedy_is_greedy(seed: int) -> None:
    model = random_model(np.random.default_rng(seed), 25, 60)
    rules = Rules.plain(25, GROUPS, 8)
    assert value_of(model, greedy(model, rules)) == pytest.approx(weight_of(model, tuple(simple_greedy(model, 8))))


@pytest.mark.parametrize("seed", range(10))
def test_no_exchange_is_left_that_gains(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = random_model(rng, 25, 60)
    rules = random_rules(rng, model, kind="spacing")
    chosen = greedy(model, rules)
    if len(chosen) < rules.count:
        return
    settled = interchange(model, rules, chosen).tolist()
    value = weight_of(model, tuple(settled))
    for out in settled:
        for other in set(range(25)) - set(settled):
            trial = tuple(sorted({*settled, other} - {out}))
            if is_allowed(model, trial, rules):
                assert weight_of(model, trial) <= value + 1e-6


@pytest.mark.parametrize("seed", range(6))
def test_more_places_cover_more_and_bounds_hold(seed: int) -> None:
    model = random_model(np.random.default_rng(seed), 30, 90)
    before = 0.0
    for count in range(12):
        rules = Rules.plain(30, GROUPS, count)
        known = interchange(model, rules, greedy(model, rules))
        found = solve_exact(model, rules, known, time_limit_s=10)
        assert before - 1e-6 <= found.value and value_of(model, known) <= found.value + 1e-9
        relaxed = lp_bound(model, count)
        assert found.value <= relaxed + 1e-6
        dual = upper_bound(model, rules, known, value_of(model, known))
        # the multipliers go towards the linear bound, never below
        assert relaxed - 1e-6 <= dual.value <= relaxed * 1.02 + 1e-6 and found.value <= dual.value + 1e-6
        before = found.value


def test_values_by_hand() -> None:
    """Three places: the two ends of a street together cover more than the middle with either, which greedy takes."""
    ptr, unit = np.array([0, 2, 4, 6]), np.array([0, 1, 1, 2, 2, 3], dtype=np.int32)
    people = np.array([9.0, 10.0, 10.0, 9.0])
    model = CoverModel(
        people, people, np.zeros(4, np.int32), ptr, unit, np.array([0, 1, 3, 5, 6]),
        np.array([0, 0, 1, 1, 2, 2], dtype=np.int32),
    )  # fmt: skip
    rules = Rules.plain(3, 1, 2)
    taken = greedy(model, rules)
    assert taken.tolist() == [1, 0] and value_of(model, taken) == 29.0
    assert sorted(interchange(model, rules, taken).tolist()) == [0, 2]
    assert in_order(model, np.array([2, 0]))[1].tolist() == [19.0, 19.0]
    assert solve_exact(model, rules, taken, time_limit_s=5).value == 38.0


@pytest.mark.parametrize("seed", range(10))
def test_what_is_left_has_the_same_values(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = random_model(rng, 14, 50)
    keep, fixed = rng.random(14) < 0.6, np.flatnonzero(rng.random(14) < 0.15)
    left = reduced(model, keep, fixed, GROUPS)
    assert set(left.kept.tolist()) == set(np.flatnonzero(keep).tolist()) - set(fixed.tolist())
    for _ in range(20):
        some = np.flatnonzero(rng.random(len(left.kept)) < 0.4)
        whole = weight_of(model, tuple(np.concatenate([left.kept[some], fixed]).tolist()))
        assert left.constant + left.own_weight[some].sum() + value_of(left.model, some) == pytest.approx(whole)


@pytest.mark.parametrize("seed", range(10))
def test_rows_of_spacing_are_the_pairs_that_are_too_near(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = random_model(rng, 14)
    first, second = np.triu_indices(14, 1)
    near = rng.random(len(first)) < 0.5
    near_ptr, neighbours = neighbour_rows(first[near], second[near], 14)
    rules = replace(Rules.plain(14, GROUPS, 3), near_ptr=near_ptr, near=neighbours)
    left = reduced(model, rng.random(14) < 0.8, np.zeros(0, dtype=np.int64), GROUPS)
    rows = cliques(left, rules).tolil().rows
    told = {(int(left.kept[a]), int(left.kept[b])) for row in rows for a, b in combinations(sorted(row), 2)}
    pairs = set(zip(first[near].tolist(), second[near].tolist(), strict=True))
    assert told == {(a, b) for a, b in pairs if a in left.kept and b in left.kept} and len(rows) < len(told)


def test_a_search_can_be_cancelled_and_is_told_of() -> None:
    model = random_model(np.random.default_rng(5), 400, 3000)
    rules = Rules.plain(400, GROUPS, 60)
    known = greedy(model, rules)
    told: list[tuple[float, float]] = []
    found = solve_exact(
        model, rules, known, time_limit_s=20, progress=lambda value, bound: told.append((value, bound)),
        cancelled=lambda: bool(told),
    )  # fmt: skip
    assert found.proof in (Proof.CANCELLED, Proof.OPTIMAL) and told
    assert found.value >= value_of(model, known) and found.bound >= found.value
    assert all(value <= bound + 1e-6 for value, bound in told)
    hurried = solve_exact(model, rules, known, time_limit_s=0.01)
    assert hurried.bound >= hurried.value and hurried.bound >= found.value - 1e-6


def test_a_known_choice_has_to_keep_the_rules() -> None:
    model = random_model(np.random.default_rng(1))
    rules = replace(Rules.plain(12, GROUPS, 2), least_people=np.full(GROUPS, 1e9))
    with pytest.raises(ValueError, match="keep the rules"):
        solve_exact(model, rules, np.array([0, 1]), time_limit_s=1)
    assert best_value(model, rules) is None
