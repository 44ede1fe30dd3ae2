"""``skillsmap import``: real data goes in; each command is one transaction."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.runtime import database_engine, home_folder
from app.errors import ErrorItem, InvalidInput

if TYPE_CHECKING:
    from app.geo.crs import Crs
    from app.ingest.report import ImportReport
    from app.ingest.transaction import SourceFacts

import_app = typer.Typer(no_args_is_help=True, help="导入数据 · Import data: osm, population, boundaries, stations.")


class Level(StrEnum):  # as app.models.vocabularies has them, which would load the database layer for --help
    CITY = "city"
    DISTRICT = "district"
    TOWN = "town"


class Boundary(StrEnum):
    OFFICIAL = "official"
    APPROXIMATE = "approximate"
    SYNTHETIC = "synthetic"


class People(StrEnum):
    H3 = "h3"
    RASTER = "raster"
    POLYGONS = "polygons"


File = Annotated[Path, typer.Argument(metavar="FILE", help="要导入的文件 · The file to import.", show_default=False)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="只检查,不写入 · Check everything, write nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="以 JSON 输出报告 · Print the report as JSON.")]
Within = Annotated[
    Path | None, typer.Option("--within", help="范围(面文件) · A file of polygons that bounds it.", show_default=False)
]
FileCrs = Annotated[
    str | None,
    typer.Option("--crs", help="文件的坐标系,覆盖其自称 · Its system: wgs84, gcj02, bd09, EPSG:…; overrides the file."),
]
Layer = Annotated[str | None, typer.Option("--layer", help="图层名 · The layer, where a file has several.")]
Name = Annotated[str | None, typer.Option("--name", help="数据集名称,默认文件名 · Name of the dataset; default: file.")]
Source = Annotated[str | None, typer.Option("--source", help="来源 · Where it comes from.")]
Licence = Annotated[str | None, typer.Option("--licence", help="许可 · Its licence.")]
Vintage = Annotated[str | None, typer.Option("--vintage", help="数据时间 · The time it describes, e.g. 2025-06.")]
Synthetic = Annotated[bool, typer.Option("--synthetic", help="合成数据 · It is not real.")]
Notes = Annotated[str | None, typer.Option("--notes", help="说明 · Notes.")]


@import_app.callback()
def importing() -> None:
    """导入数据 · Import data. 每条命令是一个事务 · Each command is one transaction."""


@import_app.command("osm")
def osm(
    file: File, within: Within = None,
    buffer_m: Annotated[
        float, typer.Option("--buffer-m", help="范围外再保留多少米 · Metres kept beyond the polygons.")
    ] = 2000.0,
    dry_run: DryRun = False, as_json: AsJson = False, name: Name = None, source: Source = None, licence: Licence = None,
    vintage: Vintage = None, synthetic: Synthetic = False, notes: Notes = None,
) -> None:  # fmt: skip
    """步行路网(.osm.pbf) · The walking network of an OSM extract; replaces the one that is loaded."""
    from app.cli.import_watch import watched
    from app.ingest.osm import OsmOptions, import_osm

    _check_files(file, within)
    options = OsmOptions(within, buffer_m, _facts(name, source, licence, vintage, synthetic, notes))
    with database_engine() as engine, watched(file) as tell:
        report = import_osm(engine, file, options, dry_run=dry_run, tell=tell)
    _show(report, as_json)


@import_app.command("population")
def population(
    file: File,
    kind: Annotated[People, typer.Option("--kind", help="H3 表、栅格或面 · An H3 table, a raster, or polygons.")],
    cell_field: Annotated[str | None, typer.Option("--cell-field", help="网格列 · Column with the cells.")] = None,
    value_field: Annotated[str | None, typer.Option("--value-field", help="人口列 · Column with the people.")] = None,
    resolution: Annotated[
        int | None, typer.Option("--resolution", help="栅格与面的 H3 分辨率,默认 9 · Cells of rasters and polygons.")
    ] = None,
    alternative: Annotated[
        bool, typer.Option("--alternative", help="备选来源,与主要来源并存 · Beside the main source: for intervals.")
    ] = False,
    within: Within = None, crs: FileCrs = None, layer: Layer = None, dry_run: DryRun = False, as_json: AsJson = False,
    name: Name = None, source: Source = None, licence: Licence = None, vintage: Vintage = None,
    synthetic: Synthetic = False, notes: Notes = None,
) -> None:  # fmt: skip
    """人口 · People: an H3 table (CSV, Parquet), a GeoTIFF, or polygons; those outside of the city are counted."""
    from app.cli.import_watch import watched
    from app.ingest.population import PopulationKind, PopulationOptions, import_population

    _check_files(file, within)
    facts = _facts(name, source, licence, vintage, synthetic, notes)
    options = PopulationOptions(
        PopulationKind(kind.value), cell_field, value_field, resolution, within, crs, layer, alternative, facts
    )  # fmt: skip
    with database_engine() as engine, watched(file) as tell:
        report = import_population(engine, file, options, dry_run=dry_run, tell=tell)
    _show(report, as_json)


@import_app.command("drop-population")
def drop_population(
    name: Annotated[str, typer.Argument(metavar="NAME", help="数据集名称 · Name of the dataset.", show_default=False)],
) -> None:
    """去掉一个备选人口来源 · Drop an alternative population source; the main one stays."""
    from app.db.engine import session_scope
    from app.services.loading import drop_alternative_population

    home_folder()
    with database_engine() as engine, session_scope(engine) as session:
        dataset_id = drop_alternative_population(session, name)
    typer.echo(f"✓ 已去掉备选来源 {name}(数据集 {dataset_id}) · Dropped {name} (dataset {dataset_id})")


@import_app.command("boundaries")
def boundaries(
    file: File,
    level: Annotated[Level, typer.Option("--level", help="级别 · Level of the areas.")],
    code_field: Annotated[str, typer.Option("--code-field", help="代码列 · Column with the codes.")],
    name_field: Annotated[str, typer.Option("--name-field", help="名称列 · Column with the names.")],
    parent_field: Annotated[
        str | None, typer.Option("--parent-field", help="上级代码列 · Column with the code of the area above.")
    ] = None,
    kind: Annotated[
        Boundary | None, typer.Option("--kind", help="界线性质,默认 approximate · What kind of lines they are.")
    ] = None,
    crs: FileCrs = None, layer: Layer = None, dry_run: DryRun = False, as_json: AsJson = False, name: Name = None,
    source: Source = None, licence: Licence = None, vintage: Vintage = None, synthetic: Synthetic = False,
    notes: Notes = None,
) -> None:  # fmt: skip
    """行政区划 · Areas of one level, from any vector file; they replace those of that level."""
    from app.cli.import_watch import watched
    from app.ingest.boundaries import BoundaryOptions, import_boundaries
    from app.models.vocabularies import AreaLevel, BoundaryKind

    _check_files(file)
    facts = _facts(name, source, licence, vintage, synthetic, notes)
    options = BoundaryOptions(
        AreaLevel(level.value), code_field, name_field, parent_field, BoundaryKind(kind.value) if kind else None, crs,
        layer, facts,
    )  # fmt: skip
    with database_engine() as engine, watched(file) as tell:
        report = import_boundaries(engine, file, options, dry_run=dry_run, tell=tell)
    _show(report, as_json)


@import_app.command("stations")
def stations(
    file: File,
    crs: Annotated[
        str | None,
        typer.Option("--crs", help="坐标系(必填) · System of the coordinates, required: wgs84, gcj02, bd09, cgcs2000."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="删除文件中没有的站点 · Remove stations that the file does not have.")
    ] = False,
    dry_run: DryRun = False, as_json: AsJson = False, name: Name = None, source: Source = None, licence: Licence = None,
    vintage: Vintage = None, synthetic: Synthetic = False, notes: Notes = None,
) -> None:  # fmt: skip
    """站点台账 · The ledger of stations: CSV, XLSX or GeoJSON; added or brought up to date by code."""
    from app.cli.import_watch import watched
    from app.ingest.ledger import GEOJSON, crs_required
    from app.ingest.stations import StationOptions, import_stations

    system = _station_crs(crs)
    if system is None and file.suffix.lower() not in GEOJSON:
        raise crs_required()  # before a database is started
    _check_files(file)
    options = StationOptions(system, replace, _facts(name, source, licence, vintage, synthetic, notes))
    with database_engine() as engine, watched(file) as tell:
        report = import_stations(engine, file, options, dry_run=dry_run, tell=tell)
    _show(report, as_json)


def _check_files(*files: Path | None) -> None:
    """A missing or empty file is said before a database is started."""
    from app.ingest.files import check_file

    home_folder()
    for file in files:
        if file is not None:
            check_file(file)


def _facts(
    name: str | None, source: str | None, licence: str | None, vintage: str | None, synthetic: bool, notes: str | None
) -> SourceFacts:
    from app.ingest.transaction import SourceFacts

    return SourceFacts(name, source, licence, vintage, synthetic, notes)


def _station_crs(text: str | None) -> Crs | None:
    from app.geo.crs import Crs

    if text is None:
        return None
    wanted = text.strip().lower().replace("-", "").replace("_", "")
    for crs in Crs:
        if wanted == crs.value:
            return crs
    known = ", ".join(Crs)
    raise InvalidInput(
        f"未知的坐标系:{text}。", f"Unknown coordinate system: {text}.",
        errors=[
            ErrorItem(
                "--crs", "无法识别", "not known", value=text, remedy_zh=f"可用:{known}",
                remedy_en=f"use one of: {known}",
            )
        ],
    )  # fmt: skip


def _show(report: ImportReport, as_json: bool) -> None:
    from app.cli.import_watch import print_report

    if as_json:
        typer.echo(json.dumps(report.to_dict(), ensure_ascii=False, indent=1))
    else:
        print_report(report)
