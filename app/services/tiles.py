"""Vector tiles of what the snapshot holds, with the coverage of today: an adult's 15 minutes, all stations open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import shapely

from app.errors import DomainError, ErrorItem, NotFound
from app.geo.hexgrid import REPORTING_RESOLUTION
from app.geo.mvt import encode_tile
from app.geo.web_mercator import to_world
from app.models.vocabularies import AreaLevel
from app.services.cell_grid import coarser_grid, population_grid
from app.services.coverage import CoverageQuery
from app.services.map_layers import (
    AREA_PROPERTIES,
    CELL_PROPERTIES,
    GAP_PROPERTIES,
    STATION_PROPERTIES,
    STREET_PROPERTIES,
    MapProperty,
    area_columns,
    area_rows,
    cell_columns,
    default_query,
    gap_columns,
    station_columns,
    street_columns,
    town_gaps,
)
from app.services.snapshot import Snapshot
from app.services.station_table import today
from app.services.suggestions import find_named
from app.services.tile_sources import AreaSource, HexSource, PointSource, StreetSource, Tile, TileSource

MAX_ZOOM = 14  # beyond it, maps enlarge: a unit is half a metre
EDGES_APART_FROM = 14
COARSER = {8: 7, 10: 8}  # up to this zoom, cells of this resolution

Make = Callable[[Snapshot, CoverageQuery, int], TileSource]


@dataclass(frozen=True)
class TileLayer:
    """A layer; ``sketch`` is what a source is made for: all zooms of one sketch share it."""

    name: str
    title_zh: str
    title_en: str
    min_zoom: int
    properties: tuple[MapProperty, ...]
    make: Make
    sketch: Callable[[int], int] = lambda z: 0


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
    return find_named(LAYERS, name, "layer", "图层", "layer")


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
    lng, lat = np.array([s.lng for s in stations]), np.array([s.lat for s in stations])
    return PointSource(lng, lat, station_columns(snapshot, query))


def _areas(level: AreaLevel) -> Make:
    def make(snapshot: Snapshot, query: CoverageQuery, z: int) -> TileSource:
        rows, table = area_rows(snapshot, query, level), snapshot.areas
        return AreaSource([table.outlines[table.at[row.area.code]] for row in rows], area_columns(snapshot, rows), z)

    return make


def _hexes(snapshot: Snapshot, query: CoverageQuery, z: int) -> TileSource:
    resolution = resolution_at(snapshot, z)
    own = resolution == snapshot.frontage.resolution
    grid = population_grid(snapshot) if own else coarser_grid(snapshot, resolution)
    return HexSource(grid.frontage.cells, cell_columns(snapshot, query, grid))


def _gaps(snapshot: Snapshot, query: CoverageQuery, z: int) -> TileSource:
    gaps = town_gaps(snapshot, query)
    return AreaSource([gap.outline for gap in gaps], gap_columns(gaps), z)


def _network(snapshot: Snapshot, query: CoverageQuery, z: int) -> TileSource:
    each = z >= EDGES_APART_FROM
    return StreetSource(snapshot.network, snapshot.city.grid, street_columns(snapshot), each=each)


LAYERS = {
    layer.name: layer
    for layer in (
        TileLayer("stations", "站点", "Stations", 0, STATION_PROPERTIES, _stations),
        TileLayer("districts", "区", "Districts", 6, AREA_PROPERTIES, _areas(AreaLevel.DISTRICT), lambda z: z),
        TileLayer("towns", "镇街", "Towns and subdistricts", 6, AREA_PROPERTIES, _areas(AreaLevel.TOWN), lambda z: z),
        TileLayer(
            "hexes", "人口网格", "Population cells", 6, CELL_PROPERTIES, _hexes,
            lambda z: next((most for most in COARSER if z <= most), MAX_ZOOM),
        ),
        TileLayer("gaps", "覆盖缺口", "Gaps in coverage", 8, GAP_PROPERTIES, _gaps, lambda z: z),
        TileLayer(
            "network", "步行路网", "Walking network", 13, STREET_PROPERTIES, _network,
            lambda z: int(z >= EDGES_APART_FROM),
        ),
    )
}  # fmt: skip
