"""A tiny city that can be checked by hand: a grid of streets, two districts, people on hexagons, two stations."""

from __future__ import annotations

import numpy as np
import shapely
from sqlalchemy.orm import Session

from app.geo.geodesy import line_lengths_m
from app.geo.hexgrid import cells_within
from app.geo.network import StreetRows
from app.models.vocabularies import AreaLevel, BoundaryKind, DatasetKind, HostKind, StationStatus, StationType
from app.services.loading import (
    DatasetFacts,
    NewArea,
    NewStation,
    load_boundaries,
    load_network,
    load_population,
    load_stations,
)

WEST, SOUTH = 113.30, 23.10
STEP = 0.001  # about 102 m by 111 m
SIDE = 12
PEOPLE_PER_CELL = 100.0


def block_streets(side: int = SIDE) -> StreetRows:
    """A square grid of ``side`` × ``side`` junctions, all joined; node ids from 1, row by row from the south-west."""
    j, i = np.divmod(np.arange(side * side), side)
    lng, lat = WEST + i * STEP, SOUTH + j * STEP
    east = np.flatnonzero(i < side - 1)
    north = np.flatnonzero(j < side - 1)
    u = np.concatenate([east, north])
    v = np.concatenate([east + 1, north + side])
    m = len(u)
    ptr = np.arange(m + 1, dtype=np.int64) * 2
    geom = np.column_stack([u, v]).ravel()
    none = np.zeros(m, dtype=np.bool_)
    return StreetRows(
        node_id=np.arange(1, side * side + 1, dtype=np.int64), node_lng=lng, node_lat=lat,
        edge_id=np.arange(1, m + 1, dtype=np.int64), source=u + 1, target=v + 1,
        length_m=line_lengths_m(ptr, lng[geom], lat[geom]), way_id=np.full(m, -1, dtype=np.int64),
        highway=["residential"] * m, name=[None] * m, has_steps=none, is_bridge=none, is_tunnel=none,
        has_frontage=~none, geom_ptr=ptr, geom_lng=lng[geom], geom_lat=lat[geom],
    )  # fmt: skip


def block_areas() -> list[NewArea]:
    """City T1 of the districts T101 (west half) and T102 (east half)."""
    middle, east, north = WEST + (SIDE / 2) * STEP, WEST + SIDE * STEP, SOUTH + SIDE * STEP
    west, south = WEST - STEP, SOUTH - STEP

    def area(code: str, level: AreaLevel, parent: str | None, x0: float, x1: float) -> NewArea:
        geom = shapely.MultiPolygon([shapely.box(x0, south, x1, north)])
        return NewArea(code, level, f"区 {code}", parent, BoundaryKind.SYNTHETIC, geom)

    return [
        area("T1", AreaLevel.CITY, None, west, east),
        area("T101", AreaLevel.DISTRICT, "T1", west, middle),
        area("T102", AreaLevel.DISTRICT, "T1", middle, east),
    ]


def block_stations() -> list[NewStation]:
    """Two open stations a few metres beside streets, one in each district."""

    def station(code: str, lng: float, lat: float) -> NewStation:
        return NewStation(
            code=code, name=f"站 {code}", type=StationType.COMMUNITY, host_kind=HostKind.OTHER,
            status=StationStatus.OPEN, address="示例路 1 号", selected_on=None, plaque_hung_on=None, opened_on=None,
            closed_on=None, lng=lng, lat=lat, source_crs="wgs84", source_lng=lng, source_lat=lat,
        )  # fmt: skip

    return [station("T-W", WEST + 1.5 * STEP, SOUTH + 0.0001), station("T-E", WEST + 10.5 * STEP, SOUTH + 0.0101)]


def load_block_city(session: Session, *, synthetic: bool = True) -> None:
    """Load it all."""

    def facts(kind: DatasetKind) -> DatasetFacts:
        return DatasetFacts(kind, None, f"block city {kind}", "tests", "none", "2026", f"block-{kind}", synthetic)

    areas = block_areas()
    cells = cells_within(areas[0].geom, 9)
    load_boundaries(session, facts(DatasetKind.BOUNDARIES), areas, {})
    load_network(session, facts(DatasetKind.NETWORK), block_streets(), {})
    load_population(
        session, facts(DatasetKind.POPULATION), cells, np.full(len(cells), PEOPLE_PER_CELL), {"people": len(cells)}
    )
    load_stations(session, facts(DatasetKind.STATIONS), block_stations(), {})
