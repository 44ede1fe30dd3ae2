"""Questions of residents with filters, as targets for load: seeded, from all filters that there are."""

from __future__ import annotations

from urllib.parse import urlencode

import numpy as np

from app.models.vocabularies import CourseForm, CourseKind, HostKind, StationType, TargetGroup
from app.services.snapshot import Snapshot
from benchmarks.walking import positions

COMBINATIONS = 300
MOST_FILTERS = 3  # somebody with a phone in hand taps one to three
CHOICES: dict[str, tuple[str, ...]] = {
    **{
        name: tuple(word.value for word in vocabulary)
        for name, vocabulary in (
            ("type", StationType), ("host_kind", HostKind), ("course_kind", CourseKind), ("form", CourseForm),
            ("group", TargetGroup),
        )
    },
    "skill": ("焊工", "电工", "茶艺", "护理", "无人机", "创业"), "cost": ("free", "subsidised"),
    "accessible": ("true",),
    "open_at": ("now",), "session_within_hours": ("24", "72", "168"), "order": ("session",),
    "profile": ("senior", "wheelchair"), "max_minutes": ("15", "30"), "limit": ("1", "3", "10"),
}  # fmt: skip


def filtered_targets(snapshot: Snapshot, count: int) -> list[str]:
    """Paths of ``count`` positions, each with one of COMBINATIONS sets of one to MOST_FILTERS filters."""
    rng = np.random.default_rng(7)
    filters = [_drawn(rng) for _ in range(COMBINATIONS)]
    made = []
    for k, where in enumerate(positions(snapshot, count)):
        query = {"lng": f"{where.lng:.6f}", "lat": f"{where.lat:.6f}", "crs": "wgs84"}
        made.append(f"/v1/stations/nearest?{urlencode([*query.items(), *filters[k % COMBINATIONS]])}")
    return made


def _drawn(rng: np.random.Generator) -> list[tuple[str, str]]:
    names = rng.choice(sorted(CHOICES), int(rng.integers(1, MOST_FILTERS + 1)), replace=False)
    return [(str(name), str(rng.choice(CHOICES[str(name)]))) for name in names]
