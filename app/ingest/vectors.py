"""Polygon files of any format that GDAL reads (GeoPackage, GeoJSON, Shapefile, …) as WGS84 geometries and columns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from app.errors import ErrorItem, InvalidInput
from app.geo.arrays import AnyArray
from app.ingest.files import check_file, unreadable
from app.ingest.references import Reference, reference_of
from app.ingest.report import ImportReport

SHAPEFILE_PARTS = (".shp", ".dbf", ".shx", ".prj", ".cpg")


@dataclass(frozen=True)
class Features:
    """The features of a layer: ``geometries`` in WGS84 (None where a feature has none) and columns by name."""

    geometries: npt.NDArray[np.object_]
    columns: dict[str, AnyArray]
    crs: str

    def __len__(self) -> int:
        return len(self.geometries)

    def column(self, name: str, option: str) -> AnyArray:
        """The values of a column. Raises InvalidInput that lists the columns there are."""
        if name not in self.columns:
            raise no_such_column(name, option, list(self.columns))
        return self.columns[name]


def no_such_column(name: str, option: str, present: list[str]) -> InvalidInput:
    listed = "、".join(present) or "(无 none)"
    return InvalidInput(
        f"文件中没有“{name}”这一列。",
        f"The file has no column named {name}.",
        errors=[
            ErrorItem(
                option, "没有这一列", "no such column", value=name,
                remedy_zh=f"现有的列:{listed}", remedy_en=f"the columns are: {', '.join(present) or 'none'}",
            )
        ],
    )  # fmt: skip


def sidecars(path: Path) -> list[Path]:
    """The files that make up a data source: for a Shapefile its parts, for all else the file."""
    if path.suffix.lower() != ".shp":
        return [path]
    found = [path]
    for part in SHAPEFILE_PARTS[1:]:
        found += [p for p in (path.with_suffix(part), path.with_suffix(part.upper())) if p.exists()][:1]
    return found


def read_features(path: Path, *, crs: str | None, layer: str | None, report: ImportReport | None) -> Features:
    """All features of a layer, moved to WGS84.

    ``crs`` overrides what the file says about itself (GeoJSON from map providers is often GCJ-02 and cannot say so).
    Raises FileUnreadable, and InvalidInput when the system is not known or a layer has to be chosen.
    """
    check_file(path)
    try:
        chosen = _layer(path, layer)
        encoding = _shapefile_encoding(path) if path.suffix.lower() == ".shp" else None
        meta, _, wkb, values = pyogrio.raw.read(path, layer=chosen, encoding=encoding)
    except (DataSourceError, DataLayerError, UnicodeDecodeError, ValueError) as fault:
        first = (str(fault).splitlines() or [""])[0]
        raise unreadable(
            path, f"不是可识别的矢量文件,或已损坏({first})", f"it is not a vector file, or it is damaged ({first})",
            remedy_zh="支持 GeoPackage、GeoJSON、Shapefile(须连同 .dbf .shx .prj)",
            remedy_en="GeoPackage, GeoJSON and Shapefile (with its .dbf .shx .prj) can be read",
        ) from fault  # fmt: skip
    if wkb is None or len(wkb) == 0:
        raise unreadable(
            path, "其中没有任何要素", "it has no features",
            remedy_zh="检查导出的图层与筛选条件", remedy_en="check the layer and the filter of its export",
        )  # fmt: skip
    reference = _reference(path, meta["crs"], crs, report)
    geometries = reference.geometries_to_wgs84(np.asarray(shapely.from_wkb(wkb, on_invalid="ignore"), dtype=np.object_))
    columns = {str(name): column for name, column in zip(meta["fields"], values, strict=True)}
    return Features(geometries, columns, reference.text)


def read_zone(path: Path) -> shapely.Geometry:
    """The union of all polygons of a file, in WGS84: for ``--within``. Raises FileUnreadable when it has none."""
    features = read_features(path, crs=None, layer=None, report=None)
    polygons = [polygonal(shapely.make_valid(g)) for g in features.geometries if g is not None]
    zone = shapely.union_all([p for p in polygons if not p.is_empty])
    if zone.is_empty:
        raise unreadable(
            path, "其中没有面要素", "it has no polygons",
            remedy_zh="--within 需要面(多边形)文件", remedy_en="--within needs a file of polygons", field="--within",
        )  # fmt: skip
    return zone


def polygonal(geometry: shapely.Geometry) -> shapely.MultiPolygon:
    """The polygons of a geometry, whatever else it holds."""
    parts = shapely.get_parts(geometry)
    while any(shapely.get_type_id(part) >= 4 for part in parts):  # collections inside collections
        parts = np.concatenate([shapely.get_parts(part) for part in parts])
    return shapely.MultiPolygon([part for part in parts if isinstance(part, shapely.Polygon) and not part.is_empty])


def _layer(path: Path, wanted: str | None) -> str | None:
    """The layer to read; of several with geometry one has to be named."""
    layers = [(str(name), kind) for name, kind in pyogrio.list_layers(path)]
    names = [name for name, kind in layers if kind is not None]
    if wanted is not None:
        if wanted not in [name for name, _ in layers]:
            raise _choose_layer("没有这一图层", "there is no such layer", wanted, names)
        return wanted
    if len(names) > 1:
        raise _choose_layer("文件中有多个图层", "the file has several layers", None, names)
    return names[0] if names else None


def _choose_layer(message_zh: str, message_en: str, value: str | None, names: list[str]) -> InvalidInput:
    item = ErrorItem(
        "--layer", message_zh, message_en, value=value,
        remedy_zh=f"用 --layer 指定其一:{'、'.join(names)}", remedy_en=f"name one with --layer: {', '.join(names)}",
    )  # fmt: skip
    return InvalidInput(f"{message_zh}。", f"{message_en}.".capitalize(), errors=[item])


def _reference(path: Path, own: str | None, given: str | None, report: ImportReport | None) -> Reference:
    if given is None and own is None and report is None:
        raise unreadable(
            path, "没有注明坐标系", "it does not name its coordinate system", field="--within",
            remedy_zh="存为带坐标系的 GeoPackage,或 WGS84 的 GeoJSON",
            remedy_en="save it as a GeoPackage with its system, or as GeoJSON in WGS84",
        )  # fmt: skip
    if given is None and own is None:
        raise InvalidInput(
            f"{path.name} 没有注明坐标系。",
            f"{path.name} does not name its coordinate system.",
            errors=[
                ErrorItem(
                    "--crs", "缺少坐标系", "no coordinate system",
                    remedy_zh="用 --crs 注明,例如 --crs EPSG:4490 或 --crs gcj02;不要猜测,坐标系弄错会偏移约 600 米",
                    remedy_en="name it, for example --crs EPSG:4490 or --crs gcj02; do not guess: "
                    "the wrong one moves everything by some 600 m",
                )
            ],
        )  # fmt: skip
    declared = None if own is None else reference_of(own)
    if given is None:
        assert declared is not None
        return declared
    wanted = reference_of(given)
    if report is not None and declared is not None and declared.text != wanted.text:
        report.warn(
            f"文件自称 {declared.text},按 --crs 以 {wanted.text} 读取",
            f"the file says {declared.text}; it was read as {wanted.text}, as --crs says",
            field="crs",
        )
    return wanted


def _shapefile_encoding(path: Path) -> str | None:
    """Encoding of a Shapefile's table; None where a .cpg file names it.

    Without one GDAL assumes ISO-8859-1, while Chinese offices write GBK: text that is not UTF-8 is taken for GBK.
    """
    parts = {part.suffix.lower(): part for part in sidecars(path)}
    if ".cpg" in parts or ".dbf" not in parts:
        return None
    table = parts[".dbf"].read_bytes()
    records = int.from_bytes(table[8:10], "little")
    names = b"".join(table[at : at + 11] for at in range(32, records - 1, 32))
    try:
        (names + table[records:]).decode("utf-8")
    except UnicodeDecodeError:
        return "GBK"
    return "UTF-8"
