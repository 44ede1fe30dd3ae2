"""``import population``: people on H3 cells, from a table, a raster or polygons; nobody is lost on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from math import fsum
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.db.engine import session_scope
from app.errors import ErrorItem, ImportFailed, InvalidInput
from app.geo.arrays import FloatArray, IntArray
from app.geo.hexgrid import REPORTING_RESOLUTION
from app.ingest.cells import CellSums
from app.ingest.city import Zone, check_same_city, loaded_areas, zone_of_areas, zone_of_file
from app.ingest.files import check_file, sha256_of_all
from app.ingest.population_h3 import read_h3
from app.ingest.population_polygons import read_polygons
from app.ingest.population_raster import read_raster
from app.ingest.report import ImportReport
from app.ingest.transaction import SourceFacts, Tell, dataset_facts, load_once, silent
from app.ingest.vectors import sidecars
from app.models.vocabularies import DatasetKind
from app.services.loading import LoadResult, load_alternative_population, load_population

METHOD_VERSION = 1
MIN_RESOLUTION, MAX_RESOLUTION = 6, 11


class PopulationKind(StrEnum):
    H3 = "h3"
    RASTER = "raster"
    POLYGONS = "polygons"


@dataclass(frozen=True)
class PopulationOptions:
    """``resolution`` is of the cells made from a raster or polygons (default 9); a table keeps its own.

    An ``alternative`` stands beside the main source instead of taking its place.
    """

    kind: PopulationKind
    cell_field: str | None = None
    value_field: str | None = None
    resolution: int | None = None
    within: Path | None = None
    crs: str | None = None
    layer: str | None = None
    alternative: bool = False
    facts: SourceFacts = field(default_factory=SourceFacts)


def import_population(
    engine: Engine, path: Path, options: PopulationOptions, *, dry_run: bool = False, tell: Tell = silent
) -> ImportReport:
    """Read a population file and make it the main source, or an alternative to it, in one transaction.

    People outside of ``within``, or else of the loaded areas, are left out and counted.
    Raises FileUnreadable, ImportFailed, InvalidInput, Conflict; the database is then as it was.
    """
    if options.within is not None:
        zone: Zone | None = zone_of_file(options.within)
    else:
        with session_scope(engine) as session:
            zone = zone_of_areas(loaded_areas(session))
    cells, people, report = read_population(path, options, zone, tell)
    if options.alternative:
        report.note(
            "备选来源:与主要来源并存,只用于覆盖的区间。",
            "An alternative: it stands beside the main source and shapes the intervals of coverage alone.",
        )
    facts = dataset_facts(options.facts, DatasetKind.POPULATION, path, report, _parameters(options, zone))

    def same_city(session: Session) -> None:
        if options.within is None:
            check_same_city(session, zone)

    def load(session: Session) -> LoadResult:
        tell("写入数据库", "writing to the database")
        write = load_alternative_population if options.alternative else load_population
        return write(session, facts, cells, people, report.for_dataset())

    return load_once(engine, report, load, dry_run=dry_run, check=[same_city])


def read_population(
    path: Path, options: PopulationOptions, zone: Zone | None, tell: Tell = silent
) -> tuple[IntArray, FloatArray, ImportReport]:
    """Cells ascending with people > 0, and the report. ``read = kept + outside`` holds to 1e-9 (relative).

    Raises ImportFailed with all faulty rows, FileUnreadable, InvalidInput.
    """
    resolution = _resolution(options)
    check_file(path)
    tell("计算文件指纹", "hashing the file")
    report = ImportReport(DatasetKind.POPULATION, path.name, sha256_of_all(sidecars(path)))
    sums = CellSums()
    tell("读取人口", "reading people")
    if options.kind is PopulationKind.H3:
        read_h3(path, options.cell_field, options.value_field, zone, report, sums)
        _check_own_resolution(options, report)
    elif options.kind is PopulationKind.RASTER:
        read_raster(path, options.crs, resolution, zone, report, sums, tell)
    else:
        read_polygons(path, options.value_field, options.crs, options.layer, resolution, zone, report, sums, tell)
    report.raise_if_errors()
    cells, people = sums.result()
    read, outside = sums.totals()
    report.figures |= {
        "people_read": read, "people_kept": fsum(people), "people_outside": outside, "cells": len(cells)
    }  # fmt: skip
    if zone is None:
        report.note(
            "数据库中没有区划,也没有 --within:全部人口都保留,未判断是否在城市之内。",
            "No areas are loaded and --within is not given: everybody is kept, inside of the city or not.",
        )
    else:
        report.note(f"城市范围:{zone.name_zh}。", f"The city is {zone.name_en}.")
    _check_somebody(path, read, len(cells))
    return cells, people, report


def _parameters(options: PopulationOptions, zone: Zone | None) -> dict[str, Any]:
    """All that shapes the cells besides the file: the same file with the same ones is the same dataset."""
    return {
        "kind": options.kind.value, "method": METHOD_VERSION, "cell_field": options.cell_field,
        "value_field": options.value_field, "crs": options.crs, "layer": options.layer,
        "resolution": None if options.kind is PopulationKind.H3 else _resolution(options),
        "zone_sha256": None if zone is None else zone.fingerprint,
    }  # fmt: skip


def _resolution(options: PopulationOptions) -> int:
    wanted = REPORTING_RESOLUTION if options.resolution is None else options.resolution
    if MIN_RESOLUTION <= wanted <= MAX_RESOLUTION:
        return wanted
    raise InvalidInput(
        "H3 分辨率超出范围。", "The H3 resolution is out of range.",
        errors=[
            ErrorItem(
                "--resolution", f"须在 {MIN_RESOLUTION} 与 {MAX_RESOLUTION} 之间",
                f"must be between {MIN_RESOLUTION} and {MAX_RESOLUTION}", value=str(wanted),
                remedy_zh="默认 9(每格约 0.1 平方公里)", remedy_en="9 is the default (about 0.1 km² a cell)",
            )
        ],
    )  # fmt: skip


def _check_own_resolution(options: PopulationOptions, report: ImportReport) -> None:
    own = report.figures.get("resolution")
    if options.resolution is not None and own is not None and own != options.resolution:
        report.error(
            f"表中网格的分辨率是 {own}", f"the cells of the table are of resolution {own}", field="--resolution",
            value=options.resolution,
            remedy=("H3 表保持自己的分辨率:去掉该选项", "a table keeps its own resolution: leave the option out"),
        )  # fmt: skip


def _check_somebody(path: Path, read: float, cells: int) -> None:
    if cells:
        return
    nobody = read <= 0
    raise ImportFailed(
        f"{path.name} 中{'没有人口' if nobody else '的人口全部在城市范围之外'}。",
        f"{'Nobody lives in' if nobody else 'All people are outside of the city:'} {path.name}.",
        errors=[
            ErrorItem(
                "FILE", "没有可导入的人口", "there are no people to import", value=f"{read:g}",
                remedy_zh="检查所选的列、坐标系,以及文件与区划是否为同一城市",
                remedy_en="check the column, the coordinate system, and that file and areas are of the same city",
            )
        ],
    )  # fmt: skip
