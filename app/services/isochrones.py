"""Walking isochrones from a position or a station: outlines or hexagons, and the people inside each band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from app.errors import ErrorItem, InvalidInput, NotFound, NotWalkable
from app.geo.isochrone import ReachedStreets, hexagons, people_within, reached_streets
from app.geo.network import limit_mm
from app.geo.outline import areas_km2, outlines
from app.geo.snapping import Places
from app.services.nearest import SnapEvidence, evidence, snap_position
from app.services.positions import Position
from app.services.profiles import WalkingProfile
from app.services.snapshot import Snapshot
from app.services.station_table import StationInfo

MAX_BANDS = 6
MAX_MINUTES = 60.0
DEFAULT_MINUTES = (5.0, 10.0, 15.0)
HEX_RESOLUTION = 10


@dataclass(frozen=True)
class Band:
    """What lies within ``minutes`` (inclusive). ``people`` is cumulative; None where no population is loaded."""

    minutes: float
    people: int | None
    area_km2: float
    outline: shapely.MultiPolygon


@dataclass(frozen=True)
class Hexagon:
    """A cell that reached streets run through, with the least minutes to them."""

    cell: int
    minutes: float


@dataclass(frozen=True)
class IsochroneAnswer:
    """Bands from the smallest to the largest. ``snap`` is None for a station."""

    bands: list[Band]
    hexagons: list[Hexagon]
    people: dict[float, int | None]
    snap: SnapEvidence | None


def read_minutes(minutes: Sequence[float]) -> tuple[float, ...]:
    """The bands' limits, ascending. Raises InvalidInput for none, too many, or limits out of range."""
    wanted = tuple(sorted(set(minutes)))
    wrong = [m for m in wanted if not 0 < m <= MAX_MINUTES]
    if not wanted or wrong or len(wanted) > MAX_BANDS:
        said = ",".join(f"{m:g}" for m in minutes)
        item = ErrorItem(
            "minutes", "步行时间的个数或范围不对", "too many, or out of range", value=said,
            remedy_zh=f"1 到 {MAX_BANDS} 个数,各大于 0、至多 {MAX_MINUTES:g},如 5,10,15",
            remedy_en=f"1 to {MAX_BANDS} numbers above 0 and at most {MAX_MINUTES:g}, such as 5,10,15",
        )  # fmt: skip
        raise InvalidInput("步行时间有误。", "The walking times are wrong.", errors=[item])
    return wanted


def isochrones_of_position(
    snapshot: Snapshot, position: Position, minutes: Sequence[float], profile: WalkingProfile, *, hexes: bool
) -> IsochroneAnswer:
    """Raises NotWalkable and InvalidInput."""
    wanted = read_minutes(minutes)
    place = snap_position(snapshot, position, step_free=profile.step_free)
    return _answer(
        snapshot, place, wanted, profile, evidence(snapshot, place, step_free=profile.step_free), hexes=hexes
    )


def isochrones_of_station(
    snapshot: Snapshot, code: str, minutes: Sequence[float], profile: WalkingProfile, *, hexes: bool
) -> tuple[StationInfo, IsochroneAnswer]:
    """Raises NotFound for an unknown station, NotWalkable for one beside no street, and InvalidInput."""
    wanted = read_minutes(minutes)
    table = snapshot.stations.table
    if code not in table.at:
        item = ErrorItem(
            "station", "没有这个站点编号", "no station has this code", value=code,
            remedy_zh="用 GET /v1/stations 查找编号", remedy_en="see GET /v1/stations for the codes there are",
        )  # fmt: skip
        raise NotFound(f"没有编号为 {code} 的站点。", f"There is no station {code}.", errors=[item])
    number = table.at[code]
    _, places, _ = snapshot.variant(step_free=profile.step_free)
    place = places.take(np.array([number]))
    if place.edge[0] < 0:
        raise NotWalkable(
            f"站点 {code} 附近 {snapshot.method.snap_limit_m:g} 米内没有可步行的道路。",
            f"No walkable street lies within {snapshot.method.snap_limit_m:g} m of station {code}.",
        )
    return table.stations[number], _answer(snapshot, place, wanted, profile, None, hexes=hexes)


def _answer(
    snapshot: Snapshot,
    place: Places,
    minutes: tuple[float, ...],
    profile: WalkingProfile,
    snapped: SnapEvidence | None,
    *,
    hexes: bool,
) -> IsochroneAnswer:
    limits = [limit_mm(m, profile.speed_kmh) for m in minutes]
    searcher, _, _ = snapshot.variant(step_free=profile.step_free)
    streets = reached_streets(snapshot.network, searcher, place, limits[-1])
    people: list[int | None] = [None] * len(minutes)
    if snapshot.city.frontage is not None:
        people = [round(p) for p in people_within(snapshot.network, snapshot.city.frontage, streets, limits)]
    by_minutes = dict(zip(minutes, people, strict=True))
    if hexes:
        return IsochroneAnswer([], _hexagons(snapshot, streets, profile), by_minutes, snapped)
    shapes = outlines(snapshot.network, snapshot.city.grid, streets, limits)
    bands = [
        Band(m, p, round(km2, 4), shape)
        for m, p, km2, shape in zip(minutes, people, areas_km2(shapes), shapes, strict=True)
    ]
    return IsochroneAnswer(bands, [], by_minutes, snapped)


def _hexagons(snapshot: Snapshot, streets: ReachedStreets, profile: WalkingProfile) -> list[Hexagon]:
    cells, mm = hexagons(snapshot.network, streets, HEX_RESOLUTION)
    minutes = np.round(mm * 6e-5 / profile.speed_kmh, 2)
    return [Hexagon(cell, value) for cell, value in zip(cells.tolist(), minutes.tolist(), strict=True)]
