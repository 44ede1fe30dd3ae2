"""Writing the ledger of stations: by officers, one record or a whole workbook, all or nothing.

An edit says which version of the record the officer saw. What he changed is the difference between his values and that
version; where somebody else has changed the same field since, it is a conflict and nothing is written, and what others
changed elsewhere stays.

A change says from which day on it holds, or else corrects what is recorded (see ``app.services.timelines``). A change
of status that names no day holds from the day that goes with the new status, or else from today.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from app.errors import ErrorItem
from app.geo.crs import Crs, to_wgs84
from app.geo.hexgrid import cells_of
from app.models.vocabularies import AreaLevel, Role, StationStatus
from app.repositories import areas as area_repo
from app.repositories import datasets as dataset_repo
from app.repositories import station_records as repo
from app.repositories import station_versions as version_repo
from app.repositories.context import ledger_moment
from app.repositories.station_records import KeptRecord
from app.services.acting import act_as
from app.services.actors import Actor
from app.services.loading import ledger_dataset
from app.services.placing import Placer
from app.services.station_checks import check_record, check_values, same_value
from app.services.station_record import EMPTY, ORGANISATIONS, POSITION
from app.services.station_table import today
from app.services.timelines import changed_timeline

# the day that goes with a status
DAY_OF_STATUS = {
    StationStatus.SELECTED: "selected_on",
    StationStatus.OPEN: "opened_on",
    StationStatus.CLOSED: "closed_on",
}
RESOLUTIONS = (7, 8, 9, 10)


class Outcome(StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    FAULTY = "faulty"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class StationEdit:
    """What an officer wants: ``values`` of the fields that he states; ``version`` that he saw, None for a new station.

    ``since`` and ``until``: the change holds from that day (until before that one); without ``since`` it corrects.
    """

    code: str
    values: Mapping[str, Any]
    version: int | None
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class FieldConflict:
    """A field that two people have changed: as both saw it, as it is now, as this edit would have it."""

    field: str
    base: Any
    theirs: Any
    mine: Any


@dataclass
class EditResult:
    """What comes of one edit. ``changes`` maps a field to its old and new value; ``version`` is the one after it."""

    code: str
    outcome: Outcome
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    faults: list[ErrorItem] = field(default_factory=list)
    conflicts: list[FieldConflict] = field(default_factory=list)
    out_of_scope: bool = False
    version: int | None = None


@dataclass(frozen=True)
class _Site:
    """Where a station stands: WGS84, its areas, its cells."""

    lng: float
    lat: float
    district_code: str | None
    town_code: str | None
    h3: tuple[int, ...]

    def columns(self) -> dict[str, Any]:
        cells = {f"h3_r{r}": cell for r, cell in zip(RESOLUTIONS, self.h3, strict=True)}
        return {"district_code": self.district_code, "town_code": self.town_code, **cells}


def save_stations(
    session: Session, actor: Actor, edits: Sequence[StationEdit], *, reason: str | None = None, dry_run: bool = False
) -> list[EditResult]:
    """Check all edits, and write them if none is faulty and not ``dry_run``; what comes of each, in their order.

    Waits for other writers of the ledger. Raises Forbidden for a role below town officer.
    """
    actor.require(Role.TOWN_OFFICER, write=True)
    act_as(session, actor, reason=reason)
    dataset_repo.lock_for_loading(session)  # in the order of the importers: areas must not change meanwhile
    ledger_moment(session)  # one writer at a time from here on: what is read now is what is written over
    current = repo.records_of_codes(session, {edit.code for edit in edits})
    seen = {e.code: e.version for e in edits if e.version is not None and _is_stale(e, current)}
    earlier = repo.records_at_versions(session, seen)
    sites = _sites(session, edits, current)
    results = [
        _judge(actor, edit, current.get(edit.code), earlier.get(edit.code), sites[k]) for k, edit in enumerate(edits)
    ]
    _refuse_repeated(edits, results)
    if dry_run or any(r.outcome in (Outcome.FAULTY, Outcome.CONFLICT) for r in results):
        return results
    _write(session, edits, results, sites, current)
    after = repo.records_of_codes(session, {edit.code for edit in edits})
    for result in results:
        result.version = after[result.code].version
    return results


def _is_stale(edit: StationEdit, current: Mapping[str, KeptRecord]) -> bool:
    return edit.code in current and current[edit.code].version != edit.version


def _judge(
    actor: Actor, edit: StationEdit, now: KeptRecord | None, base: KeptRecord | None, site: _Site | None
) -> EditResult:
    """What an edit comes to: changes, faults, conflicts."""
    result = EditResult(edit.code, Outcome.UNCHANGED, version=now.version if now is not None else None)
    result.faults += check_values(edit.values)
    result.faults += _check_period(edit, is_new=now is None)
    result.faults += _check_version(edit, now, base)
    if result.faults:
        result.outcome = Outcome.FAULTY
        return result
    base = base or now
    old = now.values if now is not None else {**EMPTY, "code": edit.code}
    for name, mine in edit.values.items():
        seen = base.values[name] if base is not None else EMPTY[name]
        if name == "code" or same_value(mine, seen) or (now is not None and same_value(mine, old[name])):
            continue  # not his change, or changed to the same by another
        if not same_value(old[name], seen):
            result.conflicts.append(FieldConflict(name, seen, old[name], mine))
        result.changes[name] = (old[name], mine)
    if now is not None and not result.changes:
        return result
    record = {**old, **{name: new for name, (_, new) in result.changes.items()}}
    result.faults += check_record(record)
    result.faults += _check_scope(actor, edit.code, now, site, result)
    if result.faults:
        result.outcome = Outcome.FAULTY
    elif result.conflicts:
        result.outcome = Outcome.CONFLICT
    else:
        result.outcome = Outcome.ADDED if now is None else Outcome.CHANGED
    return result


def _check_period(edit: StationEdit, *, is_new: bool) -> list[ErrorItem]:
    items = []
    if edit.since is not None and edit.since > today():
        items.append(
            ErrorItem(
                "effective_on", "在将来", "is in the future", value=edit.since.isoformat(),
                remedy_zh="到那一天再登记;计划中的关闭可填关闭日期",
                remedy_en="record it when it happens; a planned closing has its own field",
            )
        )  # fmt: skip
    if edit.until is not None and (edit.since is None or edit.until <= edit.since or is_new):
        items.append(
            ErrorItem(
                "effective_until", "须晚于生效日期", "must be after the day from which it holds",
                value=edit.until.isoformat(), remedy_zh="改正日期,或去掉", remedy_en="correct it or leave it out",
            )
        )  # fmt: skip
    return items


def _check_version(edit: StationEdit, now: KeptRecord | None, base: KeptRecord | None) -> list[ErrorItem]:
    if edit.version is None and now is not None:
        return [
            ErrorItem(
                "code", "编号已存在", "there is a station with this code already", value=edit.code,
                remedy_zh="修改请先读取或导出该站点,带上其版本号;新站点请换一个编号",
                remedy_en="to change it, read or export it first and name its version; a new one needs another code",
            )
        ]  # fmt: skip
    if edit.version is not None and now is None:
        return [
            ErrorItem(
                "code", "没有这个站点", "there is no such station", value=edit.code,
                remedy_zh="核对编号;新站点不填版本", remedy_en="check the code; a new station has no version",
            )
        ]  # fmt: skip
    if now is not None and edit.version != now.version and base is None:
        return [
            ErrorItem(
                "version", "没有这个版本", "there was never such a version", value=str(edit.version),
                remedy_zh=f"当前版本为 {now.version}:请重新读取或导出",
                remedy_en=f"the current one is {now.version}: read or export it anew",
            )
        ]  # fmt: skip
    return []


def _check_scope(
    actor: Actor, code: str, now: KeptRecord | None, site: _Site | None, result: EditResult
) -> list[ErrorItem]:
    """Both where the station is and where it would be must lie in the scope."""
    places = [(now.district_code, now.town_code)] if now is not None else []
    if site is not None:
        places.append((site.district_code, site.town_code))
    if all(actor.scope.holds(*place) for place in places):
        return []
    result.out_of_scope = True
    where = places[-1][1] or places[-1][0] or "—"
    return [
        ErrorItem(
            "code", f"不在管辖范围 {actor.scope.code} 之内(位于 {where})",
            f"is outside of the scope {actor.scope.code} (it lies in {where})", value=code,
            remedy_zh="核对坐标与编号;他区站点请由该区或市级人员登记",
            remedy_en="check position and code; stations elsewhere are kept by their own officers",
        )
    ]  # fmt: skip


def _refuse_repeated(edits: Sequence[StationEdit], results: Sequence[EditResult]) -> None:
    codes = [edit.code for edit in edits]
    repeated = {code for code in codes if codes.count(code) > 1} if len(set(codes)) < len(codes) else set()
    for result in results:
        if result.code in repeated:
            result.outcome = Outcome.FAULTY
            result.faults.append(
                ErrorItem(
                    "code", "编号重复", "stands here more than once", value=result.code,
                    remedy_zh="每个站点只写一次", remedy_en="write each station once",
                )
            )  # fmt: skip


def _sites(session: Session, edits: Sequence[StationEdit], current: Mapping[str, KeptRecord]) -> list[_Site | None]:
    """Where each station would stand, for edits that give a usable position; None for the others."""
    given: dict[int, tuple[float, float, Crs]] = {}
    for k, edit in enumerate(edits):
        if not any(name in edit.values for name in POSITION):
            continue
        old = current[edit.code].values if edit.code in current else EMPTY
        lng, lat, crs = (edit.values.get(name, old[name]) for name in POSITION)
        if not check_values({"lng": lng, "lat": lat, "crs": crs}) and abs(lat) <= 90:
            given[k] = (float(lng), float(lat), Crs(crs))
    sites: list[_Site | None] = [None] * len(edits)
    if not given:
        return sites
    points = np.array([to_wgs84(*place) for place in given.values()], dtype=np.float64)
    lng, lat = points[:, 0], points[:, 1]
    placer = Placer.of(area_repo.list_areas(session))
    districts, towns = placer.codes_at(lng, lat, AreaLevel.DISTRICT), placer.codes_at(lng, lat, AreaLevel.TOWN)
    cells = np.stack([cells_of(lng, lat, r) for r in RESOLUTIONS], axis=1).tolist()
    for i, k in enumerate(given):
        sites[k] = _Site(float(lng[i]), float(lat[i]), districts[i], towns[i], tuple(cells[i]))
    return sites


def _write(
    session: Session,
    edits: Sequence[StationEdit],
    results: Sequence[EditResult],
    sites: Sequence[_Site | None],
    current: Mapping[str, KeptRecord],
) -> None:
    names: set[str] = set()
    new_rows = []
    dataset_id: int | None = None
    timelines = version_repo.known_timelines(session, [r.code for r in results if r.outcome is Outcome.CHANGED])
    for edit, result, site in zip(edits, results, sites, strict=True):
        new = {name: value for name, (_, value) in result.changes.items()}
        for name in ORGANISATIONS:
            held = new.get(name) or []
            names.update([held] if isinstance(held, str) else held)
        if result.outcome is Outcome.ADDED and site is not None:
            if dataset_id is None:
                dataset_id = ledger_dataset(session)
            columns = repo.columns_of({**EMPTY, **new, "code": edit.code})
            new_rows.append({**columns, **site.columns(), "lng": site.lng, "lat": site.lat, "dataset_id": dataset_id})
        elif result.outcome is Outcome.CHANGED:
            columns = repo.columns_of(new)
            if site is not None and any(name in new for name in POSITION):
                columns |= {**site.columns(), "geom": (site.lng, site.lat)}
            timeline = timelines[edit.code]
            for part, since in _periods(columns, edit, new, current[edit.code].values):
                timeline = changed_timeline(timeline, part, since, edit.until)
            version_repo.write_timeline(session, edit.code, timeline, was=timelines[edit.code])
    repo.ensure_organisations(session, names)
    if new_rows:
        repo.insert_records(session, new_rows)


def _periods(
    columns: Mapping[str, Any], edit: StationEdit, new: Mapping[str, Any], old: Mapping[str, Any]
) -> list[tuple[dict[str, Any], date | None]]:
    """The changed columns with the day from which they hold; None corrects."""
    if edit.since is not None or "status" not in columns:
        return [(dict(columns), edit.since)]
    rest = {name: value for name, value in columns.items() if name != "status"}
    named = DAY_OF_STATUS.get(StationStatus(columns["status"]))
    day = new.get(named, old[named]) if named is not None else None
    since = min(day, today()) if day is not None else today()
    return [*([(rest, None)] if rest else []), ({"status": columns["status"]}, since)]
