"""Vector tiles of what the snapshot holds, with the coverage of today: an adult's 15 minutes, all stations open."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import shapely

from app.errors import DomainError, ErrorItem, NotFound
from app.geo.arrays import FloatArray
from app.geo.hexgrid import REPORTING_RESOLUTION, to_text
from app.geo.mvt import ABSENT, Column, Numbers, Words, encode_tile
from app.geo.web_mercator import to_world
from app.models.vocabularies import AreaLevel
from app.services.cell_grid import CellGrid, coarser_grid, population_grid
from app.services.coverage import CoverageQuery, coverage_table
from app.services.coverage_cells import DECIMALS, cell_figures, coverage_gaps
from app.services.profiles import resolve_profile
from app.services.snapshot import Snapshot
from app.services.station_table import today
from app.services.tile_sources import AreaSource, HexSource, PointSource, StreetSource, Tile, TileSource

MAX_ZOOM = 14  # beyond it, maps enlarge: a unit is half a metre
EDGES_APART_FROM = 14
ALL_GAPS = 1_000_000
COARSER = {8: 7, 10: 8}  # up to this zoom, cells of this resolution

Make = Callable[[Snapshot, CoverageQuery, int], TileSource]


@dataclass(frozen=True)
class TileLayer:
    """A layer: ``fields`` names its properties and their kinds as TileJSON does; ``sketch`` is what a source is made
    for: all zooms of one sketch share it.
    """

    name: str
    title_zh: str
    title_en: str
    min_zoom: int
    fields: Mapping[str, str]
    make: Make
    sketch: Callable[[int], int] = lambda z: 0


def default_query(day: date | None = None) -> CoverageQuery:
    """What tiles and collections tell coverage by."""
    return CoverageQuery(resolve_profile(), today() if day is None else day)


def vector_tile(snapshot: Snapshot, layer: TileLayer, z: int, x: int, y: int, day: date) -> bytes:
    """One tile, not compressed; empty where nothing of the layer lies in it.

    Raises NotFound for a zoom that the layer is not drawn at and for a tile beyond the map's edge; NotReady and
    LevelNotLoaded where the data is missing.
    """
    _check_place(layer, z, x, y)

    def draw() -> bytes:
        drawn = source_of(snapshot, layer, z, day).drawn(Tile(z, x, y))
        return encode_tile(layer.name, drawn.shapes, drawn.columns, drawn.chosen, drawn.ids)

    return snapshot.tiles.tiles.get((layer.name, day, z, x, y), draw)


def source_of(snapshot: Snapshot, layer: TileLayer, z: int, day: date) -> TileSource:
    """What the layer's tiles of a zoom are drawn from; kept."""
    key = (layer.name, day, layer.sketch(z))
    return snapshot.tiles.sources.get(key, lambda: layer.make(snapshot, default_query(day), z))


def layer_named(name: str) -> TileLayer:
    """Raises NotFound, with the layers whose names look like it."""
    if name in LAYERS:
        return LAYERS[name]
    close = difflib.get_close_matches(name[:40].lower(), LAYERS, n=2, cutoff=0.5)
    known = ", ".join(LAYERS)
    item = ErrorItem(
        "layer", "没有这个图层", "no such layer", value=name,
        remedy_zh=f"{f'是否想写 {close[0]}?' if close else ''}可用:{known}",
        remedy_en=f"{f'did you mean {close[0]}? ' if close else ''}one of {known}",
    )  # fmt: skip
    raise NotFound(f"没有图层 {name[:40]}。", f"There is no layer {name[:40]}.", errors=[item])


def _check_place(layer: TileLayer, z: int, x: int, y: int) -> None:
    if not layer.min_zoom <= z <= MAX_ZOOM:
        item = ErrorItem(
            "z", "此图层没有这一级", "the layer is not drawn at this zoom", value=str(z),
            remedy_zh=f"{layer.name} 的级别为 {layer.min_zoom} 至 {MAX_ZOOM};更大的由地图放大",
            remedy_en=f"{layer.name} has zooms {layer.min_zoom} to {MAX_ZOOM}; maps enlarge beyond",
        )  # fmt: skip
        raise NotFound(
            f"图层 {layer.name} 没有第 {z} 级瓦片。", f"Layer {layer.name} has no tiles of zoom {z}.", errors=[item]
        )
    most = (1 << z) - 1
    wrong = [(field, value) for field, value in (("x", x), ("y", y)) if value > most]
    if wrong:
        raise NotFound(
            "瓦片编号超出范围。",
            "The tile lies beyond the edge of the map.",
            errors=[
                ErrorItem(
                    field, "超出范围", "out of range", value=str(value),
                    remedy_zh=f"第 {z} 级为 0 至 {most}", remedy_en=f"0 to {most} at zoom {z}",
                )
                for field, value in wrong
            ],
        )  # fmt: skip


def covered_box(snapshot: Snapshot) -> tuple[float, float, float, float]:
    """West, south, east, north (WGS84) around areas and streets, rounded outwards."""

    def make() -> tuple[float, float, float, float]:
        network = snapshot.network
        corners = [network.geom_lng.min(), network.geom_lat.min(), network.geom_lng.max(), network.geom_lat.max()]
        boxes = np.array([corners, *(shapely.bounds(outline) for outline in snapshot.areas.outlines)])
        west, south = np.floor(boxes[:, :2].min(axis=0) * 1e4) / 1e4
        east, north = np.ceil(boxes[:, 2:].max(axis=0) * 1e4) / 1e4
        return float(west), float(south), float(east), float(north)

    return snapshot.cached("covered box", make)


def warm_tiles(snapshot: Snapshot) -> None:
    """Draw a tile of every layer and zoom; what is not loaded is left out."""
    west, south, east, north = covered_box(snapshot)
    x, y = to_world((west + east) / 2, (south + north) / 2)
    for layer in LAYERS.values():
        try:
            for z in range(layer.min_zoom, MAX_ZOOM + 1):
                vector_tile(snapshot, layer, z, int(x * 2**z), int(y * 2**z), today())
        except DomainError:
            continue


def resolution_at(snapshot: Snapshot, z: int) -> int:
    """The H3 resolution of cells at a zoom: never finer than the population's own."""
    wanted = next((resolution for most, resolution in COARSER.items() if z <= most), REPORTING_RESOLUTION)
    return min(wanted, snapshot.frontage.resolution)


def _stations(snapshot: Snapshot, query: CoverageQuery, z: int) -> TileSource:
    stations = snapshot.stations.table.stations
    is_open = snapshot.open_mask(query.day, query.types)
    columns: dict[str, Column] = {
        name: words([getattr(station, name) for station in stations])
        for name in ("code", "name", "type", "host_kind", "status", "address", "district_code", "town_code")
    }
    columns["open"] = Words(np.asarray(is_open, dtype=np.int32), (False, True))
    columns["synthetic"] = words([station.synthetic for station in stations])
    lng, lat = np.array([s.lng for s in stations]), np.array([s.lat for s in stations])
    return PointSource(lng, lat, columns)


def _areas(level: AreaLevel) -> Make:
    def make(snapshot: Snapshot, query: CoverageQuery, z: int) -> TileSource:
        rows = coverage_table(snapshot, query, level).rows
        table = snapshot.areas
        columns: dict[str, Column] = {
            "code": words([row.area.code for row in rows]),
            "name": words([row.area.name for row in rows]),
            "parent_code": words([table.parent[row.area.code] for row in rows]),
            "boundary_kind": words([row.area.boundary_kind for row in rows]),
            **{
                name: numbers([getattr(row, name) for row in rows], whole=True)
                for name in ("population", "covered", "uncovered", "off_network", "stations")
            },
            "rate": numbers([row.rate for row in rows]),
            "median_walk_minutes": numbers([row.median_walk_minutes for row in rows]),
        }
        return AreaSource([table.outlines[table.at[row.area.code]] for row in rows], columns, z)

    return make


def _hexes(snapshot: Snapshot, query: CoverageQuery, z: int) -> TileSource:
    resolution = resolution_at(snapshot, z)
    own = resolution == snapshot.frontage.resolution
    grid = population_grid(snapshot) if own else coarser_grid(snapshot, resolution)
    return HexSource(grid.frontage.cells, cell_columns(snapshot, query, grid))


def cell_columns(snapshot: Snapshot, query: CoverageQuery, grid: CellGrid) -> dict[str, Column]:
    """Figures of all cells of a grid, rounded as ``coverage_cells.cell_row`` does."""
    figures, frontage = cell_figures(snapshot, query, grid), grid.frontage
    population = rounded(frontage.cell_people, DECIMALS)
    off = rounded(figures.off_network, DECIMALS)
    covered = np.minimum(rounded(figures.covered, DECIMALS), rounded(population - off, DECIMALS))
    share = np.full(len(covered), np.nan)
    np.divide(covered, population, out=share, where=population > 0)
    minutes = np.where(
        figures.nearest >= 0, figures.nearest_mm.astype(np.float64) * 6e-5 / query.profile.speed_kmh, np.nan
    )
    codes = [station.code for station in snapshot.stations.table.stations]
    return {
        "h3": Words(np.arange(len(population), dtype=np.int32), [to_text(cell) for cell in frontage.cells.tolist()]),
        "area_code": Words(frontage.cell_area.astype(np.int32), snapshot.areas.leaf_codes),
        "population": Numbers(population),
        "covered": Numbers(covered),
        "off_network": Numbers(off),
        "covered_share": Numbers(rounded(share, 6)),
        "nearest_station": Words(np.where(figures.nearest >= 0, figures.nearest, ABSENT).astype(np.int32), codes),
        "nearest_minutes": Numbers(rounded(minutes, 2)),
    }


def _gaps(snapshot: Snapshot, query: CoverageQuery, z: int) -> TileSource:
    gaps = coverage_gaps(snapshot, query, level=AreaLevel.TOWN, min_population=100, limit=ALL_GAPS).gaps
    columns: dict[str, Column] = {
        "id": words([gap.id for gap in gaps]),
        **{
            name: numbers([getattr(gap, name) for gap in gaps], whole=True)
            for name in ("people", "population", "off_network")
        },
        "area_code": words([gap.areas[0].code if gap.areas else None for gap in gaps]),
        "area_name": words([gap.areas[0].name if gap.areas else None for gap in gaps]),
        "nearest_station": words([gap.nearest_station for gap in gaps]),
        "nearest_minutes": numbers([gap.nearest_minutes for gap in gaps]),
    }
    return AreaSource([gap.outline for gap in gaps], columns, z)


def _network(snapshot: Snapshot, query: CoverageQuery, z: int) -> TileSource:
    return StreetSource(snapshot.network, snapshot.city.grid, each=z >= EDGES_APART_FROM)


def rounded(values: FloatArray, decimals: int) -> FloatArray:
    """As ``round`` does it, to the last bit: ``numpy.round`` may differ, and other answers round with the former."""
    return np.array([round(value, decimals) for value in values.tolist()], dtype=np.float64)


def words(values: Sequence[str | bool | None]) -> Words:
    """Values, equal ones once; None is absent."""
    number: dict[str | bool, int] = {}
    at = [ABSENT if value is None else number.setdefault(value, len(number)) for value in values]
    return Words(np.array(at, dtype=np.int32), list(number))


def numbers(values: Sequence[float | None], *, whole: bool = False) -> Numbers:
    return Numbers(np.array([np.nan if value is None else value for value in values], dtype=np.float64), whole)


_AREA_FIELDS = {
    "code": "String", "name": "String", "parent_code": "String", "boundary_kind": "String", "population": "Number",
    "covered": "Number", "uncovered": "Number", "off_network": "Number", "stations": "Number", "rate": "Number",
    "median_walk_minutes": "Number",
}  # fmt: skip
LAYERS = {
    layer.name: layer
    for layer in (
        TileLayer(
            "stations", "站点", "Stations", 0,
            {
                "code": "String", "name": "String", "type": "String", "host_kind": "String", "status": "String",
                "address": "String", "district_code": "String", "town_code": "String", "open": "Boolean",
                "synthetic": "Boolean",
            },
            _stations,
        ),
        TileLayer("districts", "区", "Districts", 6, _AREA_FIELDS, _areas(AreaLevel.DISTRICT), lambda z: z),
        TileLayer("towns", "镇街", "Towns and subdistricts", 6, _AREA_FIELDS, _areas(AreaLevel.TOWN), lambda z: z),
        TileLayer(
            "hexes", "人口网格", "Population cells", 6,
            {
                "h3": "String", "area_code": "String", "population": "Number", "covered": "Number",
                "off_network": "Number", "covered_share": "Number", "nearest_station": "String",
                "nearest_minutes": "Number",
            },
            _hexes,
            lambda z: next((most for most in COARSER if z <= most), MAX_ZOOM),
        ),
        TileLayer(
            "gaps", "覆盖缺口", "Gaps in coverage", 8,
            {
                "id": "String", "people": "Number", "population": "Number", "off_network": "Number",
                "area_code": "String", "area_name": "String", "nearest_station": "String", "nearest_minutes": "Number",
            },
            _gaps,
            lambda z: z,
        ),
        TileLayer(
            "network", "步行路网", "Walking network", 13,
            {"name": "String", "steps": "Boolean", "bridge": "Boolean", "tunnel": "Boolean"},
            _network,
            lambda z: int(z >= EDGES_APART_FROM),
        ),
    )
}  # fmt: skip
