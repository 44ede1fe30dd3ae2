"""The job gives what the call gives, survives being written down, and stops when it is cancelled."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import Engine

from app.geo.crs import Crs
from app.services.coverage import CoverageQuery
from app.services.job_kinds import JobCancelled, JobWorld
from app.services.positions import position_in
from app.services.profiles import resolve_profile
from app.services.siting import solve_exact
from app.services.siting_job import SITING, SitingParameters, run_siting
from app.services.siting_question import Floor, GivenCandidate, SitingQuestion, Weight
from app.services.siting_told import siting_facts
from app.services.snapshot import Snapshot
from app.services.station_table import today

COVERAGE = CoverageQuery(resolve_profile("senior"), today(), 12.0, ("park", "rural"))


def world_of(engine: Engine, snapshot: Snapshot) -> JobWorld:
    return JobWorld(engine, lambda: snapshot)


def test_what_is_asked_survives_being_written_down() -> None:
    places = tuple(GivenCandidate(f"{k}", None, position_in(113.3 + k / 100, 23.1, Crs.GCJ02)) for k in range(3))
    question = SitingQuestion(
        COVERAGE, 2, candidates=places, floors=(Floor("440106", 1),), weights=(Weight("4401", 2.0),), forced=("1",)
    )
    written = SitingParameters(question=question, crs=Crs.BD09, time_limit_s=5.0).model_dump(mode="json")
    read = SITING.parameters.model_validate(json.loads(json.dumps(written)))
    assert read == SitingParameters(question=question, crs=Crs.BD09, time_limit_s=5.0)


def test_the_job_gives_what_the_call_gives(demo_engine: Engine, demo_snapshot: Snapshot) -> None:
    question = SitingQuestion(COVERAGE, 3, most_candidates=60)
    told: list[tuple[float, str]] = []

    def progress(share: float, message_zh: str, message_en: str) -> None:
        told.append((share, message_en))

    parameters = SitingParameters(question=question, crs=Crs.GCJ02, time_limit_s=10.0)
    result: dict[str, Any] = run_siting(world_of(demo_engine, demo_snapshot), parameters, progress, lambda: False)
    answer = solve_exact(demo_snapshot, question, time_limit_s=10.0)
    facts = siting_facts(question, answer, Crs.GCJ02)
    assert json.loads(json.dumps(result)) == json.loads(
        json.dumps({"run_id": answer.run_id, **facts, "synthetic": True})
    )
    assert len(result["sites"]) == 3 and told[0][0] == 0.0 and all(0 <= share < 1 for share, _ in told)


def test_cancelled_it_has_no_result(demo_engine: Engine, demo_snapshot: Snapshot) -> None:
    parameters = SitingParameters(
        question=SitingQuestion(COVERAGE, 3, most_candidates=60), crs=Crs.WGS84, time_limit_s=10.0
    )
    world = world_of(demo_engine, demo_snapshot)
    for after in (0, 1):
        asked = iter([False] * after + [True] * 1000)
        with pytest.raises(JobCancelled):
            run_siting(world, parameters, lambda *told: None, asked.__next__)
