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
from app.geo.siting_program import program
from app.geo.siting_reduce import Reduced, reduced

Progress = Callable[[float, float], None]
Cancelled = Callable[[], bool]
BOUND_SHARE = 0.25  # of the time goes into the bound at most
REPORT_EVERY_S = 0.2


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
    was_cancelled: bool = False

    def solve(self, until: float) -> Solution:
        remaining = until - time.monotonic()
        if remaining <= 0.05 or self.cancelled():
            proof = Proof.CANCELLED if self.cancelled() else Proof.TIME_LIMIT
            return Solution(self.known, self.known_value, self.outer_bound, proof)
        solver = program(self.left, self.rules)
        solver.setOptionValue("time_limit", max(until - time.monotonic(), 0.05))
        self._start(solver)
        last = [0.0]

        def watch(event: highspy.highs.HighsCallbackEvent) -> None:
            now = time.monotonic()
            if now - last[0] >= REPORT_EVERY_S:
                last[0] = now
                self.was_cancelled = self.was_cancelled or self.cancelled()
                value = max(self.known_value, event.data_out.mip_primal_bound + self.left.constant)
                self.progress(value, self._bound(event.data_out.mip_dual_bound))
            if self.was_cancelled:
                event.interrupt()

        solver.cbMipInterrupt.subscribe(watch)
        solver.run()
        return self._read(solver)

    def _start(self, solver: highspy.Highs) -> None:
        """Give the known choice to the solver: its places and the units they cover."""
        places = len(self.left.kept)
        is_known = np.isin(self.left.kept, self.known)
        covered = np.bincount(
            np.repeat(is_known, np.diff(self.left.model.ptr)) * (self.left.model.unit + 1),
            minlength=self.left.model.unit_count + 1,
        )[1:]
        start = highspy.HighsSolution()
        start.col_value = np.concatenate([is_known, covered > 0]).astype(np.float64)[: places + len(covered)]
        solver.setSolution(start)

    def _bound(self, dual_bound: float) -> float:
        """Nothing better than the known value was left out, so the bound of what is left is one of everything."""
        return min(self.outer_bound, max(self.known_value, dual_bound + self.left.constant))

    def _read(self, solver: highspy.Highs) -> Solution:
        status, info = solver.getModelStatus(), solver.getInfo()
        best, value = self.known, self.known_value
        values = np.asarray(solver.getSolution().col_value)
        if len(values) and info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
            chosen = np.sort(
                np.concatenate([self.left.fixed, self.left.kept[values[: len(self.left.kept)] > 0.5]])
            ).astype(np.int64)
            if keeps_rules(self.model, chosen, self.rules):
                improved = np.sort(interchange(self.model, self.rules, chosen))
                best, value = max(
                    ((c, value_of(self.model, c)) for c in (best, chosen, improved)), key=lambda pair: pair[1]
                )
        if status == highspy.HighsModelStatus.kInfeasible:  # what is left holds nothing better
            return Solution(best, value, value, Proof.OPTIMAL)
        is_done = status == highspy.HighsModelStatus.kOptimal
        bound = max(value, self._bound(info.mip_dual_bound))
        proof = Proof.OPTIMAL if is_done else Proof.CANCELLED if self.was_cancelled else Proof.TIME_LIMIT
        return Solution(best, value, bound, proof)
