"""An upper bound on what any choice can newly cover, and which candidates the best choice cannot, or must, have.

Lagrangian relaxation of the maximal covering model (Galvão & ReVelle 1996): unit u is covered only if one of its
candidates is chosen, x_u ≤ Σ y_j; these rows are priced with 0 ≤ λ_u ≤ w_u. What is left falls apart into units
(Σ max(0, w_u - λ_u)) and a choice of candidates by their prices μ_j = Σ λ_u, for which greedy is exact: places, forced
ones and floors by group are the bases of a matroid. Spacing and floors of people are left out, which only raises the
bound. λ is improved by subgradient steps (Held, Wolfe & Crowder 1974).

On the way every basis is a choice; with exchanges it is often a better one than was known (the Lagrangean heuristic).

A candidate whose being chosen (or not) brings the bound to no more than what is known to be reached can be left out (or
fixed) without losing the best: only one exchange changes a basis, so that bound costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numba as nb
import numpy as np

from app.geo.arrays import BoolArray, FloatArray, IntArray
from app.geo.siting import TINY, Rules, interchange, keeps_rules, value_of
from app.geo.siting_model import CoverModel

STEPS = 600
PATIENCE = 12  # steps without a better bound, after which steps are half as long
SHORTEST = 1e-3
TRY_EVERY = 10  # steps
ROUNDING = 1e-11  # of all weight: what sums of floats may be off by, always added to the bound


@dataclass(frozen=True)
class Bound:
    """``value`` is never less than what any choice that keeps the rules newly covers (in weight).

    ``known`` is the best choice met, with its value. ``out`` are candidates without which nothing better than the known
    value is lost; ``within`` are those without which nothing better can be reached.
    """

    value: float
    known: IntArray
    known_value: float
    out: BoolArray
    within: BoolArray


def upper_bound(
    model: CoverModel, rules: Rules, known: IntArray, known_value: float, *, steps: int = STEPS,
    stop: Callable[[], bool] = lambda: False, enough: float = -np.inf,
) -> Bound:  # fmt: skip
    """The bound, beside a choice that keeps the rules and its value; the choice's own candidates are never left out.

    ``stop`` is asked now and then; the bound holds whenever it ends. It ends as well once it is below ``enough``.
    """
    state = _State.of(model, known)
    upper, length, waited = float("inf"), 1.0, 0
    out, within = np.zeros(model.candidate_count, np.bool_), np.zeros(model.candidate_count, np.bool_)
    for step in range(steps):
        price = _prices(model.ptr, model.unit, state.multiplier)
        chosen, least_out, most_in = _best_basis(price, rules)
        value = float(np.maximum(model.weight - state.multiplier, 0.0).sum() + price[chosen].sum())
        value += ROUNDING * float(model.weight.sum())
        if value < upper - 1e-6 * abs(upper - known_value) or not np.isfinite(upper):
            upper, waited = value, 0
        else:
            waited += 1
        if step % TRY_EVERY == 0:
            known, known_value = _better(model, rules, chosen, known, known_value)
        selected = np.zeros(model.candidate_count, np.bool_)
        selected[chosen] = True
        out |= ~selected & (value - least_out + price <= known_value)
        within |= selected & (value - price + most_in <= known_value)
        if waited >= PATIENCE:
            length, waited = length / 2, 0
        if upper <= max(known_value * (1 + TINY), enough) or length < SHORTEST or (step % 16 == 15 and stop()):
            break
        state.improve(model, chosen, length * max(upper - known_value, 0.0) + TINY * upper)
    # a choice that is known stays whole, though nothing better may hold one of its places
    out[known] = False
    within &= np.isin(np.arange(model.candidate_count), known)
    return Bound(max(upper, known_value), known, known_value, out, within)


def _better(
    model: CoverModel, rules: Rules, chosen: IntArray, known: IntArray, known_value: float
) -> tuple[IntArray, float]:
    """What exchanges make of a basis, where that keeps the rules and is better than what is known."""
    if len(chosen) != rules.count or not keeps_rules(model, chosen, rules):
        return known, known_value
    found = np.sort(interchange(model, rules, chosen))
    value = value_of(model, found)
    return (found, value) if value > known_value and keeps_rules(model, found, rules) else (known, known_value)


@dataclass
class _State:
    """The multipliers; they begin as what each chosen place would say its units cost."""

    multiplier: FloatArray

    @classmethod
    def of(cls, model: CoverModel, known: IntArray) -> _State:
        times = _times(model.ptr, model.unit, known, model.unit_count)
        return cls(model.weight / np.maximum(times, 1))

    def improve(self, model: CoverModel, chosen: IntArray, room: float) -> None:
        times = _times(model.ptr, model.unit, chosen, model.unit_count)
        _step(self.multiplier, model.weight, times, room)


def _best_basis(price: FloatArray, rules: Rules) -> tuple[IntArray, float, float]:
    """The dearest choice under places, forced, barred and floors of sites; the cheapest that may leave it, the dearest
    outside.
    """
    order = np.argsort(-price, kind="stable")
    order = order[~rules.barred[order]]
    taken = rules.forced.copy()
    groups = len(rules.least_sites)
    stands = rules.site_group
    owed = rules.least_sites - np.bincount(stands[taken & (stands >= 0)], minlength=groups)
    for g in np.flatnonzero(owed > 0):
        free = order[(stands[order] == g) & ~taken[order]]
        taken[free[: owed[g]]] = True
    free = order[~taken[order]]
    room = max(rules.count - int(taken.sum()), 0)
    taken[free[:room]] = True
    chosen = np.flatnonzero(taken)
    leaving = price[taken & ~rules.forced]
    outside = free[room:]
    return (
        chosen,
        float(leaving.min()) if len(leaving) else np.inf,
        float(price[outside[0]]) if len(outside) else -np.inf,
    )


@nb.njit(nogil=True, cache=True)
def _prices(ptr, unit, multiplier):  # type: ignore[no-untyped-def]
    price = np.zeros(len(ptr) - 1)
    for c in range(len(price)):
        total = 0.0
        for at in range(ptr[c], ptr[c + 1]):
            total += multiplier[unit[at]]
        price[c] = total
    return price


@nb.njit(nogil=True, cache=True)
def _times(ptr, unit, chosen, unit_count):  # type: ignore[no-untyped-def]
    times = np.zeros(unit_count, np.int32)
    for c in chosen:
        for at in range(ptr[c], ptr[c + 1]):
            times[unit[at]] += 1
    return times


@nb.njit(nogil=True, cache=True)
def _step(multiplier, weight, times, room):  # type: ignore[no-untyped-def]
    """One subgradient step of length ``room`` over the squared gradient; multipliers stay within 0 and the weight."""
    square = 0.0
    for u in range(len(weight)):
        g = times[u] - (1 if weight[u] > multiplier[u] else 0)
        if (g > 0 and multiplier[u] > 0.0) or g < 0:
            square += g * g
    if square == 0.0:
        return
    step = room / square
    for u in range(len(weight)):
        g = times[u] - (1 if weight[u] > multiplier[u] else 0)
        multiplier[u] = min(weight[u], max(0.0, multiplier[u] - step * g))
