"""H3 cells of points, centres and outlines of cells, cells that fill an outline. Cells are int64."""

from __future__ import annotations

import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt
import shapely
from shapely import MultiPolygon, Polygon

from app.geo.arrays import BoolArray, FloatArray, IntArray
from app.geo.geodesy import distances_m

REPORTING_RESOLUTION = 9
MIN_RESOLUTION, MAX_RESOLUTION = 0, 15


def cells_of(lng: npt.ArrayLike, lat: npt.ArrayLike, resolution: int) -> IntArray:
    """The cell of every WGS84 point."""
    x = np.atleast_1d(np.asarray(lng, dtype=np.float64))
    y = np.atleast_1d(np.asarray(lat, dtype=np.float64))
    at = h3.latlng_to_cell
    return np.fromiter((at(b, a, resolution) for a, b in zip(x.tolist(), y.tolist(), strict=True)), np.int64, len(x))


def cell_centres(cells: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """``lng, lat`` of every cell's centre."""
    found = [h3.cell_to_latlng(cell) for cell in np.asarray(cells, dtype=np.int64).tolist()]
    pairs = np.array(found, dtype=np.float64).reshape(-1, 2)
    return pairs[:, 1].copy(), pairs[:, 0].copy()


def edge_length_m(resolution: int) -> float:
    """The average length of a cell's edge in metres; it is also the average distance from centre to corner."""
    return float(h3.average_hexagon_edge_length(resolution, unit="m"))


def cell_polygons(cells: npt.ArrayLike) -> npt.NDArray[np.object_]:
    """The outline of every cell as a shapely polygon in WGS84."""
    rings = [[(lng, lat) for lat, lng in h3.cell_to_boundary(cell)] for cell in np.asarray(cells).tolist()]
    made = np.empty(len(rings), dtype=np.object_)
    made[:] = [Polygon(ring) for ring in rings]
    return made


def cell_of_text(text: str) -> int | None:
    """The cell of its usual hexadecimal name, None where it is none."""
    try:
        cell = int(h3.str_to_int(text))
    except (ValueError, TypeError, OverflowError):
        return None
    return cell if h3.is_valid_cell(cell) else None


def centre_and_radius_m(cell: int) -> tuple[float, float, float]:
    """``lng, lat`` of a cell's centre, and the metres from it to the farthest corner: no place in it is farther."""
    lat, lng = h3.cell_to_latlng(cell)
    corners = np.array(h3.cell_to_boundary(cell))
    return lng, lat, float(distances_m(lng, lat, corners[:, 1], corners[:, 0]).max())


def cells_within(geometry: shapely.Geometry, resolution: int) -> IntArray:
    """The cells whose centre lies inside a polygon or multipolygon, ascending."""
    found: set[int] = set()
    for part in shapely.get_parts(geometry):
        if isinstance(part, Polygon) and not part.is_empty:
            holes = [[(y, x) for x, y in ring.coords] for ring in part.interiors]
            found.update(
                h3.polygon_to_cells(h3.LatLngPoly([(y, x) for x, y in part.exterior.coords], *holes), resolution)
            )
    return np.array(sorted(found), dtype=np.int64)


def resolution_of(cells: npt.ArrayLike) -> int:
    """The one resolution of all cells. Raises ValueError when there are several, or none."""
    # bits 52–55 of an H3 index
    found = np.unique((np.asarray(cells, dtype=np.int64) >> 52) & 0xF)
    if len(found) != 1:
        raise ValueError(f"cells of {len(found)} resolutions")
    return int(found[0])


def are_cells(cells: npt.ArrayLike) -> BoolArray:
    """Which integers are valid H3 cells."""
    values = np.asarray(cells, dtype=np.int64).tolist()
    return np.fromiter((value > 0 and h3.is_valid_cell(value) for value in values), np.bool_, len(values))


def parents_of(cells: npt.ArrayLike, resolution: int) -> IntArray:
    """The ancestor of every cell at a coarser (or the same) resolution."""
    values = np.asarray(cells, dtype=np.int64)
    unique, number = np.unique(values, return_inverse=True)
    found = np.fromiter((h3.cell_to_parent(c, resolution) for c in unique.tolist()), np.int64, len(unique))
    return found[number]


def to_text(cell: int) -> str:
    """The usual spelling of a cell: fifteen hexadecimal digits."""
    return str(h3.int_to_str(cell))


def from_text(text: str) -> int:
    """The cell of its usual spelling. Raises ValueError for anything that is not a valid cell."""
    try:
        cell = int(text, 16)
    except ValueError:
        raise ValueError(f"not an H3 cell: {text}") from None
    if not 0 < cell < 1 << 63 or not h3.is_valid_cell(cell):
        raise ValueError(f"not an H3 cell: {text}")
    return cell


def outline(cells: npt.ArrayLike) -> MultiPolygon:
    """The outline around a set of cells of one resolution, holes kept."""
    shape = h3.cells_to_h3shape(np.asarray(cells, dtype=np.int64).tolist(), tight=False)
    polygons = [
        Polygon([(x, y) for y, x in part.outer], [[(x, y) for y, x in hole] for hole in part.holes])
        for part in shape
    ]  # fmt: skip
    return MultiPolygon(polygons)


def neighbours(cell: int) -> list[int]:
    """The cells that share an edge with a cell."""
    return [int(c) for c in h3.grid_disk(cell, 1) if c != cell]
