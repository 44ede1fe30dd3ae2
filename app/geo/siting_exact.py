"""The best choice, proven: maximal covering as a mixed integer program (Church & ReVelle 1974), solved by HiGHS.

First the bound of ``app.geo.siting_bound`` leaves out and fixes candidates, then units that the remaining ones cover
alike are joined; neither loses a choice better than the one known. What is left is solved from that choice on. The
bound told is the solver's on what is left (or the known value where that is more), so the gap is that of the whole,
exact model. Numbers of people enter as they are: nothing is sampled or rounded.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import highspy
import numpy as np

from app.geo.arrays import IntArray
from app.geo.siting import TINY, Rules, interchange, keeps_rules, value_of
from app.geo.siting_bound import upper_bound
from app.geo.siting_model import CoverModel
from app.geo.siting_program import choice_in, program, start_from, watched_run
from app.geo.siting_reduce import Reduced, reduced

Progress = Callable[[float, float], None]
Cancelled = Callable[[], bool]
BOUND_SHARE = 0.25  # of the time goes into the bound at most


class Proof(StrEnum):
    """How a search ended."""

    OPTIMAL = "optimal"
    TIME_LIMIT = "time_limit"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Solution:
    """A choice (ascending), its value in weight, and what no choice can exceed."""

    chosen: IntArray
    value: float
    bound: float
    proof: Proof

    @property
    def gap(self) -> float:
        """(bound - value) / bound, 0 where nothing can be reached."""
        return max(0.0, (self.bound - self.value) / self.bound) if self.bound > 0 else 0.0


def quiet(value: float, bound: float) -> None:
    """Progress that nobody asked for."""


def never() -> bool:
    """Not cancelled."""
    return False


def solve_exact(
    model: CoverModel, rules: Rules, known: IntArray, *, time_limit_s: float, progress: Progress = quiet,
    cancelled: Cancelled = never,
) -> Solution:  # fmt: skip
    """The best choice beside ``known``, which keeps the rules; when time is over or it is cancelled, the best so far.

    ``progress`` is told the value and the bound. Raises ValueError where ``known`` does not keep the rules.
    """
    if not keeps_rules(model, known, rules):
        raise ValueError("the known choice does not keep the rules")
    until = time.monotonic() + time_limit_s
    known, known_value = np.sort(known), value_of(model, known)
    bound_until = time.monotonic() + BOUND_SHARE * time_limit_s
    found = upper_bound(model, rules, known, known_value, stop=lambda: time.monotonic() > bound_until or cancelled())
    known, known_value = found.known, found.known_value
    progress(known_value, found.value)
    if found.value <= known_value * (1 + TINY):
        return Solution(known, known_value, found.value, Proof.OPTIMAL)
    fixed = np.flatnonzero(found.within | rules.forced)
    keep = ~found.out & ~rules.barred
    for c in fixed:
        keep[rules.near[rules.near_ptr[c] : rules.near_ptr[c + 1]]] = False
    left = reduced(model, keep, fixed, len(rules.least_sites))
    best = _Run(model, rules, left, known, known_value, found.value, progress, cancelled)
    return best.solve(until)


@dataclass
class _Run:
    """One run of the solver on what is left; the best choice so far is in numbers of the whole model."""

    model: CoverModel
    rules: Rules
    left: Reduced
    known: IntArray
    known_value: float
    outer_bound: float
    progress: Progress
    cancelled: Cancelled

    def solve(self, until: float) -> Solution:
        if until - time.monotonic() <= 0.05 or self.cancelled():
            proof = Proof.CANCELLED if self.cancelled() else Proof.TIME_LIMIT
            return Solution(self.known, self.known_value, self.outer_bound, proof)
        solver = program(self.left, self.rules)
        start_from(solver, self.left, self.known)

        def report(value: float, bound: float) -> None:
            self.progress(max(self.known_value, value + self.left.constant), self._bound(bound))

        was_cancelled = watched_run(solver, until, report, self.cancelled)
        return self._read(solver, Proof.CANCELLED if was_cancelled else Proof.TIME_LIMIT)

    def _bound(self, dual_bound: float) -> float:
        """Nothing better than the known value was left out, so the bound of what is left is one of everything."""
        return min(self.outer_bound, max(self.known_value, dual_bound + self.left.constant))

    def _read(self, solver: highspy.Highs, unfinished: Proof) -> Solution:
        best, value = self.known, self.known_value
        chosen = choice_in(solver, self.left)
        if chosen is not None and keeps_rules(self.model, chosen, self.rules):
            improved = np.sort(interchange(self.model, self.rules, chosen))
            best, value = max(
                ((c, value_of(self.model, c)) for c in (best, chosen, improved)), key=lambda pair: pair[1]
            )
        status = solver.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:  # what is left holds nothing better
            return Solution(best, value, value, Proof.OPTIMAL)
        bound = max(value, self._bound(solver.getInfo().mip_dual_bound))
        return Solution(
            best, value, bound, Proof.OPTIMAL if status == highspy.HighsModelStatus.kOptimal else unfinished
        )
