"""Is there any choice that keeps the rules; and where there is none, which rules cannot hold together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import highspy
import numpy as np

from app.geo.arrays import IntArray
from app.geo.siting import Rules, greedy, interchange, keeps_rules
from app.geo.siting_model import CoverModel
from app.geo.siting_program import program
from app.geo.siting_reduce import reduced

Named = TypeVar("Named")


class Undecided(Exception):
    """Neither a choice nor a proof that there is none was found in time."""


def good_choice(model: CoverModel, rules: Rules, *, time_limit_s: float) -> IntArray | None:
    """Greedy and exchanges, from a choice of the solver where greedy keeps not all rules; None where none does.

    Raises Undecided.
    """
    chosen = greedy(model, rules)
    if not keeps_rules(model, chosen, rules):
        found = any_choice(model, rules, time_limit_s=time_limit_s)
        if found is None:
            return None
        chosen = found
    return interchange(model, rules, chosen)


def any_choice(
    model: CoverModel, rules: Rules, *, time_limit_s: float, any_count: bool = False
) -> IntArray | None:  # fmt: skip
    """Some choice that keeps the rules (but for the number of places, with ``any_count``); None where there is none.

    Raises Undecided.
    """
    fixed = np.flatnonzero(rules.forced)
    for c in fixed:
        beside = rules.near[rules.near_ptr[c] : rules.near_ptr[c + 1]]
        if rules.barred[c] or rules.forced[beside].any():
            return None
    keep = ~rules.barred
    for c in fixed:
        keep[rules.near[rules.near_ptr[c] : rules.near_ptr[c + 1]]] = False
    left = reduced(model, keep, fixed, len(rules.least_sites))
    solver = program(left, rules, any_count=any_count)
    columns = len(left.kept) + left.model.unit_count
    # any will do: the first that is found is the best
    solver.changeColsCost(columns, np.arange(columns, dtype=np.int32), np.zeros(columns))
    solver.setOptionValue("time_limit", time_limit_s)
    solver.run()
    status = solver.getModelStatus()
    if status == highspy.HighsModelStatus.kInfeasible:
        return None
    if status != highspy.HighsModelStatus.kOptimal:
        raise Undecided
    values = np.asarray(solver.getSolution().col_value)[: len(left.kept)]
    return np.sort(np.concatenate([left.fixed, left.kept[values > 0.5]])).astype(np.int64)


def irreducible(rules: Sequence[Named], is_possible: Callable[[Sequence[Named]], bool]) -> list[Named]:
    """Rules that cannot hold together, while any of them left out leaves a choice.

    The deletion filter (Chinneck & Dravnieks, *ORSA J. Computing* 3, 1991): each rule in turn is left out for good
    where the others are impossible still. ``rules`` together are impossible.
    """
    kept = list(rules)
    for rule in rules:
        others = [other for other in kept if other is not rule]
        if not is_possible(others):
            kept = others
    return kept
