"""The rest of the invented stations' records: organisations, hours, standards, staff. All of it says 示范."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from app.demo.spec import CitySpec
from app.models.vocabularies import OperatingMode, StationStatus, StationType, TargetGroup, TrainingMode
from app.services.loading import NewStation

PART_RECORDS = 11
HOURS: dict[StationType, tuple[str, ...]] = {
    StationType.COMMUNITY: (
        "Mo-Fr 09:00-12:00,14:00-17:30; We 19:00-21:00",
        "Mo-Sa 09:00-17:30",
        "Mo-Fr 09:00-12:00,14:00-21:00; Sa 09:00-12:00",
    ),
    StationType.RURAL: ("Mo-Fr 09:00-12:00,14:30-17:30", "Mo-Sa 08:30-17:00"),
    StationType.PARK: ("Mo-Fr 09:00-18:00", "Mo-Fr 09:00-18:00; Tu,Th 19:00-21:30"),
    StationType.INSTITUTION: ("Mo-Fr 08:30-17:30; Sa,Su 09:00-17:00", "Mo-Fr 08:30-21:30"),
}
GROUPS: dict[StationType, tuple[TargetGroup, ...]] = {
    StationType.COMMUNITY: (
        TargetGroup.GRADUATES, TargetGroup.VETERANS, TargetGroup.UNEMPLOYED, TargetGroup.WOMEN, TargetGroup.DISABLED,
    ),
    StationType.RURAL: (TargetGroup.RURAL_WORKERS, TargetGroup.RETURNING_FOUNDERS, TargetGroup.GRADUATES),
    StationType.PARK: (
        TargetGroup.SKILLED_TALENT, TargetGroup.INDUSTRIAL_WORKERS, TargetGroup.FOUNDERS, TargetGroup.HR_STAFF,
    ),
    StationType.INSTITUTION: (TargetGroup.SKILLED_TALENT, TargetGroup.INDUSTRIAL_WORKERS, TargetGroup.GRADUATES),
}  # fmt: skip
SEATS: dict[StationType, tuple[int, int]] = {
    StationType.COMMUNITY: (20, 70),
    StationType.RURAL: (20, 50),
    StationType.PARK: (40, 120),
    StationType.INSTITUTION: (60, 240),
}
SCHOOLS = tuple(f"示范职业培训学校({name})" for name in "甲乙丙丁戊己庚辛壬癸")
COLLEGES = tuple(f"示范技工学院({name})" for name in "一二三四五六")
# before this day a station was of the first batch (the plan: selected by the end of June 2025)
FIRST_BATCH_YEAR = 2025


def with_records(spec: CitySpec, stations: Sequence[NewStation]) -> list[NewStation]:
    """The same stations with all other fields of their records."""
    rng = spec.generator(PART_RECORDS)
    return [replace(station, details=_details(station, rng)) for station in stations]


def organisations_of(station: NewStation) -> list[str]:
    """The organisations that its record names."""
    held = station.details
    named = [held["host_organisation"], held["operator_organisation"]]
    return [*named, *held["contractor_organisations"], *held["partner_organisations"]]


def _details(station: NewStation, rng: np.random.Generator) -> dict[str, Any]:
    def pick(options: Sequence[Any]) -> Any:
        return options[int(rng.integers(0, len(options)))]

    def chance(share: float) -> bool:
        return bool(rng.random() < share)

    in_use = station.status in (StationStatus.OPEN, StationStatus.SUSPENDED, StationStatus.CLOSED)
    low, high = SEATS[station.type]
    staff = int(rng.integers(2, 9))
    groups = [group.value for group in GROUPS[station.type] if chance(0.7)] or [TargetGroup.GENERAL.value]
    contractor = pick(SCHOOLS if chance(0.6) else COLLEGES)
    place = station.name.removeprefix("羊城技能加油站(").removesuffix("示范站)")
    batch = None
    if station.selected_on is not None:
        batch = 1 if station.selected_on.year == FIRST_BATCH_YEAR else 2
    standards: dict[str, Any] = {}
    for name in ("signage", "service", "training"):
        met = chance(0.93) if in_use and chance(0.9) else None
        standards[f"{name}_met"] = met
        standards[f"{name}_evidence"] = None if met is None else "示范检查记录"
    return {
        "batch": batch,
        "host_organisation": f"{place}示范载体单位",
        "operator_organisation": f"{place}示范运营中心",
        "contractor_organisations": [contractor],
        "partner_organisations": [pick(COLLEGES)] if chance(0.4) else [],
        "operating_mode": pick(list(OperatingMode)).value,
        "training_mode": pick(list(TrainingMode)).value,
        "target_groups": groups,
        "opening_hours": pick(HOURS[station.type]) if in_use and chance(0.95) else None,
        "hour_exceptions": [{"date": "2027-01-01", "hours": None, "note": "元旦"}] if in_use else [],
        "phone": f"020-0000{int(rng.integers(0, 10_000)):04d}" if in_use else None,
        "complaint_channel": "12345(示范)" if in_use else None,
        "published_rules": "示范规章制度" if in_use and chance(0.95) else None,
        "published_workflow": "示范工作流程:报名—开班—考核—发证" if in_use and chance(0.9) else None,
        "published_norms": "示范服务规范" if in_use and chance(0.9) else None,
        "published_services": "示范服务内容:夜校、沙龙、技能工坊" if in_use and chance(0.95) else None,
        **standards,
        "staff_count": staff if in_use else None,
        "staff_trained_count": (staff if chance(0.9) else staff - 1) if in_use else None,
        "seats": int(rng.integers(low, high + 1)) if in_use else None,
        "accessible_entrance": chance(0.75) if in_use else None,
    }
