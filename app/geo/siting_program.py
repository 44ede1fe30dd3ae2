"""Maximal covering with rules as a mixed integer program for HiGHS."""

from __future__ import annotations

import time
from collections.abc import Callable

import highspy
import numpy as np
from scipy.sparse import csr_array, eye_array, hstack, vstack

from app.geo.arrays import FloatArray, IntArray
from app.geo.siting import Rules
from app.geo.siting_reduce import Reduced

REPORT_EVERY_S = 0.2


def watched_run(
    solver: highspy.Highs, until: float, report: Callable[[float, float], None], cancelled: Callable[[], bool]
) -> bool:
    """Run until it is solved, ``until`` (by ``time.monotonic``), or cancelled; True where it was cancelled.

    ``report`` is told the solver's value and bound now and then.
    """
    last, stopped = [0.0], [False]

    def watch(event: highspy.highs.HighsCallbackEvent) -> None:
        now = time.monotonic()
        if now - last[0] >= REPORT_EVERY_S:
            last[0] = now
            stopped[0] = stopped[0] or cancelled()
            report(event.data_out.mip_primal_bound, event.data_out.mip_dual_bound)
        if stopped[0]:
            event.interrupt()

    solver.setOptionValue("time_limit", max(until - time.monotonic(), 0.05))
    solver.cbMipInterrupt.subscribe(watch)
    solver.run()
    return stopped[0]


def start_from(solver: highspy.Highs, left: Reduced, known: IntArray, more: tuple[float, ...] = ()) -> None:
    """Give a known choice (numbers of the whole model) to the solver: its places, the units they cover, ``more``."""
    is_known = np.isin(left.kept, known)
    covered = np.zeros(left.model.unit_count)
    covered[left.model.unit[np.repeat(is_known, np.diff(left.model.ptr))]] = 1.0
    start = highspy.HighsSolution()
    start.col_value = np.concatenate([is_known.astype(np.float64), covered, more])
    solver.setSolution(start)


def choice_in(solver: highspy.Highs, left: Reduced) -> IntArray | None:
    """The choice that the solver found, in numbers of the whole model (ascending); None where it found none."""
    values = np.asarray(solver.getSolution().col_value)
    if not len(values) or solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    return np.sort(np.concatenate([left.fixed, left.kept[values[: len(left.kept)] > 0.5]])).astype(np.int64)


def program(left: Reduced, rules: Rules, *, any_count: bool = False) -> highspy.Highs:
    """The program over what is left: a binary column for every kept candidate, then one from 0 to 1 for every unit.

    With ``any_count`` the number of places is free.
    """
    places, units = len(left.kept), left.model.unit_count
    rows, lower, upper = _rows(left, rules, any_count=any_count)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = places + units, rows.shape[0]
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.col_cost_ = np.concatenate([left.own_weight, left.model.weight])
    lp.col_lower_, lp.col_upper_ = np.zeros(places + units), np.ones(places + units)
    lp.row_lower_, lp.row_upper_ = lower, upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = rows.indptr.astype(np.int32)
    lp.a_matrix_.index_ = rows.indices.astype(np.int32)
    lp.a_matrix_.value_ = rows.data.astype(np.float64)
    lp.integrality_ = [highspy.HighsVarType.kInteger] * places + [highspy.HighsVarType.kContinuous] * units
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.setOptionValue("mip_abs_gap", 1e-6)
    solver.passModel(lp)
    return solver


def _rows(left: Reduced, rules: Rules, *, any_count: bool) -> tuple[csr_array, FloatArray, FloatArray]:
    """The rows: units covered only by places chosen; the number of places; floors; spacing."""
    places, units = len(left.kept), left.model.unit_count
    whole = highspy.kHighsInf

    def on_places(matrix: csr_array) -> csr_array:
        return hstack([matrix, csr_array((matrix.shape[0], units))], format="csr")

    covering = csr_array(
        (-np.ones(len(left.model.candidate)), left.model.candidate, left.model.unit_ptr), shape=(units, places)
    )
    parts = [hstack([covering, eye_array(units)], format="csr")]
    lower, upper = [np.full(units, -whole)], [np.zeros(units)]
    room = float(rules.count - len(left.fixed))
    parts.append(on_places(csr_array(np.ones((1, places)))))
    lower.append(np.array([-whole if any_count else room]))
    upper.append(np.array([whole if any_count else room]))
    stands, fixed_in = rules.site_group[left.kept], rules.site_group[left.fixed]
    for g in np.flatnonzero(rules.least_sites > 0):
        parts.append(on_places(csr_array((stands == g).astype(np.float64).reshape(1, -1))))
        lower.append(np.array([float(rules.least_sites[g] - (fixed_in == g).sum())]))
        upper.append(np.array([whole]))
    for g in np.flatnonzero(rules.least_people > left.fixed_people):
        in_group = np.where(left.model.group == g, left.model.people, 0.0)
        scale = rules.least_people[g]
        parts.append(csr_array(np.concatenate([left.own_people[:, g], in_group]).reshape(1, -1) / scale))
        lower.append(np.array([1.0 - left.fixed_people[g] / scale]))
        upper.append(np.array([whole]))
    near = cliques(left, rules)
    if near.shape[0]:
        parts.append(on_places(near))
        lower.append(np.full(near.shape[0], -whole))
        upper.append(np.ones(near.shape[0]))
    return vstack(parts, format="csr"), np.concatenate(lower), np.concatenate(upper)


def cliques(left: Reduced, rules: Rules) -> csr_array:
    """Sets of kept candidates of which any two are too near, such that every such pair is in one of them.

    One row for a set is tighter than one for every pair.
    """
    number = np.full(len(rules.near_ptr) - 1, -1, dtype=np.int64)
    number[left.kept] = np.arange(len(left.kept))
    near = [number[rules.near[rules.near_ptr[c] : rules.near_ptr[c + 1]]] for c in left.kept]
    beside = [set(found[found >= 0].tolist()) for found in near]
    ptr, members = [0], []
    open_pairs = [{b for b in found if b > a} for a, found in enumerate(beside)]
    for a, waiting in enumerate(open_pairs):
        while waiting:
            together = [a, min(waiting)]
            common = beside[a] & beside[together[1]]
            while common:
                together.append(min(common))
                common = common & beside[together[-1]]
            for b in together:
                open_pairs[b].difference_update(together)
            members += sorted(together)
            ptr.append(len(members))
    return csr_array((np.ones(len(members)), members, ptr), shape=(len(ptr) - 1, len(left.kept)))
