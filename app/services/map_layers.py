"""What maps show: the properties of stations, areas, cells, gaps and streets, as columns.

Vector tiles and OGC collections both read them, so a figure is the same wherever it is seen. Coverage is that of a
``CoverageQuery``; figures are rounded as the other answers round them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np

from app.geo.arrays import FloatArray
from app.geo.hexgrid import to_text
from app.geo.mvt import ABSENT, Flags, Numbers, Words
from app.geo.network import BRIDGE, NO_NAME, STEPS, TUNNEL
from app.models.vocabularies import AreaLevel
from app.services.cell_grid import CellGrid
from app.services.coverage import CoverageQuery, CoverageRow, coverage_table
from app.services.coverage_cells import DECIMALS, cell_figures
from app.services.gaps import Gap, coverage_gaps
from app.services.profiles import resolve_profile
from app.services.snapshot import Snapshot
from app.services.station_table import today

ALL_GAPS = 1_000_000
GAP_POPULATION = 100

AnyColumn = Words | Numbers | Flags
Columns = dict[str, AnyColumn]


class ValueKind(StrEnum):
    """What the values of a property are; days are texts as ``2025-06-30``."""

    TEXT = "text"
    DAY = "day"
    NUMBER = "number"
    WHOLE = "whole"
    BOOLEAN = "boolean"


@dataclass(frozen=True)
class MapProperty:
    """One property of a layer's features."""

    name: str
    kind: ValueKind
    title_zh: str
    title_en: str


def _texts(*told: tuple[str, str, str]) -> tuple[MapProperty, ...]:
    return tuple(MapProperty(name, ValueKind.TEXT, zh, en) for name, zh, en in told)


_FIGURES = (
    MapProperty("population", ValueKind.WHOLE, "居民", "Residents"),
    MapProperty("covered", ValueKind.WHOLE, "15 分钟内可达的居民", "Residents within 15 minutes of a station"),
    MapProperty("uncovered", ValueKind.WHOLE, "15 分钟内不可达的居民", "Residents not within 15 minutes"),
    MapProperty("off_network", ValueKind.WHOLE, "离路网太远的居民", "Residents too far from any street"),
)
_NEAREST = (
    MapProperty("nearest_station", ValueKind.TEXT, "最近站点的代码", "Code of the nearest station"),
    MapProperty("nearest_minutes", ValueKind.NUMBER, "到最近站点的步行分钟", "Walking minutes to the nearest station"),
)
STATION_PROPERTIES = (
    *_texts(
        ("code", "代码", "Code"), ("name", "名称", "Name"), ("type", "类型", "Type"), ("host_kind", "载体", "Host"),
        ("status", "状态", "Status"), ("address", "地址", "Address"), ("district_code", "区代码", "District's code"),
        ("district_name", "区", "District"), ("town_code", "镇街代码", "Town's code"), ("town_name", "镇街", "Town"),
        ("opening_hours", "开放时间", "Opening hours"),
    ),
    MapProperty("seats", ValueKind.WHOLE, "座位数", "Seats"),
    MapProperty("opened_on", ValueKind.DAY, "开放日期", "Opened on"),
    MapProperty("closed_on", ValueKind.DAY, "关闭日期", "Closed on"),
    MapProperty("open", ValueKind.BOOLEAN, "今天是否在运营", "Does it serve the public today?"),
    MapProperty("synthetic", ValueKind.BOOLEAN, "是否合成数据", "Was it generated?"),
)  # fmt: skip
AREA_PROPERTIES = (
    *_texts(
        ("code", "代码", "Code"), ("name", "名称", "Name"), ("parent_code", "上级代码", "What it belongs to"),
        ("boundary_kind", "界线种类", "Kind of outline"),
    ),
    MapProperty("area_km2", ValueKind.NUMBER, "面积(平方公里)", "Square kilometres"),
    *_FIGURES,
    MapProperty("stations", ValueKind.WHOLE, "计入的站点", "Stations that count"),
    MapProperty("rate", ValueKind.NUMBER, "覆盖率", "covered ÷ population"),
    MapProperty("median_walk_minutes", ValueKind.NUMBER, "步行分钟中位数", "Median walk in minutes"),
)  # fmt: skip
CELL_PROPERTIES = (
    *_texts(("h3", "H3 编号", "H3 index"), ("area_code", "所在最小一级区划", "The smallest area that it is in")),
    *(MapProperty(p.name, ValueKind.NUMBER, p.title_zh, p.title_en) for p in _FIGURES),
    MapProperty("covered_share", ValueKind.NUMBER, "覆盖率", "covered ÷ population"),
    *_NEAREST,
)
GAP_PROPERTIES = (
    *_texts(("gap", "编号", "Id"), ("area_code", "镇街代码", "Town's code"), ("area_name", "镇街", "Town")),
    MapProperty("people", ValueKind.WHOLE, "步行范围之外的居民", "Residents not within the walk"),
    MapProperty("population", ValueKind.WHOLE, "全部居民", "All residents"),
    MapProperty("off_network", ValueKind.WHOLE, "离路网太远的居民", "Residents too far from any street"),
    *_NEAREST,
)
STREET_PROPERTIES = (
    MapProperty("name", ValueKind.TEXT, "路名", "Name"),
    MapProperty("steps", ValueKind.BOOLEAN, "有台阶", "Steps"),
    MapProperty("bridge", ValueKind.BOOLEAN, "桥", "Bridge"),
    MapProperty("tunnel", ValueKind.BOOLEAN, "隧道", "Tunnel"),
)
LENGTH = MapProperty("length_m", ValueKind.NUMBER, "长度(米)", "Metres")


def default_query(day: date | None = None) -> CoverageQuery:
    """What maps tell coverage by: an adult's 15 minutes, all stations open that day (today by default)."""
    return CoverageQuery(resolve_profile(), today() if day is None else day)


def station_columns(snapshot: Snapshot, query: CoverageQuery) -> Columns:
    """All stations, by number."""
    stations = snapshot.stations.table.stations
    names = {area.code: area.name for area in snapshot.areas.areas}
    plain = ("code", "name", "type", "host_kind", "status", "address", "district_code", "town_code")
    days = ("opened_on", "closed_on")
    return {
        **{name: words([getattr(station, name) for station in stations]) for name in plain},
        "district_name": words([names.get(station.district_code or "") for station in stations]),
        "town_name": words([names.get(station.town_code or "") for station in stations]),
        "opening_hours": words([station.serving.opening_hours for station in stations]),
        "seats": numbers([station.serving.seats for station in stations], whole=True),
        **{name: words([str(d) if (d := getattr(s, name)) else None for s in stations]) for name in days},
        "open": booleans(snapshot.open_mask(query.day, query.types).tolist()),
        "synthetic": booleans([station.synthetic for station in stations]),
    }


def area_rows(snapshot: Snapshot, query: CoverageQuery, level: AreaLevel) -> list[CoverageRow]:
    """The areas of a level by code. Raises LevelNotLoaded, NotReady."""
    return coverage_table(snapshot, query, level).rows


def area_columns(snapshot: Snapshot, rows: Sequence[CoverageRow]) -> Columns:
    """Areas in the order of the rows."""
    counts = ("population", "covered", "uncovered", "off_network", "stations")
    return {
        **{name: words([getattr(row.area, name) for row in rows]) for name in ("code", "name", "boundary_kind")},
        "parent_code": words([snapshot.areas.parent[row.area.code] for row in rows]),
        "area_km2": numbers([row.area.area_km2 for row in rows]),
        **{name: numbers([getattr(row, name) for row in rows], whole=True) for name in counts},
        "rate": numbers([row.rate for row in rows]),
        "median_walk_minutes": numbers([row.median_walk_minutes for row in rows]),
    }


def cell_columns(snapshot: Snapshot, query: CoverageQuery, grid: CellGrid) -> Columns:
    """All cells of a grid of the whole city, rounded as ``coverage_cells.cell_row`` does."""
    figures, frontage = cell_figures(snapshot, query, grid), grid.frontage
    population = rounded(frontage.cell_people, DECIMALS)
    off = rounded(figures.off_network, DECIMALS)
    covered = np.minimum(rounded(figures.covered, DECIMALS), rounded(population - off, DECIMALS))
    share = np.full(len(covered), np.nan)
    np.divide(covered, population, out=share, where=population > 0)
    reached = figures.nearest >= 0
    minutes = np.where(reached, figures.nearest_mm.astype(np.float64) * 6e-5 / query.profile.speed_kmh, np.nan)
    codes = [station.code for station in snapshot.stations.table.stations]
    return {
        "h3": Words(np.arange(len(population), dtype=np.int32), [to_text(cell) for cell in frontage.cells.tolist()]),
        "area_code": Words(frontage.cell_area.astype(np.int32), snapshot.areas.leaf_codes),
        "population": Numbers(population),
        "covered": Numbers(covered),
        "uncovered": Numbers(rounded(population - off - covered, DECIMALS)),
        "off_network": Numbers(off),
        "covered_share": Numbers(rounded(share, 6)),
        "nearest_station": Words(np.where(reached, figures.nearest, ABSENT).astype(np.int32), codes),
        "nearest_minutes": Numbers(rounded(minutes, 2)),
    }


def town_gaps(snapshot: Snapshot, query: CoverageQuery) -> list[Gap]:
    """All gaps of ``GAP_POPULATION`` people or more that end at towns' borders, by id. Raises LevelNotLoaded."""
    answer = coverage_gaps(snapshot, query, level=AreaLevel.TOWN, min_population=GAP_POPULATION, limit=ALL_GAPS)
    return sorted(answer.gaps, key=lambda gap: gap.id)


def gap_columns(gaps: Sequence[Gap]) -> Columns:
    """Gaps in their order."""
    counts = ("people", "population", "off_network")
    return {
        "gap": words([gap.id for gap in gaps]),
        "area_code": words([gap.areas[0].code if gap.areas else None for gap in gaps]),
        "area_name": words([gap.areas[0].name if gap.areas else None for gap in gaps]),
        **{name: numbers([getattr(gap, name) for gap in gaps], whole=True) for name in counts},
        "nearest_station": words([gap.nearest_station for gap in gaps]),
        "nearest_minutes": numbers([gap.nearest_minutes for gap in gaps]),
    }


def street_columns(snapshot: Snapshot) -> Columns:
    """All edges, by number."""
    network = snapshot.network
    name = np.where(network.edge_name == NO_NAME, ABSENT, network.edge_name).astype(np.int32)
    flags = {"steps": STEPS, "bridge": BRIDGE, "tunnel": TUNNEL}
    return {
        "name": Words(name, network.names),
        **{key: Flags(np.asarray(network.edge_flags), bit) for key, bit in flags.items()},
    }


def rounded(values: FloatArray, decimals: int) -> FloatArray:
    """As ``round`` does it, to the last bit: ``numpy.round`` may differ, and other answers round with the former."""
    return np.array([round(value, decimals) for value in values.tolist()], dtype=np.float64)


def words(values: Sequence[str | None]) -> Words:
    """Texts, equal ones once; None is absent."""
    number: dict[str, int] = {}
    at = [ABSENT if value is None else number.setdefault(value, len(number)) for value in values]
    return Words(np.array(at, dtype=np.int32), list(number))


def booleans(values: Sequence[bool]) -> Words:
    return Words(np.array(values, dtype=np.int32), (False, True))


def numbers(values: Sequence[float | None], *, whole: bool = False) -> Numbers:
    return Numbers(np.array([np.nan if value is None else value for value in values], dtype=np.float64), whole)
