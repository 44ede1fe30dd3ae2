"""Fewest, fairest and impossible rules against every subset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from app.geo.siting import Rules, greedy, interchange, keeps_rules, people_by_group
from app.geo.siting_exact import Proof
from app.geo.siting_feasible import any_choice, good_choice, irreducible
from app.geo.siting_goals import fairest, fewest
from app.geo.siting_model import CoverModel
from tests.support.choosing import GROUPS, best_value, every_choice, is_allowed, random_model, random_rules


def in_people(model: CoverModel) -> CoverModel:
    return replace(model, weight=model.people)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("kind", ["plain", "forced", "sites", "spacing"])
def test_the_fewest(seed: int, kind: str) -> None:
    rng = np.random.default_rng([seed, 7])
    model = in_people(random_model(rng, 10))
    rules = random_rules(rng, model, kind=kind)
    goal = float(model.people.sum() * rng.uniform(0.05, 0.7))

    def reached(count: int) -> bool:
        best = best_value(model, replace(rules, count=count))
        return best is not None and best >= goal

    counts = [count for count in range(11) if reached(count)]
    for time_limit_s in (0.0, 10.0):
        found = fewest(model, lambda n: replace(rules, count=n), goal, 10, time_limit_s=time_limit_s)
        if not counts:
            assert found is None
            continue
        if found is None:
            assert kind == "spacing" and time_limit_s == 0.0
            continue
        chosen = tuple(found.chosen.tolist())
        assert is_allowed(model, chosen, replace(rules, count=len(chosen)))
        assert people_by_group(model, found.chosen, GROUPS).sum() >= goal
        assert found.at_least <= min(counts) <= len(chosen)
        if time_limit_s:
            assert len(chosen) == found.at_least == min(counts) and found.proof is Proof.OPTIMAL


@pytest.mark.parametrize("seed", range(16))
@pytest.mark.parametrize("kind", ["plain", "barred", "sites", "spacing", "people"])
def test_the_fairest(seed: int, kind: str) -> None:
    rng = np.random.default_rng([seed, 9])
    model = in_people(random_model(rng, 10))
    rules = random_rules(rng, model, kind=kind)
    everybody = np.bincount(model.group, weights=model.people, minlength=GROUPS)
    covered = np.round(rng.uniform(0, 500, GROUPS))
    population = everybody + covered + np.round(rng.uniform(0, 300, GROUPS))
    population[int(rng.integers(GROUPS))] = 0.0
    known = good_choice(model, rules, time_limit_s=5)
    every = every_choice(model, rules)
    assert (known is None) == (not every)
    if known is None:
        return
    alive = population > 0

    def figures(chosen: Sequence[int]) -> tuple[float, float]:
        gained = people_by_group(model, np.array(chosen, dtype=np.int64), GROUPS)
        return float(((covered + gained)[alive] / population[alive]).min()), float(gained.sum())

    lowest = max(figures(chosen)[0] for chosen in every)
    total = max(people for rate, people in map(figures, every) if rate >= lowest * (1 - 2e-9))
    quick = fairest(model, rules, covered, population, known, time_limit_s=0)
    best = fairest(model, rules, covered, population, known, time_limit_s=10)
    for found in (quick, best):
        assert is_allowed(model, tuple(found.total.chosen.tolist()), rules)
        assert figures(found.total.chosen.tolist())[0] == pytest.approx(found.lowest, abs=1e-9)
        assert found.lowest - 1e-9 <= lowest <= found.lowest_bound + 1e-6
    assert best.lowest == pytest.approx(lowest, abs=1e-6) == best.lowest_bound
    assert best.total.proof is Proof.OPTIMAL and best.total.value == pytest.approx(total, abs=1e-3)


@pytest.mark.parametrize("seed", range(30))
def test_some_choice_or_none(seed: int) -> None:
    rng = np.random.default_rng([seed, 11])
    model = random_model(rng, 9)
    rules = random_rules(rng, model)
    rules = replace(rules, least_people=rules.least_people * rng.choice([1.0, 2.5]))
    every = every_choice(model, rules)
    found = any_choice(model, rules, time_limit_s=5)
    assert (found is None) == (not every)
    assert found is None or tuple(found.tolist()) in every
    good = good_choice(model, rules, time_limit_s=5)
    assert (good is None) == (not every) and (good is None or keeps_rules(model, good, rules))
    counts = [n for n in range(10) if every_choice(model, replace(rules, count=n))]
    free = any_choice(model, rules, time_limit_s=5, any_count=True)
    assert (free is None) == (not counts) and (free is None or len(free) in counts)


def test_forced_places_that_exclude_each_other() -> None:
    model = random_model(np.random.default_rng(0), 6)
    rules = Rules.plain(6, GROUPS, 2)
    near_ptr, near = np.array([0, 1, 2, 2, 2, 2, 2]), np.array([1, 0], dtype=np.int32)
    rules = replace(rules, near_ptr=near_ptr, near=near)
    rules.forced[[0, 1]] = True
    assert any_choice(model, rules, time_limit_s=1) is None
    rules.forced[1] = False
    chosen = interchange(model, rules, greedy(model, rules))
    assert keeps_rules(model, chosen, rules) and 0 in chosen and 1 not in chosen
    rules.barred[0] = True
    assert any_choice(model, rules, time_limit_s=1) is None


@pytest.mark.parametrize("seed", range(20))
def test_conflicts_are_irreducible(seed: int) -> None:
    """Rules are sets of numbers; together they are possible where some number is in all of them."""
    rng = np.random.default_rng(seed)
    rules = [set(rng.choice(6, int(rng.integers(2, 6)), replace=False).tolist()) for _ in range(7)]

    def is_possible(some: Sequence[set[int]]) -> bool:
        return not some or bool(set.intersection(*some))

    if is_possible(rules):
        return
    found = irreducible(rules, is_possible)
    assert not is_possible(found)
    for size in range(len(found)):
        assert all(is_possible(part) for part in combinations(found, size))
