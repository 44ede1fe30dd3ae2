"""All kinds of jobs. A new kind is added to the list here."""

from __future__ import annotations

from typing import Any

from app.services.coverage_job import COVERAGE_RUN
from app.services.job_kinds import JobKind
from app.services.siting_job import SITING

KINDS: dict[str, JobKind[Any]] = {kind.name: kind for kind in (COVERAGE_RUN, SITING)}
