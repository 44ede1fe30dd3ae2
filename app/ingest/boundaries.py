"""``import boundaries``: the areas of one level, repaired or refused, with what is wrong between neighbours."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.geo.arrays import AnyArray
from app.geo.geodesy import area_km2
from app.ingest.boundary_faults import (
    MAX_REPAIR_CHANGE,
    SAME_SHARE,
    TOLERANCE_KM2,
    holes,
    overlaps,
    repair,
)
from app.ingest.files import check_file, sha256_of_all
from app.ingest.report import ImportReport
from app.ingest.transaction import SourceFacts, Tell, dataset_facts, load_once, silent
from app.ingest.values import code_of, text_of
from app.ingest.vectors import Features, polygonal, read_features, sidecars
from app.models.vocabularies import AreaLevel, BoundaryKind, DatasetKind
from app.services.loading import LoadResult, NewArea, load_boundaries

METHOD_VERSION = 1
POLYGONS = ("Polygon", "MultiPolygon")


@dataclass(frozen=True)
class BoundaryOptions:
    """Columns by name. ``crs`` is needed when the file names none, and overrides it when it does."""

    level: AreaLevel
    code_field: str
    name_field: str
    parent_field: str | None = None
    kind: BoundaryKind | None = None
    crs: str | None = None
    layer: str | None = None
    facts: SourceFacts = field(default_factory=SourceFacts)


def import_boundaries(
    engine: Engine, path: Path, options: BoundaryOptions, *, dry_run: bool = False, tell: Tell = silent
) -> ImportReport:
    """Read the areas of one level and put them in place of those that are loaded, in one transaction.

    Stations and parents are brought up to date. Raises FileUnreadable, ImportFailed, InvalidInput, Conflict; the
    database is then as it was.
    """
    areas, report = read_boundaries(path, options, tell)
    parameters: dict[str, Any] = {
        "method": METHOD_VERSION, "level": options.level.value, "code_field": options.code_field,
        "name_field": options.name_field, "parent_field": options.parent_field, "crs": options.crs,
        "layer": options.layer, "boundary_kind": _kind(options).value,
    }  # fmt: skip
    facts = dataset_facts(options.facts, DatasetKind.BOUNDARIES, path, report, parameters, options.level)

    def load(session: Session) -> LoadResult:
        tell("写入数据库", "writing to the database")
        return load_boundaries(session, facts, areas, report.for_dataset())

    return load_once(engine, report, load, dry_run=dry_run)


def read_boundaries(path: Path, options: BoundaryOptions, tell: Tell = silent) -> tuple[list[NewArea], ImportReport]:
    """The areas of a file in WGS84, valid, by code; and the report.

    Raises ImportFailed with every faulty feature, FileUnreadable, InvalidInput.
    """
    check_file(path)
    report = ImportReport(DatasetKind.BOUNDARIES, path.name, sha256_of_all(sidecars(path)))
    tell("读取区划", "reading areas")
    features = read_features(path, crs=options.crs, layer=options.layer, report=report)
    codes = _texts(features.column(options.code_field, "--code-field"))
    names = _texts(features.column(options.name_field, "--name-field"))
    parents = [""] * len(features)
    if options.parent_field is not None:
        parents = _texts(features.column(options.parent_field, "--parent-field"))
    report.figures |= {"features_read": len(features), "crs": features.crs, "repaired": 0}
    outlines = _outlines(features, codes, report)
    _check_texts(codes, names, report)
    report.raise_if_errors()
    tell("检查相邻区划", "checking neighbours")
    _check_neighbours(outlines, codes, names, report)
    report.raise_if_errors()
    report.figures |= {"areas": len(codes), "area_km2": round(sum(area_km2(g) for g in outlines), 3)}
    if options.kind is None:
        report.note(
            "未用 --kind 注明界线性质,记为“近似界线”。",
            "What kind of boundary it is was not stated with --kind: recorded as approximate.",
        )
    areas = [
        NewArea(code_of(code), options.level, name, code_of(parent) or None, _kind(options), outline)
        for code, name, parent, outline in zip(codes, names, parents, outlines, strict=True)
    ]
    return sorted(areas, key=lambda area: area.code), report


def _kind(options: BoundaryOptions) -> BoundaryKind:
    return options.kind or BoundaryKind.APPROXIMATE


def _texts(column: AnyArray) -> list[str]:
    return [text_of(value) for value in column.tolist()]


def _check_texts(codes: list[str], names: list[str], report: ImportReport) -> None:
    rows: dict[str, list[int]] = defaultdict(list)
    for row, (code, name) in enumerate(zip(codes, names, strict=True), start=1):
        if not code_of(code):
            report.error(
                "代码为空", "the code is empty", row=row, field="code",
                remedy=("补上代码,或检查 --code-field", "fill it in, or check --code-field"),
            )  # fmt: skip
        else:
            rows[code_of(code)].append(row)
        if not name:
            report.error(
                "名称为空", "the name is empty", row=row, field="name", value=code or None,
                remedy=("补上名称,或检查 --name-field", "fill it in, or check --name-field"),
            )  # fmt: skip
    for code, same in rows.items():
        for row in same if len(same) > 1 else ():
            others = "、".join(str(r) for r in same if r != row)
            report.error(
                f"代码重复(第 {others} 行)", f"the code is also that of row {others.replace('、', ', ')}", row=row,
                field="code", value=code,
                remedy=("合并同一区划的要素,或改正代码", "merge the features of one area, or correct the code"),
            )  # fmt: skip


def _outlines(features: Features, codes: list[str], report: ImportReport) -> list[shapely.MultiPolygon]:
    """Valid outlines; every fault goes into the report (and an empty outline into the list)."""
    found = []
    for row, (geometry, code) in enumerate(zip(features.geometries, codes, strict=True), start=1):
        outline = shapely.MultiPolygon()
        if geometry is None or shapely.is_empty(geometry):
            report.error(
                "没有几何图形", "it has no geometry", row=row, field="geometry", value=code or None,
                remedy=("补上面要素或删除该行", "give it a polygon or remove it"),
            )  # fmt: skip
        elif geometry.geom_type not in POLYGONS:
            report.error(
                "不是面要素", "it is not a polygon", row=row, field="geometry", value=geometry.geom_type,
                remedy=("区划须为 Polygon 或 MultiPolygon", "an area must be a Polygon or a MultiPolygon"),
            )  # fmt: skip
        elif not _in_degrees(geometry):
            report.error(
                "坐标超出经纬度范围", "the coordinates are not degrees", row=row, field="geometry", value=code or None,
                remedy=("用 --crs 注明正确的坐标系", "name the right system with --crs"),
            )  # fmt: skip
        else:
            outline = _valid(geometry, row, code, report)
        found.append(outline)
    return found


def _in_degrees(geometry: shapely.Geometry) -> bool:
    west, south, east, north = shapely.bounds(geometry).tolist()
    return bool(west >= -180 and south >= -90 and east <= 180 and north <= 90)


def _valid(geometry: shapely.Geometry, row: int, code: str, report: ImportReport) -> shapely.MultiPolygon:
    made = repair(geometry)
    if made is None:
        return polygonal(geometry)
    where = f"lng {made.lng:.6f}, lat {made.lat:.6f}"
    if made.geometry.is_empty or made.change > MAX_REPAIR_CHANGE:
        report.error(
            f"界线自相矛盾({made.reason},位于 {where}),修复会改变面积 {made.change:.1%}",
            f"the outline is invalid ({made.reason} at {where}); a repair would change its area by {made.change:.1%}",
            row=row, field="geometry", value=code or None,
            remedy=("在 GIS 软件中改正此处后重新导入", "correct it there in a GIS and import it again"),
        )  # fmt: skip
    else:
        report.figures["repaired"] = int(report.figures["repaired"]) + 1
        report.warn(
            f"界线有误({made.reason},位于 {where}),已修复,面积变化 {made.change:.4%}",
            f"the outline was invalid ({made.reason} at {where}); repaired, its area changed by {made.change:.4%}",
            row=row, field="geometry", value=code or None,
        )  # fmt: skip
    return made.geometry


def _check_neighbours(
    outlines: list[shapely.MultiPolygon], codes: list[str], names: list[str], report: ImportReport
) -> None:
    """Overlaps and holes are worth a look; an area inside of another is an error."""
    areas = np.empty(len(outlines), dtype=np.object_)
    areas[:] = outlines
    shared = overlaps(areas)
    for overlap in shared:
        pair = [f"{names[k]} {code_of(codes[k])}" for k in (overlap.first, overlap.second)]
        where = f"lng {overlap.lng:.6f}, lat {overlap.lat:.6f}"
        if overlap.share >= SAME_SHARE:
            report.error(
                f"{pair[0]} 与 {pair[1]} 重合,或一个在另一个之内", f"{pair[0]} and {pair[1]} are the same ground, "
                "or one lies inside of the other", row=overlap.second + 1, field="geometry", value=where,
                remedy=("同一级的区划不能相互包含", "areas of one level cannot contain one another"),
            )  # fmt: skip
        elif overlap.km2 >= TOLERANCE_KM2:
            report.warn(
                f"{pair[0]} 与 {pair[1]} 重叠 {overlap.km2:.4f} km²", f"{pair[0]} and {pair[1]} overlap by "
                f"{overlap.km2:.4f} km²", row=overlap.second + 1, field="geometry", value=where,
            )  # fmt: skip
    gaps = holes(areas)
    for gap in gaps:
        if gap.km2 >= TOLERANCE_KM2:
            report.warn(
                f"区划之间有 {gap.km2:.4f} km² 的空隙", f"there is a hole of {gap.km2:.4f} km² between areas",
                field="geometry", value=f"lng {gap.lng:.6f}, lat {gap.lat:.6f}",
            )  # fmt: skip
    report.figures |= {
        "overlaps": len(shared), "overlap_km2": round(sum(o.km2 for o in shared), 6),
        "holes": len(gaps), "hole_km2": round(sum(g.km2 for g in gaps), 6),
    }  # fmt: skip
