"""Other goals than most people: as few places as reach a number of people, and the fairest choice.

*Fewest* (partial set covering): the best of k places is compared with what is to be reached, for fewer and fewer k; a
bound below it proves that k are too few. *Fairest*: the lowest rate of the groups is made as high as can be (max-min),
and among such choices the total.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import highspy
import numpy as np

from app.geo.arrays import FloatArray, IntArray
from app.geo.siting import Rules, greedy, interchange, keeps_rules, people_by_group, value_of
from app.geo.siting_bound import upper_bound
from app.geo.siting_exact import Cancelled, Progress, Proof, Solution, never, quiet, solve_exact
from app.geo.siting_feasible import Undecided, good_choice
from app.geo.siting_model import CoverModel
from app.geo.siting_program import choice_in, program, start_from, watched_run
from app.geo.siting_reduce import reduced

HALVINGS = 24
ROUNDS = 12  # of prices for groups
ROUND_STEPS = 60  # of the bound in each
RATE_SLACK = 1e-9
BOUND_STEPS = 200


@dataclass(frozen=True)
class Fewest:
    """``at_least`` places are needed by any choice; proven to be the fewest where as many are chosen."""

    chosen: IntArray
    at_least: int
    proof: Proof


@dataclass(frozen=True)
class Fairest:
    """``lowest`` is the lowest rate of the groups, which no choice raises above ``lowest_bound``; ``total`` is the
    best total among choices that reach ``lowest``.
    """

    lowest: float
    lowest_bound: float
    total: Solution


def fewest(
    model: CoverModel, rules_of: Callable[[int], Rules], goal: float, most: int, *, time_limit_s: float,
    progress: Progress = quiet, cancelled: Cancelled = never,
) -> Fewest | None:  # fmt: skip
    """As few places as newly cover ``goal`` (in weight); None where ``most`` places are not known to.

    ``rules_of`` gives the rules with so many places. With no time only greedy and bounds speak.
    """
    until = time.monotonic() + time_limit_s

    def reaching(count: int) -> IntArray | None:
        rules = rules_of(count)
        try:
            chosen = good_choice(model, rules, time_limit_s=2.0)
        except Undecided:
            return None
        return chosen if chosen is not None and value_of(model, chosen) >= goal else None

    chosen, low, high = None, -1, 1
    while chosen is None and high <= most:
        chosen = reaching(high)
        low, high = (low, high) if chosen is not None else (high, min(2 * high, most) if high < most else most + 1)
    if chosen is None:
        return None
    if reaching(0) is not None:
        return Fewest(np.zeros(0, dtype=np.int64), 0, Proof.OPTIMAL)
    low = max(low, 0)
    while high - low > 1:
        middle = (low + high) // 2
        found = reaching(middle)
        chosen, low, high = (chosen, middle, high) if found is None else (found, low, middle)
    chosen = np.sort(chosen)
    at_least = max(_too_few(model, rules_of, goal, high) + 1, 1)
    return _proven_fewest(model, rules_of, goal, chosen, at_least, until, progress, cancelled)


def _proven_fewest(
    model: CoverModel, rules_of: Callable[[int], Rules], goal: float, chosen: IntArray, at_least: int, until: float,
    progress: Progress, cancelled: Cancelled,
) -> Fewest:  # fmt: skip
    """Go down from a choice as long as fewer do, or it is proven that none do."""
    count = len(chosen) - 1
    while count >= at_least:
        if cancelled() or time.monotonic() >= until:
            return Fewest(chosen, at_least, Proof.CANCELLED if cancelled() else Proof.TIME_LIMIT)
        rules = rules_of(count)
        try:
            known = good_choice(model, rules, time_limit_s=2.0)
        except Undecided:
            return Fewest(chosen, at_least, Proof.TIME_LIMIT)
        if known is None:  # more were possible: so it is what is owed that so few cannot give, nor can fewer
            break
        best = solve_exact(
            model, rules, known, time_limit_s=until - time.monotonic(), progress=progress, cancelled=cancelled
        )
        if best.value >= goal:
            chosen, count = best.chosen, len(best.chosen) - 1
        elif best.bound >= goal:
            return Fewest(chosen, at_least, best.proof)
        elif len(rules.near):
            count -= 1  # with spacing, fewer may stand where so many cannot
        else:
            break
    return Fewest(chosen, len(chosen), Proof.OPTIMAL)


def _too_few(model: CoverModel, rules_of: Callable[[int], Rules], goal: float, enough: int) -> int:
    """The most places of which a bound proves that they do not reach the goal; -1 for none."""
    low, high = -1, enough
    nothing = np.zeros(0, dtype=np.int64)
    while high - low > 1:
        middle = (low + high) // 2
        bound = upper_bound(model, rules_of(middle), nothing, 0.0, steps=BOUND_STEPS, enough=goal)
        low, high = (middle, high) if bound.value < goal else (low, middle)
    return low


def fairest(
    model: CoverModel, rules: Rules, covered: FloatArray, population: FloatArray, known: IntArray, *,
    time_limit_s: float, progress: Progress = quiet, cancelled: Cancelled = never,
) -> Fairest:  # fmt: skip
    """The choice with the highest lowest rate of the groups with anybody in them, then with the highest total.

    ``covered`` people of ``population`` are covered already (by group; groups of population 0 are left out); ``known``
    keeps the rules. With no time it is greedy's choice, and its bound that of all candidates together. ``progress`` is
    told of rates, then of the total.
    """
    until = time.monotonic() + time_limit_s
    counts = population > 0
    people = np.where(counts, population, 1.0)

    def lowest_of(chosen: IntArray) -> float:
        rates = (covered + people_by_group(model, chosen, len(population))) / people
        return float(rates[counts].min(initial=1.0))

    def with_floor(rate: float) -> Rules:
        owed = np.where(counts, rate * (1 - RATE_SLACK) * population - covered, 0.0)
        return replace(rules, least_people=np.maximum(rules.least_people, owed))

    reachable = people_by_group(model, np.flatnonzero(~rules.barred), len(population))
    ceiling = float(((covered + reachable) / people)[counts].min(initial=1.0))
    best, _ = _fair_by_halving(model, with_floor, known, lowest_of, ceiling)
    best, ceiling = _fair_by_prices(model, rules, covered / people, np.where(counts, people, np.inf), best, ceiling)
    best, lowest = _fair_by_halving(model, with_floor, best, lowest_of, ceiling)
    if time_limit_s > 0 and lowest < ceiling * (1 - RATE_SLACK) and not cancelled():
        share = time.monotonic() + 0.7 * time_limit_s
        best, ceiling = _fair_by_program(
            model, rules, covered / people, np.where(counts, people, np.inf), best, lowest, ceiling, share, progress,
            cancelled,
        )  # fmt: skip
        lowest = lowest_of(best)
    floors = with_floor(lowest)
    best = interchange(model, floors, best)
    remaining = until - time.monotonic()
    if time_limit_s > 0 and remaining > 0.1 and not cancelled():
        total = solve_exact(model, floors, best, time_limit_s=remaining, progress=progress, cancelled=cancelled)
    else:
        bound = upper_bound(model, floors, best, value_of(model, best), steps=BOUND_STEPS)
        total = Solution(bound.known, bound.known_value, bound.value, Proof.TIME_LIMIT)
    lowest = lowest_of(total.chosen)
    return Fairest(lowest, max(lowest, ceiling), total)


def _fair_by_halving(
    model: CoverModel, with_floor: Callable[[float], Rules], known: IntArray,
    lowest_of: Callable[[IntArray], float], ceiling: float,
) -> tuple[IntArray, float]:  # fmt: skip
    """The highest floor for all groups that greedy keeps, and its choice."""
    best, low, high = known, lowest_of(known), ceiling
    for _ in range(HALVINGS):
        if high - low <= 1e-7:
            break
        middle = (low + high) / 2
        rules = with_floor(middle)
        chosen = greedy(model, rules)
        if keeps_rules(model, chosen, rules):
            best, low = chosen, max(middle, lowest_of(chosen))
        else:
            high = middle
    return best, lowest_of(best)


def _fair_by_prices(
    model: CoverModel, rules: Rules, rates: FloatArray, people: FloatArray, known: IntArray, ceiling: float
) -> tuple[IntArray, float]:  # fmt: skip
    """A choice and a bound on the lowest rate: it is no higher than any mean of the rates, weighted by prices.

    The best mean is bounded as any covering is; prices of groups that lag behind rise by multiplicative weights (Arora,
    Hazan & Kale, *Theory of Computing* 8, 2012). ``people`` is infinite for groups that do not count.
    """
    counts = np.isfinite(people)
    best, lowest, price = known, -1.0, np.where(counts, 1.0, 0.0)
    for k in range(ROUNDS):
        price = price / price.sum()
        priced = replace(model, weight=model.people * (price / people)[model.group])
        chosen = greedy(priced, rules)
        if not keeps_rules(priced, chosen, rules):
            chosen = known
        chosen = interchange(priced, rules, chosen)
        bound = upper_bound(priced, rules, chosen, value_of(priced, chosen), steps=ROUND_STEPS)
        ceiling = min(ceiling, bound.value + float(price @ np.where(counts, rates, 0.0)))
        for some in (chosen, bound.known, best):
            reached = (rates + people_by_group(model, some, len(people)) / people)[counts]
            if reached.min(initial=1.0) > lowest:
                best, lowest = some, float(reached.min(initial=1.0))
        after = rates + people_by_group(model, bound.known, len(people)) / people
        lag = after - after[counts].min(initial=1.0)
        price = price * np.exp(
            -4.0 / np.sqrt(k + 1.0) * np.where(counts, lag, 0.0) / max(float(lag[counts].max()), 1e-9)
        )
        if lowest >= ceiling * (1 - RATE_SLACK):
            break
    return best, max(ceiling, lowest)


def _fair_by_program(
    model: CoverModel, rules: Rules, rates: FloatArray, people: FloatArray, known: IntArray, lowest: float,
    ceiling: float, until: float, progress: Progress, cancelled: Cancelled,
) -> tuple[IntArray, float]:  # fmt: skip
    """The best lowest rate by the solver: a column more, which no group's rate falls below. Choice and bound."""
    fixed = np.flatnonzero(rules.forced)
    keep = ~rules.barred
    for c in fixed:
        keep[rules.near[rules.near_ptr[c] : rules.near_ptr[c + 1]]] = False
    left = reduced(model, keep, fixed, len(rules.least_sites))
    solver = program(left, rules)
    columns = len(left.kept) + left.model.unit_count
    numbers = np.arange(columns, dtype=np.int32)
    solver.changeColsCost(columns, numbers, np.zeros(columns))
    solver.addCol(1.0, 0.0, ceiling, 0, np.zeros(0, np.int32), np.zeros(0))
    for g in np.flatnonzero(np.isfinite(people)):
        gains = np.concatenate([left.own_people[:, g], np.where(left.model.group == g, left.model.people, 0.0)])
        used = np.flatnonzero(gains > 0)
        base = rates[g] + left.fixed_people[g] / people[g]
        solver.addRow(
            -base, highspy.kHighsInf, len(used) + 1, np.append(numbers[used], np.int32(columns)),
            np.append(gains[used] / people[g], -1.0),
        )  # fmt: skip
    start_from(solver, left, known, (lowest,))
    watched_run(solver, until, progress, cancelled)
    chosen = choice_in(solver, left)
    bound = min(ceiling, solver.getInfo().mip_dual_bound)
    found = known if chosen is None or not keeps_rules(model, chosen, rules) else chosen
    return found, bound
