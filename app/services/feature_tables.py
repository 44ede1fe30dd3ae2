"""Collections of features as OGC API – Features serves them: made of the snapshot, in the order of their ids."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import shapely

from app.geo.arrays import AnyArray, BoolArray, IntArray
from app.geo.hexgrid import cell_polygons
from app.geo.mvt import ABSENT, Flags, Numbers, Words
from app.models.vocabularies import AreaLevel
from app.services.cell_grid import population_grid
from app.services.coverage import CoverageQuery
from app.services.feature_shapes import FeatureShapes, StoredShapes, StreetShapes
from app.services.map_layers import (
    AREA_PROPERTIES,
    CELL_PROPERTIES,
    GAP_PROPERTIES,
    LENGTH,
    STATION_PROPERTIES,
    STREET_PROPERTIES,
    AnyColumn,
    Columns,
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
from app.services.suggestions import find_named

JsonValue = str | float | int | bool | None


@dataclass(frozen=True)
class FeatureTable:
    """The features of a collection, by ascending id (texts, or whole numbers where ``numbered``)."""

    ids: Sequence[str] | IntArray
    columns: Columns
    shapes: FeatureShapes
    numbered: bool = False

    def __len__(self) -> int:
        return len(self.ids)

    def row_of(self, feature_id: str) -> int | None:
        """The number of the feature with an id."""
        at = self.rows_up_to(feature_id) - 1
        return at if at >= 0 and str(self.ids[at]) == feature_id else None

    def rows(self, row: int) -> IntArray:
        """One feature, where several can be asked for."""
        return np.array([row], dtype=np.int64)

    def rows_up_to(self, feature_id: str) -> int:
        """How many features have this id or one before it."""
        if not self.numbered:
            return bisect_right(self.ids, feature_id)
        if not (feature_id.isascii() and feature_id.isdigit() and len(feature_id) < 19):
            return 0
        return int(np.searchsorted(np.asarray(self.ids), int(feature_id), side="right"))


@dataclass(frozen=True)
class Collection:
    """A collection: what it is called, what its features tell, and how they are made of a snapshot.

    ``lives`` are the names of the properties that say from when until when a feature is, where there are any.
    """

    name: str
    title_zh: str
    title_en: str
    description_zh: str
    description_en: str
    geometry: str  # queryables' format: point, linestring, multipolygon, …
    properties: tuple[MapProperty, ...]
    make: Callable[[Snapshot, CoverageQuery], FeatureTable]
    lives: tuple[str, str] | None = None

    @cached_property
    def by_name(self) -> dict[str, MapProperty]:
        return {shown.name: shown for shown in self.properties}


def collection_named(name: str) -> Collection:
    """Raises NotFound, with the collections whose names look like it."""
    return find_named(COLLECTIONS, name, "collection_id", "集合", "collection")


def table_of(snapshot: Snapshot, collection: Collection, day: date) -> FeatureTable:
    """The features of a collection, kept. Raises NotReady and LevelNotLoaded where the data is missing."""
    key = ("features", collection.name, day)
    return snapshot.tiles.sources.get(key, lambda: collection.make(snapshot, default_query(day)))


def json_values(column: AnyColumn, rows: IntArray) -> list[JsonValue]:
    """The values of some features, None where there is none."""
    if isinstance(column, Flags):
        return [bool(value) for value in (column.flags[rows] & column.bit) != 0]
    if isinstance(column, Words):
        return [None if at == ABSENT else column.values[at] for at in column.at[rows].tolist()]
    values = column.values[rows].tolist()
    return [None if value != value else int(value) if column.whole else value for value in values]


def known(column: AnyColumn) -> BoolArray:
    """Which features have a value."""
    if isinstance(column, Flags):
        return np.ones(len(column.flags), dtype=np.bool_)
    return column.at != ABSENT if isinstance(column, Words) else ~np.isnan(column.values)


def _stations(snapshot: Snapshot, query: CoverageQuery) -> FeatureTable:
    stations = snapshot.stations.table.stations  # by code already: the ledger is read in its order
    lng, lat = [station.lng for station in stations], [station.lat for station in stations]
    return _by_text(
        [station.code for station in stations], station_columns(snapshot, query), np.asarray(shapely.points(lng, lat))
    )


def _areas(level: AreaLevel) -> Callable[[Snapshot, CoverageQuery], FeatureTable]:
    def make(snapshot: Snapshot, query: CoverageQuery) -> FeatureTable:
        rows, table = area_rows(snapshot, query, level), snapshot.areas
        outlines = np.array([table.outlines[table.at[row.area.code]] for row in rows], dtype=object)
        return _by_text([row.area.code for row in rows], area_columns(snapshot, rows), outlines)

    return make


def _hexes(snapshot: Snapshot, query: CoverageQuery) -> FeatureTable:
    grid = population_grid(snapshot)
    columns = cell_columns(snapshot, query, grid)
    h3 = columns["h3"]
    assert isinstance(h3, Words)
    return _by_text([str(text) for text in h3.values], columns, cell_polygons(grid.frontage.cells))


def _gaps(snapshot: Snapshot, query: CoverageQuery) -> FeatureTable:
    gaps = town_gaps(snapshot, query)
    return _by_text([gap.id for gap in gaps], gap_columns(gaps), np.array([gap.outline for gap in gaps], dtype=object))


def _network(snapshot: Snapshot, query: CoverageQuery) -> FeatureTable:
    network = snapshot.network
    order = np.argsort(network.edge_id, kind="stable").astype(np.int64)
    metres = Numbers((network.edge_mm.astype(np.int64) + 50) // 100 / 10)  # as ``metres_of`` tells a length
    columns = {name: _taken(column, order) for name, column in {**street_columns(snapshot), "length_m": metres}.items()}
    shapes = StreetShapes(network, snapshot.city.grid, order)
    return FeatureTable(network.edge_id[order], columns, shapes, numbered=True)


def _by_text(ids: list[str], columns: Columns, shapes: AnyArray) -> FeatureTable:
    """Rows brought into the order of their ids."""
    order = np.array(sorted(range(len(ids)), key=ids.__getitem__), dtype=np.int64)
    taken = {name: _taken(column, order) for name, column in columns.items()}
    return FeatureTable([ids[k] for k in order.tolist()], taken, StoredShapes(shapes[order]))


def _taken(column: AnyColumn, order: IntArray) -> AnyColumn:
    if isinstance(column, Flags):
        return Flags(column.flags[order], column.bit)
    if isinstance(column, Words):
        return Words(column.at[order], column.values)
    return Numbers(column.values[order], column.whole)


COLLECTIONS = {
    collection.name: collection
    for collection in (
        Collection(
            "stations", "站点", "Stations", "羊城技能加油站", "Skills-training stations", "point", STATION_PROPERTIES,
            _stations, ("opened_on", "closed_on"),
        ),
        Collection(
            "districts", "区", "Districts", "各区的居民与 15 分钟步行覆盖", "Districts with residents and coverage",
            "multipolygon", AREA_PROPERTIES, _areas(AreaLevel.DISTRICT),
        ),
        Collection(
            "towns", "镇街", "Towns and subdistricts", "各镇街的居民与 15 分钟步行覆盖",
            "Towns with residents and coverage", "multipolygon", AREA_PROPERTIES, _areas(AreaLevel.TOWN),
        ),
        Collection(
            "hexes", "人口网格", "Population cells", "有人居住的 H3 网格及其覆盖", "H3 cells that people live in",
            "polygon", CELL_PROPERTIES, _hexes,
        ),
        Collection(
            "gaps", "覆盖缺口", "Gaps in coverage", "居民多在 15 分钟步行之外的连片网格,不跨镇街,至少 100 人",
            "Contiguous cells most of whose residents are not within 15 minutes; by town, 100 people or more",
            "multipolygon", GAP_PROPERTIES, _gaps,
        ),
        Collection(
            "network", "步行路网", "Walking network", "可步行的道路,逐边", "Streets that are walked, edge by edge",
            "linestring", (*STREET_PROPERTIES, LENGTH), _network,
        ),
    )
}  # fmt: skip
