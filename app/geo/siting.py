"""Where the next stations go: lazy greedy and interchange over the exact covering model.

Newly covered people are a monotone submodular function of the places chosen, so greedy reaches at least 1 - 1/e of the
best (Nemhauser, Wolsey & Fisher 1978); a gain that was computed earlier bounds the gain now, so few are computed again
(Minoux 1978). Then a chosen place is exchanged for another as long as that gains (vertex substitution: Teitz & Bart
1968). The proven best is in ``app.geo.siting_exact``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba as nb
import numpy as np

from app.geo.arrays import BoolArray, FloatArray, Int32Array, IntArray
from app.geo.siting_model import CoverModel
from app.geo.siting_places import neighbour_rows

ROUNDS = 100  # over all candidates, of exchanges; a handful is what it takes
TINY = 1e-9  # of everything there is to gain: an exchange that gains less is none


@dataclass(frozen=True)
class Rules:
    """What a choice has to keep, besides having ``count`` places (``None``: as few as the floors need).

    ``forced`` are chosen, ``barred`` are not (both by candidate). ``site_group`` is the group a candidate stands in,
    -1 for none; at least ``least_sites[g]`` of group g are chosen. The chosen newly cover at least ``least_people[g]``
    of group g. ``near_ptr, near`` are the candidates that may not be chosen together (compressed rows, both ways).
    """

    count: int
    forced: BoolArray
    barred: BoolArray
    site_group: Int32Array
    least_sites: IntArray
    least_people: FloatArray
    near_ptr: IntArray
    near: Int32Array

    @classmethod
    def plain(cls, candidates: int, groups: int, count: int) -> Rules:
        """Nothing but the number of places."""
        nothing = np.zeros(0, dtype=np.int64)
        near_ptr, near = neighbour_rows(nothing, nothing, candidates)
        return cls(
            count, np.zeros(candidates, np.bool_), np.zeros(candidates, np.bool_), np.full(candidates, -1, np.int32),
            np.zeros(groups, np.int64), np.zeros(groups), near_ptr, near,
        )  # fmt: skip

    @property
    def has_floors_of_people(self) -> bool:
        return bool((self.least_people > 0).any())


def value_of(model: CoverModel, chosen: IntArray) -> float:
    """The weight that the chosen newly cover together."""
    return float(model.weight[covered_units(model, chosen)].sum())


def covered_units(model: CoverModel, chosen: IntArray) -> IntArray:
    """The units that the chosen cover, ascending."""
    parts = [model.unit[model.ptr[c] : model.ptr[c + 1]] for c in chosen]
    return np.unique(np.concatenate([np.zeros(0, dtype=np.int32), *parts])).astype(np.int64)


def people_by_group(model: CoverModel, chosen: IntArray, groups: int) -> FloatArray:
    """The people of every group that the chosen newly cover."""
    units = covered_units(model, chosen)
    return np.bincount(model.group[units], weights=model.people[units], minlength=groups).astype(np.float64)


def keeps_rules(model: CoverModel, chosen: IntArray, rules: Rules) -> bool:
    """Does a choice keep them all? Floors of people to one part in 10^9, as sums are rounded."""
    is_chosen = np.zeros(model.candidate_count, dtype=np.bool_)
    is_chosen[chosen] = True
    if is_chosen.sum() != rules.count or len(chosen) != rules.count or (is_chosen & rules.barred).any():
        return False
    if (rules.forced & ~is_chosen).any():
        return False
    groups = len(rules.least_sites)
    stands = rules.site_group[chosen]
    if (np.bincount(stands[stands >= 0], minlength=groups) < rules.least_sites).any():
        return False
    if any(is_chosen[rules.near[rules.near_ptr[c] : rules.near_ptr[c + 1]]].any() for c in chosen):
        return False
    if not rules.has_floors_of_people:
        return True
    return bool((people_by_group(model, chosen, groups) >= rules.least_people * (1 - 1e-9)).all())


def greedy(model: CoverModel, rules: Rules) -> IntArray:
    """Places in the order chosen: the forced ones first, then whatever gains most, floors kept in view.

    Fewer than ``rules.count`` where spacing leaves no more; floors of people may be missed (see ``keeps_rules``).
    """
    chosen: IntArray = _greedy(
        model.ptr, model.unit, model.weight, model.people, model.group, rules.count, rules.forced, rules.barred,
        rules.site_group, rules.least_sites, rules.least_people, rules.near_ptr, rules.near,
    )  # fmt: skip
    return chosen


def interchange(model: CoverModel, rules: Rules, chosen: IntArray) -> IntArray:
    """The choice after all exchanges that gain and keep the rules; a choice that keeps them goes on keeping them."""
    found: IntArray = _interchange(
        model.ptr, model.unit, model.weight, model.people, model.group, chosen, rules.forced, rules.barred,
        rules.site_group, rules.least_sites, rules.least_people, rules.near_ptr, rules.near, ROUNDS,
    )  # fmt: skip
    return found


def in_order(model: CoverModel, chosen: IntArray, first: IntArray | None = None) -> tuple[IntArray, FloatArray]:
    """The chosen by what each adds to those before it, most first (those of ``first`` before all others); and the
    people that it adds.
    """
    within = np.zeros(model.candidate_count, dtype=np.bool_)
    within[chosen] = True
    rules = Rules.plain(model.candidate_count, int(model.group.max(initial=0)) + 1, len(chosen))
    if first is not None:
        rules.forced[first] = True
    rules.barred[~within] = True
    order = greedy(model, rules)
    marginal: FloatArray = _marginal(model.ptr, model.unit, model.people, order)
    return order, marginal


def losses(model: CoverModel, chosen: IntArray) -> FloatArray:
    """By place of a choice, the people who would be lost without it: those whom no other of the chosen covers."""
    lost: FloatArray = _losses(model.ptr, model.unit, model.people, chosen)
    return lost


@nb.njit(nogil=True, cache=True)
def _marginal(ptr, unit, people, order):  # type: ignore[no-untyped-def]
    covered = np.zeros(len(people), np.bool_)
    marginal = np.zeros(len(order))
    for k in range(len(order)):
        for at in range(ptr[order[k]], ptr[order[k] + 1]):
            u = unit[at]
            if not covered[u]:
                covered[u] = True
                marginal[k] += people[u]
    return marginal


@nb.njit(nogil=True, cache=True)
def _losses(ptr, unit, people, chosen):  # type: ignore[no-untyped-def]
    times = np.zeros(len(people), np.int32)
    for c in chosen:
        for at in range(ptr[c], ptr[c + 1]):
            times[unit[at]] += 1
    lost = np.zeros(len(chosen))
    for k in range(len(chosen)):
        for at in range(ptr[chosen[k]], ptr[chosen[k] + 1]):
            if times[unit[at]] == 1:
                lost[k] += people[unit[at]]
    return lost


@nb.njit(nogil=True, cache=True)
def _gain(c, ptr, unit, weight, people, group, covered, missing, bonus):  # type: ignore[no-untyped-def]
    """What a candidate adds; people of groups below their floor count ``bonus`` more, up to what is missing."""
    total = 0.0
    for at in range(ptr[c], ptr[c + 1]):
        u = unit[at]
        if not covered[u]:
            total += weight[u]
    if bonus > 0.0:
        helps = np.zeros(len(missing))
        for at in range(ptr[c], ptr[c + 1]):
            u = unit[at]
            if not covered[u]:
                helps[group[u]] += people[u]
        for g in range(len(missing)):
            total += bonus * min(helps[g], missing[g])
    return total


@nb.njit(nogil=True, cache=True)
def _sift(heap_gain, heap, size, at):  # type: ignore[no-untyped-def]
    """Down a heap: the largest gain on top, of equal ones the lower number."""
    while True:
        best = at
        for child in range(2 * at + 1, min(2 * at + 3, size)):
            if heap_gain[child] > heap_gain[best] or (heap_gain[child] == heap_gain[best] and heap[child] < heap[best]):
                best = child
        if best == at:
            return
        heap_gain[at], heap_gain[best] = heap_gain[best], heap_gain[at]
        heap[at], heap[best] = heap[best], heap[at]
        at = best


@nb.njit(nogil=True, cache=True)
def _take(c, ptr, unit, people, group, covered, missing):  # type: ignore[no-untyped-def]
    for at in range(ptr[c], ptr[c + 1]):
        u = unit[at]
        if not covered[u]:
            covered[u] = True
            missing[group[u]] = max(0.0, missing[group[u]] - people[u])


@nb.njit(nogil=True, cache=True)
def _greedy(  # type: ignore[no-untyped-def]
    ptr, unit, weight, people, group, count, forced, barred, site_group, least_sites, least_people, near_ptr, near
):  # fmt: skip
    candidates = len(ptr) - 1
    covered, shut = np.zeros(len(weight), np.bool_), barred.copy()
    missing, owed = least_people.copy(), least_sites.copy()
    bonus = 0.0
    if missing.sum() > 0.0:
        bonus = 10.0 * (1.0 + weight.sum() / max(people.sum(), 1.0))
    chosen = np.empty(count, np.int64)
    done = 0
    heap, heap_gain, fresh = np.empty(candidates, np.int64), np.empty(candidates), np.zeros(candidates, np.int64)
    size = 0
    for is_forced in (True, False):
        size = 0
        for c in range(candidates):
            if forced[c] == is_forced and not shut[c]:
                heap[size] = c
                heap_gain[size] = _gain(c, ptr, unit, weight, people, group, covered, missing, bonus)
                fresh[c] = done
                size += 1
        for at in range(size // 2 - 1, -1, -1):
            _sift(heap_gain, heap, size, at)
        while size > 0 and done < count:
            c = heap[0]
            g = site_group[c]
            # floors: where as many places are left as are owed, only those owed are taken, now and later
            is_out = shut[c] or (not is_forced and count - done <= owed.sum() and (g < 0 or owed[g] == 0))
            if is_out:
                size -= 1
                heap[0], heap_gain[0] = heap[size], heap_gain[size]
                _sift(heap_gain, heap, size, 0)
                continue
            if fresh[c] != done:
                heap_gain[0] = _gain(c, ptr, unit, weight, people, group, covered, missing, bonus)
                fresh[c] = done
                _sift(heap_gain, heap, size, 0)
                continue
            chosen[done] = c
            done += 1
            shut[c] = True
            if g >= 0 and owed[g] > 0:
                owed[g] -= 1
            for at in range(near_ptr[c], near_ptr[c + 1]):
                shut[near[at]] = True
            _take(c, ptr, unit, people, group, covered, missing)
            if bonus > 0.0 and missing.sum() <= 0.0:
                bonus = 0.0  # gains computed before are bounds still
    return chosen[:done]


@nb.njit(nogil=True, cache=True)
def _interchange(  # type: ignore[no-untyped-def]
    ptr, unit, weight, people, group, given, forced, barred, site_group, least_sites, least_people, near_ptr, near,
    rounds,
):  # fmt: skip
    candidates, places = len(ptr) - 1, len(given)
    chosen = given.copy()
    is_chosen, barring = np.zeros(candidates, np.bool_), np.zeros(candidates, np.int32)
    times, holders = np.zeros(len(weight), np.int32), np.zeros(len(weight), np.int64)
    in_group, reached = np.zeros(len(least_sites), np.int64), np.zeros(len(least_people))
    whole = np.zeros(candidates)
    for c in range(candidates):
        for at in range(ptr[c], ptr[c + 1]):
            whole[c] += weight[unit[at]]
    for j in range(places):
        is_chosen[chosen[j]] = True
        _enter(chosen[j], j, ptr, unit, people, group, times, holders, reached, near_ptr, near, barring)
        if site_group[chosen[j]] >= 0:
            in_group[site_group[chosen[j]]] += 1
    loss, shared = np.zeros(places), np.zeros(places)
    _refresh(chosen, ptr, unit, weight, times, loss)
    has_floors = least_people.sum() > 0.0
    little = TINY * weight.sum()
    idle, c = 0, 0
    for _ in range(rounds * candidates):
        if idle >= candidates or places == 0:
            break
        i, c = c, (c + 1) % candidates
        idle += 1
        if is_chosen[i] or barred[i] or barring[i] > 1 or whole[i] <= loss.min() + little:
            continue
        gain = _entering(i, ptr, unit, weight, times, holders, shared)
        best, best_gain = -1, little
        for j in range(places):
            out = chosen[j]
            if gain + shared[j] - loss[j] <= best_gain or forced[out]:
                continue
            g, h = site_group[out], site_group[i]
            if g >= 0 and g != h and in_group[g] <= least_sites[g]:
                continue
            if barring[i] == 1 and not _is_near(i, out, near_ptr, near):
                continue
            if has_floors and not _floors_hold(i, out, ptr, unit, people, group, times, reached, least_people):
                continue
            best, best_gain = j, gain + shared[j] - loss[j]
        if best < 0:
            continue
        out = chosen[best]
        _leave(out, best, ptr, unit, people, group, times, holders, reached, near_ptr, near, barring)
        _enter(i, best, ptr, unit, people, group, times, holders, reached, near_ptr, near, barring)
        is_chosen[out], is_chosen[i], chosen[best] = False, True, i
        if site_group[out] >= 0:
            in_group[site_group[out]] -= 1
        if site_group[i] >= 0:
            in_group[site_group[i]] += 1
        _refresh(chosen, ptr, unit, weight, times, loss)
        idle = 0
    return chosen


@nb.njit(nogil=True, cache=True)
def _entering(i, ptr, unit, weight, times, holders, shared):  # type: ignore[no-untyped-def]
    """What candidate i adds, and (in ``shared``) what it has in common with each of the chosen alone."""
    shared[:] = 0.0
    gain = 0.0
    for at in range(ptr[i], ptr[i + 1]):
        u = unit[at]
        if times[u] == 0:
            gain += weight[u]
        elif times[u] == 1:
            shared[holders[u]] += weight[u]
    return gain


@nb.njit(nogil=True, cache=True)
def _refresh(chosen, ptr, unit, weight, times, loss):  # type: ignore[no-untyped-def]
    """What is lost without each of the chosen."""
    for j in range(len(chosen)):
        loss[j] = 0.0
        for at in range(ptr[chosen[j]], ptr[chosen[j] + 1]):
            if times[unit[at]] == 1:
                loss[j] += weight[unit[at]]


@nb.njit(nogil=True, cache=True)
def _enter(c, j, ptr, unit, people, group, times, holders, reached, near_ptr, near, barring):  # type: ignore[no-untyped-def]
    """Candidate c becomes the j-th; ``holders`` adds up who covers a unit: with one, that is who."""
    for at in range(ptr[c], ptr[c + 1]):
        u = unit[at]
        if times[u] == 0:
            reached[group[u]] += people[u]
        times[u] += 1
        holders[u] += j
    for at in range(near_ptr[c], near_ptr[c + 1]):
        barring[near[at]] += 1


@nb.njit(nogil=True, cache=True)
def _leave(c, j, ptr, unit, people, group, times, holders, reached, near_ptr, near, barring):  # type: ignore[no-untyped-def]
    for at in range(ptr[c], ptr[c + 1]):
        u = unit[at]
        times[u] -= 1
        holders[u] -= j
        if times[u] == 0:
            reached[group[u]] -= people[u]
    for at in range(near_ptr[c], near_ptr[c + 1]):
        barring[near[at]] -= 1


@nb.njit(nogil=True, cache=True)
def _is_near(i, out, near_ptr, near):  # type: ignore[no-untyped-def]
    found = False
    for at in range(near_ptr[i], near_ptr[i + 1]):
        found = found or near[at] == out
    return found


@nb.njit(nogil=True, cache=True)
def _floors_hold(i, out, ptr, unit, people, group, times, reached, least_people):  # type: ignore[no-untyped-def]
    """Would every floor of people be kept (or no further missed) with i in the place of ``out``?"""
    after = reached.copy()
    back = set()
    for at in range(ptr[i], ptr[i + 1]):
        u = unit[at]
        back.add(u)
        if times[u] == 0:
            after[group[u]] += people[u]
    for at in range(ptr[out], ptr[out + 1]):
        u = unit[at]
        if times[u] == 1 and u not in back:
            after[group[u]] -= people[u]
    holds = True
    for g in range(len(after)):
        holds = holds and after[g] >= min(least_people[g], reached[g])
    return holds
