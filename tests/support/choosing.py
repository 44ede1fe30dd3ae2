"""Small choices of places with an answer that can be looked up: every subset is tried."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np

from app.geo.siting import Rules
from app.geo.siting_model import CoverModel, transposed
from app.geo.siting_places import neighbour_rows

GROUPS = 3


def random_model(rng: np.random.Generator, candidates: int = 12, units: int = 40) -> CoverModel:
    """Sets at random: each candidate covers a run of units on a ring and a few others, as neighbours do."""
    rows = []
    for _ in range(candidates):
        start, length = int(rng.integers(units)), int(rng.integers(0, 10))
        run = (start + np.arange(length)) % units
        rows.append(np.unique(np.concatenate([run, rng.integers(0, units, int(rng.integers(0, 3)))])))
    ptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    unit = np.concatenate(rows).astype(np.int32)
    unit_ptr, candidate = transposed(ptr, unit, units)
    people = np.round(rng.gamma(1.0, 100.0, units), 3)
    weight = people * rng.choice([1.0, 1.0, 2.0, 0.0], units)
    return CoverModel(people, weight, rng.integers(0, GROUPS, units).astype(np.int32), ptr, unit, unit_ptr, candidate)


def random_rules(rng: np.random.Generator, model: CoverModel, *, kind: str = "mixed") -> Rules:
    """Rules of one kind, or of all at once; they may leave no choice at all."""
    count = model.candidate_count
    rules = Rules.plain(count, GROUPS, int(rng.integers(1, 6)))
    rules = replace(rules, site_group=rng.integers(-1, GROUPS, count).astype(np.int32))
    if kind in ("forced", "mixed"):
        rules.forced[rng.choice(count, int(rng.integers(0, 2)), replace=False)] = True
    if kind in ("barred", "mixed"):
        rules.barred[rng.choice(count, int(rng.integers(0, 3)), replace=False)] = True
        rules.barred[rules.forced] = False
    if kind in ("sites", "mixed"):
        rules.least_sites[:] = rng.choice([0, 0, 1, 2], GROUPS)
    if kind in ("people", "mixed"):
        most = np.bincount(model.group, weights=model.people, minlength=GROUPS)
        rules.least_people[:] = most * rng.choice([0.0, 0.1, 0.3], GROUPS)
    if kind in ("spacing", "mixed"):
        first, second = np.triu_indices(count, 1)
        near = rng.random(len(first)) < rng.choice([0.15, 0.45])
        near_ptr, neighbours = neighbour_rows(first[near], second[near], count)
        rules = replace(rules, near_ptr=near_ptr, near=neighbours)
    return rules


def is_allowed(model: CoverModel, chosen: tuple[int, ...], rules: Rules) -> bool:
    """The rules once more, in plain words."""
    if len(set(chosen)) != rules.count or any(rules.barred[c] for c in chosen):
        return False
    if any(rules.forced[c] and c not in chosen for c in range(model.candidate_count)):
        return False
    near = {(c, int(d)) for c in chosen for d in rules.near[rules.near_ptr[c] : rules.near_ptr[c + 1]]}
    if any(d in chosen for _, d in near):
        return False
    covered = {int(u) for c in chosen for u in model.unit[model.ptr[c] : model.ptr[c + 1]]}
    for g in range(GROUPS):
        if sum(rules.site_group[c] == g for c in chosen) < rules.least_sites[g]:
            return False
        if sum(model.people[u] for u in covered if model.group[u] == g) < rules.least_people[g] - 1e-6:
            return False
    return True


def weight_of(model: CoverModel, chosen: tuple[int, ...]) -> float:
    """What a choice newly covers, by sets."""
    units = {int(u) for c in chosen for u in model.unit[model.ptr[c] : model.ptr[c + 1]]}
    return float(sum(model.weight[u] for u in units))


def every_choice(model: CoverModel, rules: Rules) -> list[tuple[int, ...]]:
    """All choices that keep the rules."""
    every = combinations(range(model.candidate_count), rules.count)
    return [chosen for chosen in every if is_allowed(model, chosen, rules)]


def best_value(model: CoverModel, rules: Rules) -> float | None:
    """The value of the best choice of all; None where there is none."""
    values = [weight_of(model, chosen) for chosen in every_choice(model, rules)]
    return max(values) if values else None
