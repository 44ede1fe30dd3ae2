"""Questions of residents with filters, as targets for load: seeded, every combination is likely."""

from __future__ import annotations

from urllib.parse import urlencode

import numpy as np

from app.models.vocabularies import CourseForm, CourseKind, HostKind, StationType, TargetGroup
from app.services.snapshot import Snapshot
from benchmarks.walking import positions

COMBINATIONS = 300
SKILLS = ("焊工", "电工", "茶艺", "护理", "无人机", "创业")


def filtered_targets(snapshot: Snapshot, count: int) -> list[str]:
    """Paths of ``count`` positions, each with one of COMBINATIONS sets of filters."""
    rng = np.random.default_rng(7)
    filters = [_drawn(rng) for _ in range(COMBINATIONS)]
    made = []
    for k, where in enumerate(positions(snapshot, count)):
        query = {"lng": f"{where.lng:.6f}", "lat": f"{where.lat:.6f}", "crs": "wgs84"}
        made.append(f"/v1/stations/nearest?{urlencode([*query.items(), *filters[k % COMBINATIONS]])}")
    return made


def _drawn(rng: np.random.Generator) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    words = {
        "type": StationType,
        "host_kind": HostKind,
        "course_kind": CourseKind,
        "form": CourseForm,
        "group": TargetGroup,
    }
    for name, vocabulary in words.items():
        if rng.random() < 0.25:
            chosen = {str(rng.choice([w.value for w in vocabulary])) for _ in range(int(rng.integers(1, 4)))}
            found += [(name, word) for word in sorted(chosen)]
    for name, values, chance in (
        ("skill", SKILLS, 0.3), ("cost", ("free", "subsidised"), 0.2), ("accessible", ("true",), 0.1),
        ("open_at", ("now",), 0.3), ("session_within_hours", ("24", "72", "168"), 0.3), ("order", ("session",), 0.3),
        ("profile", ("senior", "wheelchair"), 0.2), ("max_minutes", ("15", "30"), 0.2),
        ("limit", ("1", "3", "10"), 0.3),
    ):  # fmt: skip
        if rng.random() < chance:
            found.append((name, str(rng.choice(values))))
    return found
