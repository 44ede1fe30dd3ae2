"""Siting on the demonstration city: 50 and 100 of 5,000 candidates, at once and proven, beside HiGHS on the whole."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import highspy

from app.geo.siting import Rules, greedy, interchange, value_of
from app.geo.siting_exact import never, quiet, solve_exact
from app.geo.siting_model import cover_model
from app.geo.siting_program import choice_in, program, watched_run
from app.geo.siting_reduce import reduced
from app.services.coverage import CoverageQuery
from app.services.profiles import resolve_profile
from app.services.siting import site
from app.services.siting_ground import Ground, demand_of, ground_of
from app.services.siting_question import SitingQuestion
from app.services.snapshot import Snapshot
from app.services.station_table import today
from benchmarks.timing import measure, within

CHOSEN, CANDIDATES = (50, 100), 5_000
AT_ONCE_MS, PROVEN_MS = 300.0, 15_000.0
PLAIN_LIMIT_S = 60.0


def run(snapshot: Snapshot) -> dict[str, Any]:
    """Times, gaps, and what the solver makes of the model as it stands."""
    query = CoverageQuery(resolve_profile(), today())
    question = SitingQuestion(query, CHOSEN[0], most_candidates=CANDIDATES)
    ground = ground_of(snapshot, question)
    demand, places = demand_of(snapshot, question, ground.districts), ground.candidates.places
    figures: dict[str, Any] = {
        "model_of_5000_candidates": measure(
            lambda: cover_model(snapshot.searcher, demand, places, query.limit_mm), runs=5
        ),
        "answer_50_of_5000_model_held": measure(lambda: site(snapshot, question), runs=5),
        "model": {
            "candidates": len(ground.candidates), "units": ground.model.unit_count, "pairs": len(ground.model.unit),
        },
    }  # fmt: skip
    with _silent():
        for count in CHOSEN:
            figures |= _of(ground, count)
        figures["plain_highs_50_of_5000"] = _plain(ground, CHOSEN[0])
    return figures


def _of(ground: Ground, count: int) -> dict[str, Any]:
    """Greedy and exchanges; then the proven best, once."""
    model, rules = ground.model, Rules.plain(ground.model.candidate_count, ground.districts.count, count)
    at_once = measure(lambda: interchange(model, rules, greedy(model, rules)), runs=9)
    known = interchange(model, rules, greedy(model, rules))
    started = time.perf_counter()
    best = solve_exact(model, rules, known, time_limit_s=PROVEN_MS / 1e3)
    took = {"median_ms": round((time.perf_counter() - started) * 1e3, 1)}
    name = f"{count}_of_5000"
    return {
        f"greedy_and_exchanges_{name}": {
            **within(at_once, AT_ONCE_MS), "below_best": round(1 - value_of(model, known) / best.value, 6),
        },
        f"exact_{name}": {**within(took, PROVEN_MS), "proof": best.proof.value, "gap": best.gap, "people": best.value},
    }  # fmt: skip


def _plain(ground: Ground, count: int) -> dict[str, Any]:
    """HiGHS on all candidates and units, without bound, reduction or a choice to start from."""
    model, rules = ground.model, Rules.plain(ground.model.candidate_count, ground.districts.count, count)
    nothing = rules.barred.nonzero()[0]
    left = reduced(model, ~rules.barred, nothing, ground.districts.count)
    started = time.perf_counter()
    solver = program(left, rules)
    watched_run(solver, time.monotonic() + PLAIN_LIMIT_S, quiet, never)
    chosen = choice_in(solver, left)
    return {
        "median_ms": round((time.perf_counter() - started) * 1e3, 1),
        "proof": "optimal" if solver.getModelStatus() == highspy.HighsModelStatus.kOptimal else "time_limit",
        "people": None if chosen is None else value_of(model, chosen),
    }


@contextmanager
def _silent() -> Iterator[None]:
    """HiGHS writes its name to the standard output when it is first made: not among the figures."""
    sys.stdout.flush()
    kept = os.dup(1)
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
