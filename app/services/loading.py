"""Writing a layer: the one door for importers and the demonstration city.

Every function works inside the caller's transaction and never commits. Loading the same content again changes
nothing. Loads into one database follow one another (advisory lock).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import shapely
from sqlalchemy.orm import Session

from app.errors import Conflict, ErrorItem, NotFound
from app.geo.arrays import FloatArray, IntArray
from app.geo.geodesy import area_km2
from app.geo.hexgrid import cells_of
from app.geo.network import StreetRows, label_components
from app.models import Dataset
from app.models.vocabularies import (
    AreaLevel,
    BoundaryKind,
    DatasetKind,
    DatasetRole,
    HostKind,
    StationStatus,
    StationType,
)
from app.repositories import areas as area_repo
from app.repositories import datasets as dataset_repo
from app.repositories import network as network_repo
from app.repositories import population as population_repo
from app.repositories import stations as station_repo
from app.services.placing import Placer

LEVEL_ORDER = (AreaLevel.CITY, AreaLevel.DISTRICT, AreaLevel.TOWN)


@dataclass(frozen=True)
class DatasetFacts:
    """What is known of a dataset besides its rows. ``parameters`` are the options that shaped them."""

    kind: DatasetKind
    level: AreaLevel | None
    name: str
    source: str
    licence: str
    vintage: str
    sha256: str
    synthetic: bool
    notes: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NewArea:
    """An area to be written; ``geom`` a valid MultiPolygon in WGS84. Without ``parent_code`` the parent is found."""

    code: str
    level: AreaLevel
    name: str
    parent_code: str | None
    boundary_kind: BoundaryKind
    geom: shapely.MultiPolygon


@dataclass(frozen=True)
class NewStation:
    """A station to be written. ``lng, lat`` are WGS84; ``source_*`` is the position as it was given.

    ``details`` are further columns of the record, for a station that is new: all stations name the same ones.
    """

    code: str
    name: str
    type: StationType
    host_kind: HostKind
    status: StationStatus
    address: str | None
    selected_on: date | None
    plaque_hung_on: date | None
    opened_on: date | None
    closed_on: date | None
    lng: float
    lat: float
    source_crs: str
    source_lng: float
    source_lat: float
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LoadResult:
    """What loading did. ``changed`` is False when everything was there already; ``counts`` e.g. added, changed."""

    dataset_id: int
    changed: bool
    counts: dict[str, int]


def load_boundaries(
    session: Session, facts: DatasetFacts, areas: Sequence[NewArea], report: dict[str, Any]
) -> LoadResult:
    """Put these areas in place of all others of their levels; parents and stations' areas are brought up to date.

    Raises Conflict when a code is taken by an area of another level.
    """
    dataset_repo.lock_for_loading(session)
    same = _same_dataset(session, facts)
    if same is not None:
        return LoadResult(same, False, {"unchanged": len(areas)})
    levels = sorted({area.level for area in areas}, key=LEVEL_ORDER.index)
    taken = {
        code: level
        for code, level in area_repo.levels_of_codes(session, [area.code for area in areas]).items()
        if level not in levels
    }
    if taken:
        raise Conflict(
            "区划代码已被另一级的区划使用。",
            "A code is already used by an area of another level.",
            errors=[
                ErrorItem(
                    "code",
                    f"已是{AreaLevel(level).title_zh}级区划",
                    f"is an area of level {level} already",
                    value=code,
                    remedy_zh="检查 --level 与 --code-field 是否对应",
                    remedy_en="check --level and --code-field",
                )
                for code, level in taken.items()
            ],
        )
    dataset_id = _add_dataset(session, facts, report)
    area_repo.delete_levels(session, levels)
    rows = []
    for area in areas:
        label_lng, label_lat = area_repo.label_point(area.geom)
        rows.append(
            area_repo.AreaRow(
                code=area.code, level=area.level, name=area.name, parent_code=None,
                boundary_kind=area.boundary_kind, area_km2=area_km2(area.geom), label_lng=label_lng,
                label_lat=label_lat, dataset_id=dataset_id, geom=area.geom,
            )
        )  # fmt: skip
    area_repo.insert_areas(session, rows)
    dataset_repo.retire(session, area_repo.datasets_without_areas(session))
    everything = area_repo.list_areas(session)
    placer = Placer.of(everything)
    given = {area.code: area.parent_code for area in areas}
    area_repo.set_parents(session, placer.parents(given))
    _place_stations(session, placer)
    return LoadResult(dataset_id, True, {"areas": len(areas)})


def load_network(session: Session, facts: DatasetFacts, rows: StreetRows, report: dict[str, Any]) -> LoadResult:
    """Put this network in place of the one that is there.

    Raises ValueError when an edge names a node that is not among the rows.
    """
    dataset_repo.lock_for_loading(session)
    counts = {"nodes": len(rows.node_id), "edges": len(rows.edge_id)}
    same = _same_dataset(session, facts)
    if same is not None:
        return LoadResult(same, False, counts)
    order = np.argsort(rows.node_id)
    ids = rows.node_id[order]
    ends = np.searchsorted(ids, np.concatenate([rows.source, rows.target]))
    if (ids[np.minimum(ends, len(ids) - 1)] != np.concatenate([rows.source, rows.target])).any():
        raise ValueError("an edge names a node that is not among the rows")
    u, v = order[ends[: len(rows.source)]], order[ends[len(rows.source) :]]
    component = label_components(len(ids), u, v, rows.length_m)
    old = [dataset.id for dataset in dataset_repo.find_current(session, DatasetKind.NETWORK)]
    dataset_id = _add_dataset(session, facts, report)
    network_repo.replace_network(session, rows, component, dataset_id)
    dataset_repo.retire(session, old)
    return LoadResult(dataset_id, True, counts)


def load_population(
    session: Session, facts: DatasetFacts, cells: IntArray, people: FloatArray, report: dict[str, Any]
) -> LoadResult:
    """Put this population in place of the main one. Cells are of one resolution, each once, people > 0.

    Alternatives stay, but one of the same content goes: it would say the same thing twice.
    """
    dataset_repo.lock_for_loading(session)
    counts = {"cells": len(cells)}
    same = _same_dataset(session, facts)
    if same is not None:
        return LoadResult(same, False, counts)
    old = dataset_repo.find_current(session, DatasetKind.POPULATION)
    old += [d for d in dataset_repo.find_alternatives(session, DatasetKind.POPULATION) if _is_same(d, facts)]
    dataset_id = _add_dataset(session, facts, report)
    population_repo.insert_cells(session, dataset_id, cells, people)
    _retire_population(session, old)
    return LoadResult(dataset_id, True, counts)


def load_alternative_population(
    session: Session, facts: DatasetFacts, cells: IntArray, people: FloatArray, report: dict[str, Any]
) -> LoadResult:
    """Keep a population beside the main one, in place of the alternative of that name or content, if there is one.

    Its cells may be of another resolution than those of the main one. Raises Conflict without a main one, or when the
    main one is this very content.
    """
    dataset_repo.lock_for_loading(session)
    counts = {"cells": len(cells)}
    if _same_dataset(session, facts) is not None:
        raise Conflict(
            "该人口数据就是现用的主要来源,不能同时作为备选来源。",
            "This population is the main source already: it cannot be an alternative to itself.",
        )
    if not dataset_repo.find_current(session, DatasetKind.POPULATION):
        raise Conflict(
            "还没有人口数据:请先不带 --alternative 导入主要来源。",
            "There is no population yet: import the main source first, without --alternative.",
        )
    known = dataset_repo.find_alternatives(session, DatasetKind.POPULATION)
    old = [d for d in known if d.name == facts.name or _is_same(d, facts)]
    if len(old) == 1 and old[0].name == facts.name and _is_same(old[0], facts):
        return LoadResult(old[0].id, False, counts)
    dataset_id = _add_dataset(session, facts, report, DatasetRole.ALTERNATIVE)
    population_repo.insert_cells(session, dataset_id, cells, people)
    _retire_population(session, old)
    return LoadResult(dataset_id, True, counts)


def drop_alternative_population(session: Session, name: str) -> int:
    """Retire the alternative of that name; its id. Raises NotFound, naming those that there are."""
    dataset_repo.lock_for_loading(session)
    known = dataset_repo.find_alternatives(session, DatasetKind.POPULATION)
    chosen = [dataset for dataset in known if dataset.name == name]
    if not chosen:
        names = "、".join(dataset.name for dataset in known)
        item = ErrorItem(
            "NAME", "没有这个备选来源", "no alternative has this name", value=name,
            remedy_zh=f"现有:{names or '无'}", remedy_en=f"there are: {names or 'none'}",
        )  # fmt: skip
        raise NotFound(
            f"没有名为 {name} 的备选人口来源。", f"There is no alternative population named {name}.", errors=[item]
        )
    _retire_population(session, chosen)
    return chosen[0].id


def load_stations(
    session: Session,
    facts: DatasetFacts,
    stations: Sequence[NewStation],
    report: dict[str, Any],
    *,
    replace: bool = False,
) -> LoadResult:
    """Add stations or bring them up to date, by code; ``replace`` removes those that are not in the list.

    A dataset is written only when something changes, and only what changes points to it.
    """
    dataset_repo.lock_for_loading(session)
    placer = Placer.of(area_repo.list_areas(session))
    present = {row.code: row for row in station_repo.list_stations(session, station_repo.StationFilter())}
    new_rows = _station_rows(stations, placer)
    gone = sorted(set(present) - {row.code for row in new_rows}) if replace else []
    _check_removable(session, gone)
    added = [row for row in new_rows if row.code not in present]
    changed = [row for row in new_rows if row.code in present and not _same_station(row, present[row.code])]
    counts = {
        "added": len(added),
        "changed": len(changed),
        "unchanged": len(new_rows) - len(added) - len(changed),
        "removed": len(gone),
    }
    if not (added or changed or gone):
        known = [d.id for d in dataset_repo.find_current(session, DatasetKind.STATIONS)]
        return LoadResult(known[0] if known else 0, False, counts)
    dataset_id = _add_dataset(session, facts, {**report, **counts})
    details = {station.code: station.details for station in stations if station.code not in present}
    station_repo.upsert_stations(session, [_with_dataset(row, dataset_id) for row in added], details)
    station_repo.upsert_stations(session, [_with_dataset(row, dataset_id) for row in changed])
    station_repo.delete_stations(session, gone)
    used = station_repo.dataset_ids(session)
    current = [d.id for d in dataset_repo.find_current(session, DatasetKind.STATIONS)]
    dataset_repo.retire(session, [i for i in current if i not in used])
    return LoadResult(dataset_id, True, counts)


def _check_removable(session: Session, codes: Sequence[str]) -> None:
    """Raises Conflict for stations with courses, pairings, training or other records, which are never lost."""
    held = station_repo.with_records(session, codes)
    if not held:
        return
    items = [
        ErrorItem(
            "code", "不在文件中的站点有课程、结对、培训或检查等记录,不能删除",
            "is not in the file, but has courses, pairings, training or other records: it cannot be removed",
            value=code, remedy_zh="写进文件:status 为 closed,closed_on 为撤销日期",
            remedy_en="list it with status closed and closed_on, the day it closed",
        )
        for code in held
    ]  # fmt: skip
    raise Conflict(
        f"{len(held)} 个站点已有记录,不能由 --replace 删除。没有写入任何内容。",
        f"{len(held)} stations have records and cannot be removed by --replace. Nothing was written.",
        errors=items,
    )


def ledger_dataset(session: Session) -> int:
    """The dataset of stations that officers enter themselves, one at a time or by workbook; made with the first."""
    parameters = {"kept_by": "officers"}
    for dataset in dataset_repo.find_current(session, DatasetKind.STATIONS):
        if dataset.parameters == parameters:
            return dataset.id
    facts = DatasetFacts(
        kind=DatasetKind.STATIONS, level=None, name="站点台账(在线登记)Ledger kept by the officers", source="officers",
        licence="internal", vintage="continuous", sha256="", synthetic=False, parameters=parameters,
    )  # fmt: skip
    return _add_dataset(session, facts, {})


def _same_dataset(session: Session, facts: DatasetFacts) -> int | None:
    """The current dataset with the same content and options, if there is one."""
    for dataset in dataset_repo.find_current(session, facts.kind, level=facts.level, sha256=facts.sha256):
        if _is_same(dataset, facts):
            return dataset.id
    return None


def _is_same(dataset: Dataset, facts: DatasetFacts) -> bool:
    return (dataset.sha256, dataset.level, dataset.parameters) == (facts.sha256, facts.level, facts.parameters)


def _retire_population(session: Session, old: Sequence[Dataset]) -> None:
    ids = [dataset.id for dataset in old]
    dataset_repo.retire(session, ids)
    population_repo.delete_cells(session, ids)


def _add_dataset(
    session: Session, facts: DatasetFacts, report: dict[str, Any], role: DatasetRole = DatasetRole.MAIN
) -> int:
    dataset = Dataset(
        kind=facts.kind, level=facts.level, name=facts.name, source=facts.source, licence=facts.licence,
        vintage=facts.vintage, sha256=facts.sha256, synthetic=facts.synthetic, is_current=True, role=role.value,
        notes=facts.notes, parameters=facts.parameters, report=report,
    )  # fmt: skip
    return dataset_repo.add_dataset(session, dataset)


def _station_rows(stations: Sequence[NewStation], placer: Placer) -> list[station_repo.StationRow]:
    if not stations:
        return []
    lng = np.array([s.lng for s in stations])
    lat = np.array([s.lat for s in stations])
    hexes = {r: cells_of(lng, lat, r).tolist() for r in (7, 8, 9, 10)}
    districts = placer.codes_at(lng, lat, AreaLevel.DISTRICT)
    towns = placer.codes_at(lng, lat, AreaLevel.TOWN)
    return [
        station_repo.StationRow(
            code=s.code, name=s.name, type=s.type.value, host_kind=s.host_kind.value, status=s.status.value,
            address=s.address, selected_on=s.selected_on, plaque_hung_on=s.plaque_hung_on, opened_on=s.opened_on,
            closed_on=s.closed_on, district_code=districts[k], town_code=towns[k], source_crs=s.source_crs,
            source_lng=s.source_lng, source_lat=s.source_lat, lng=s.lng, lat=s.lat, h3_r7=hexes[7][k],
            h3_r8=hexes[8][k], h3_r9=hexes[9][k], h3_r10=hexes[10][k], dataset_id=0,
        )
        for k, s in enumerate(stations)
    ]  # fmt: skip


def _same_station(new: station_repo.StationRow, old: station_repo.StationRow) -> bool:
    return _with_dataset(new, 0) == _with_dataset(old, 0)


def _with_dataset(row: station_repo.StationRow, dataset_id: int) -> station_repo.StationRow:
    return replace(row, dataset_id=dataset_id)


def _place_stations(session: Session, placer: Placer) -> None:
    rows = station_repo.list_stations(session, station_repo.StationFilter())
    if not rows:
        return
    lng, lat = np.array([r.lng for r in rows]), np.array([r.lat for r in rows])
    districts = placer.codes_at(lng, lat, AreaLevel.DISTRICT)
    towns = placer.codes_at(lng, lat, AreaLevel.TOWN)
    moved = {
        row.code: (district, town)
        for row, district, town in zip(rows, districts, towns, strict=True)
        if (district, town) != (row.district_code, row.town_code)
    }
    station_repo.set_areas(session, moved)
