"""The job ``coverage_run``: what ``./skillsmap coverage run`` does, for whoever is signed in."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from app.models.vocabularies import Role, StationType
from app.services.coverage import CoverageQuery
from app.services.job_kinds import Cancelled, JobCancelled, JobKind, JobWorld, Progress
from app.services.moments import check_known_at
from app.services.profiles import resolve_profile
from app.services.runs import store_run
from app.services.snapshot_at import imported_since, snapshot_at


class CoverageRunParameters(BaseModel):
    """What a coverage run depends on besides the data; see ``app.services.coverage.CoverageQuery``."""

    model_config = ConfigDict(extra="forbid")

    minutes: float = Field(gt=0, le=60, allow_inf_nan=False)
    profile: str
    speed_kmh: float | None
    as_of: date
    known_at: AwareDatetime | None
    station_types: list[StationType]

    def query(self) -> CoverageQuery:
        """Raises InvalidInput for a profile or a speed that there is not."""
        types = tuple(sorted({one.value for one in self.station_types}))
        profile = resolve_profile(self.profile, self.speed_kmh)
        return CoverageQuery(profile, self.as_of, self.minutes, types, self.known_at)


def run_coverage(
    world: JobWorld, parameters: CoverageRunParameters, progress: Progress, cancelled: Cancelled
) -> dict[str, Any]:
    """Compute coverage and keep it as a run: see ``app.services.runs.store_run``."""

    def step(share: float, message_zh: str, message_en: str) -> None:
        if cancelled():
            raise JobCancelled
        progress(share, message_zh, message_en)

    query = parameters.query()
    step(0.0, "准备数据", "preparing the data")
    moment = check_known_at(world.engine, query.known_at)
    snapshot = snapshot_at(world.engine, world.snapshot(), query.day, moment)
    with Session(world.engine) as session, session.begin():
        stored = store_run(session, snapshot, query, step)
    return {
        "run_id": stored.id,
        "is_new": stored.is_new,
        "results_sha256": stored.results_sha256,
        "areas": len(stored.rows),
        "cells": stored.cells,
        "imported_since": imported_since(snapshot, query.known_at),
        "synthetic": any(d.synthetic for d in snapshot.stations.datasets),
    }


def path_of_run(result: dict[str, Any]) -> str | None:
    return f"/v1/coverage/runs/{result['run_id']}"


COVERAGE_RUN = JobKind(
    name="coverage_run", title_zh="覆盖运行", title_en="Coverage run", role=Role.TOWN_OFFICER,
    parameters=CoverageRunParameters, run=run_coverage, link=path_of_run,
)  # fmt: skip
