"""The job ``siting``: the proven best choice of sites, with up to ten minutes to prove it."""

from __future__ import annotations

import time
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.geo.crs import Crs
from app.models.vocabularies import Role
from app.services.job_kinds import Cancelled, JobCancelled, JobKind, JobWorld, Progress
from app.services.moments import check_known_at
from app.services.siting_question import SitingQuestion

MAX_JOB_S = 600.0


class SitingParameters(BaseModel):
    """What is asked, the system of coordinates to answer in, and how long to look for a proof."""

    model_config = ConfigDict(extra="forbid")

    question: SitingQuestion
    crs: Crs
    time_limit_s: float = Field(gt=0, le=MAX_JOB_S, allow_inf_nan=False)


def run_siting(
    world: JobWorld, parameters: SitingParameters, progress: Progress, cancelled: Cancelled
) -> dict[str, Any]:  # fmt: skip
    """See ``app.services.siting.solve_exact``: what is not proven in time comes with its bound."""
    from app.services.siting import solve_exact  # a worker loads what computes with its first job
    from app.services.siting_told import siting_facts
    from app.services.snapshot_at import snapshot_at

    asked, limit_s = parameters.question, parameters.time_limit_s
    progress(0.0, "准备数据", "preparing the data")
    moment = check_known_at(world.engine, asked.coverage.known_at)
    snapshot = snapshot_at(world.engine, world.snapshot(), asked.coverage.day, moment)
    if cancelled():
        raise JobCancelled
    began = time.monotonic()

    def tell(value: float, bound: float) -> None:
        gap = f"{max(0.0, (bound - value) / bound):.2%}" if 0 < bound < float("inf") else "?"
        share = min(0.99, (time.monotonic() - began) / limit_s)
        progress(share, f"求证中,与上界相差 {gap}", f"proving: {gap} below the bound")

    answer = solve_exact(snapshot, asked, time_limit_s=limit_s, progress=tell, cancelled=cancelled)
    if cancelled():
        raise JobCancelled
    return {
        "run_id": answer.run_id,
        **siting_facts(asked, answer, parameters.crs),
        "synthetic": any(d.synthetic for d in snapshot.stations.datasets),
    }


SITING = JobKind(
    name="siting", title_zh="选址", title_en="Siting", role=Role.TOWN_OFFICER, parameters=SitingParameters,
    run=run_siting,
)  # fmt: skip
