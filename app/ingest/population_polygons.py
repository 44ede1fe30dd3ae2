"""Population by polygons (census tracts, grid squares): spread by area over H3 cells.

Areas are compared on the authalic (equal-area) cylinder of the WGS84 ellipsoid: shares there are shares of true area.
"""

from __future__ import annotations

from math import fsum
from pathlib import Path

import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt
import shapely

from app.errors import ErrorItem, InvalidInput
from app.geo.arrays import FloatArray, IntArray
from app.geo.geodesy import ECCENTRICITY_SQUARED
from app.geo.hexgrid import cell_polygons, cells_of
from app.ingest.cells import CellSums
from app.ingest.city import Zone
from app.ingest.population_h3 import VALUE_NAMES
from app.ingest.report import ImportReport
from app.ingest.transaction import Tell
from app.ingest.values import number_of
from app.ingest.vectors import Features, polygonal, read_features

POLYGONS_AT_ONCE = 2_000
MAX_CELLS = 20_000_000

Geometries = npt.NDArray[np.object_]
Objects = npt.NDArray[np.object_]


def read_polygons(
    path: Path, value_field: str | None, crs: str | None, layer: str | None, resolution: int, zone: Zone | None,
    report: ImportReport, sums: CellSums, tell: Tell,
) -> None:  # fmt: skip
    """Gather the people of polygons: each one's people go to the cells it meets, in proportion to the area shared.

    With a zone, the share of a polygon's area outside of it is the share of its people outside.
    Raises FileUnreadable, and InvalidInput (no coordinate system, no such column).
    """
    features = read_features(path, crs=crs, layer=layer, report=report)
    column = _value_column(features, value_field)
    polygons, people = _checked(features, column, report)
    report.figures |= {"features_read": len(features), "crs": features.crs, "resolution": resolution}
    if report.has_errors:
        return
    sums.read.append(fsum(people))
    lived = people > 0
    polygons, people = polygons[lived], people[lived]
    _check_size(polygons, resolution)
    for start in range(0, len(polygons), POLYGONS_AT_ONCE):
        tell(f"分配人口 {start}/{len(polygons)}", f"spreading people, polygon {start} of {len(polygons)}")
        part = slice(start, start + POLYGONS_AT_ONCE)
        inside, kept = _inside(polygons[part], people[part], zone, sums)
        sums.add(*spread(inside, kept, resolution))


def equal_area(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """WGS84 ``lng, lat`` in degrees on the authalic cylinder (Snyder 1987, equation 3-12): equal areas stay equal."""
    e = np.sqrt(ECCENTRICITY_SQUARED)
    sine = np.sin(np.radians(points[:, 1]))
    q = (1 - e * e) * (sine / (1 - (e * sine) ** 2) + np.arctanh(e * sine) / e)
    return np.column_stack([points[:, 0], np.degrees(q / 2)])


def spread(polygons: Geometries, people: FloatArray, resolution: int) -> tuple[IntArray, FloatArray]:
    """Cells (repeats possible) and people: each polygon's people by the area that it shares with each cell."""
    pairs = [_cells_met(polygon, resolution) for polygon in polygons]
    number = np.repeat(np.arange(len(polygons)), [len(cells) for cells in pairs])
    cells = np.concatenate(pairs) if pairs else np.zeros(0, dtype=np.int64)
    unique, at = np.unique(cells, return_inverse=True)
    hexagons = _flat(cell_polygons(unique))[at]
    flat = _flat(polygons)
    shapely.prepare(flat)
    area = shapely.area(hexagons)
    across = ~shapely.contains_properly(flat[number], hexagons)
    area[across] = shapely.area(shapely.intersection(flat[number][across], hexagons[across]))
    total = np.bincount(number, weights=area, minlength=len(polygons))
    lost = total <= 0  # slivers without area in any cell: all of it where they lie
    weight = np.where(lost[number], 0.0, area / np.where(lost, 1.0, total)[number])
    first = np.concatenate([[0], np.cumsum([len(cells) for cells in pairs])[:-1]]).astype(np.int64)
    weight[first[lost]] = 1.0
    return cells, weight * people[number]


def _cells_met(polygon: shapely.MultiPolygon, resolution: int) -> IntArray:
    """The cells that a polygon overlaps, at least the one of a point inside it, which comes first."""
    point = shapely.point_on_surface(polygon)
    home = int(cells_of(shapely.get_x(point), shapely.get_y(point), resolution)[0])
    found: set[int] = set()
    for part in polygon.geoms:
        holes = [[(y, x) for x, y in ring.coords] for ring in part.interiors]
        shape = h3.LatLngPoly([(y, x) for x, y in part.exterior.coords], *holes)
        found.update(h3.polygon_to_cells_experimental(shape, resolution, contain="overlap"))
    found.discard(home)
    return np.array([home, *sorted(found)], dtype=np.int64)


def _inside(
    polygons: Geometries, people: FloatArray, zone: Zone | None, sums: CellSums
) -> tuple[Geometries, FloatArray]:
    """The parts inside of the zone that have people, and these people; the others are counted as outside."""
    if zone is None:
        return polygons, people
    shapely.prepare(zone.geometry)
    across = ~shapely.covers(zone.geometry, polygons)
    cut = polygons.copy()
    cut[across] = [polygonal(g) for g in shapely.intersection(polygons[across], zone.geometry)]
    share = np.ones(len(polygons))
    share[across] = np.minimum(1.0, shapely.area(_flat(cut[across])) / shapely.area(_flat(polygons[across])))
    kept = people * share
    sums.outside.append(fsum(people - kept))
    some = kept > 0
    return cut[some], kept[some]


def _flat(geometries: Geometries) -> Geometries:
    return np.asarray(shapely.transform(geometries, equal_area), dtype=np.object_)


def _checked(features: Features, column: Objects, report: ImportReport) -> tuple[Geometries, FloatArray]:
    """Valid polygons and their people; every faulty feature goes into the report."""
    polygons = np.empty(len(features), dtype=np.object_)
    people = np.zeros(len(features))
    for k, (geometry, value) in enumerate(zip(features.geometries, column, strict=True)):
        polygons[k] = shapely.MultiPolygon()
        try:
            people[k] = number_of(value)
        except (ValueError, TypeError):
            report.error("人口不是数字", "the population is not a number", row=k + 1, field="population", value=value)
            continue
        if people[k] < 0:
            report.error("人口为负数", "the population is negative", row=k + 1, field="population", value=value)
        if geometry is not None:
            polygons[k] = polygonal(geometry if shapely.is_valid(geometry) else shapely.make_valid(geometry))
        if shapely.area(polygons[k]) <= 0 and people[k] > 0:
            report.error(
                "有人口但没有面", "it has people but no area", row=k + 1, field="geometry",
                value=None if geometry is None else geometry.geom_type,
                remedy=("补上面要素,或把人口改为 0", "give it a polygon, or no people"),
            )  # fmt: skip
        elif not _on_earth(polygons[k]):
            report.error(
                "坐标超出经纬度范围", "the coordinates are not degrees", row=k + 1, field="geometry",
                remedy=("用 --crs 注明正确的坐标系", "name the right system with --crs"),
            )  # fmt: skip
    return polygons, people


def _on_earth(geometry: shapely.MultiPolygon) -> bool:
    west, south, east, north = shapely.bounds(geometry).tolist()
    return bool(geometry.is_empty or (west >= -180 and south >= -90 and east <= 180 and north <= 90))


def _check_size(polygons: Geometries, resolution: int) -> None:
    square_degrees = shapely.area(_flat(polygons)).sum()
    cells = square_degrees * 111.2**2 / h3.average_hexagon_area(resolution, unit="km^2")
    if cells > MAX_CELLS:
        raise InvalidInput(
            f"这些面约合 {cells:,.0f} 个网格,过多。",
            f"The polygons would make about {cells:,.0f} cells, which is too many.",
            errors=[
                ErrorItem(
                    "--resolution", "过细", "too fine", value=str(resolution),
                    remedy_zh="用较小的分辨率,或先裁剪到城市范围",
                    remedy_en="use a smaller one, or cut the file to the city",
                )
            ],
        )  # fmt: skip


def _value_column(features: Features, wanted: str | None) -> Objects:
    if wanted is not None:
        return features.column(wanted, "--value-field").astype(object)
    for name in VALUE_NAMES:
        for column in features.columns:
            if column.lower() == name:
                return features.columns[column].astype(object)
    return features.column("population", "--value-field").astype(object)
