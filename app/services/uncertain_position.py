"""What a phone's uncertainty, or a cell in place of a position, does to an answer.

The true position is somewhere within ``accuracy_m`` of the one given. The question is asked again from points on rings
around it, and what comes first there is told: a sample, not a proof, and its spacing is told with it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from app.errors import ErrorItem, InvalidInput
from app.geo.crs import Crs
from app.geo.geodesy import metres_per_degree_at
from app.geo.hexgrid import cell_of_text, centre_and_radius_m, resolution_of
from app.geo.network import seconds_of
from app.services.nearest import NearestQuery, ranked
from app.services.positions import Position
from app.services.profiles import WalkingProfile
from app.services.snapshot import Snapshot

RINGS = 3
SIDES = 6
MIN_RESOLUTION, MAX_RESOLUTION = 7, 12


@dataclass(frozen=True)
class Uncertainty:
    """``could_be`` are the codes of all stations that come first at any of the ``sampled`` points, that of the position
    itself first; None among them means that at some point no station is within reach. ``walk_seconds`` is the shortest
    and the longest walk to the first of the answer, from those points where it is within reach.
    """

    accuracy_m: float
    could_be: tuple[str | None, ...]
    sampled: int
    spacing_m: float
    walk_seconds: tuple[int, int] | None

    @property
    def first_may_change(self) -> bool:
        return len(self.could_be) > 1


def uncertainty_of(snapshot: Snapshot, position: Position, query: NearestQuery, accuracy_m: float) -> Uncertainty:
    """What may come first from anywhere within ``accuracy_m`` of a position."""
    everybody = replace(query, limit=1)
    stations, seen, walks = snapshot.stations.table.stations, [], []
    for where in _around(position, accuracy_m):
        _, found = ranked(snapshot, where, everybody)
        number = found[0].number if found else None
        if number not in seen:
            seen.append(number)
        if found and number == seen[0]:
            walks.append(_walk_s(found[0].mm, query.profile))
    return Uncertainty(
        accuracy_m=accuracy_m,
        could_be=tuple(None if number is None else stations[number].code for number in seen),
        sampled=1 + SIDES * RINGS * (RINGS + 1) // 2,
        spacing_m=round(accuracy_m / RINGS, 1),
        walk_seconds=(min(walks), max(walks)) if walks else None,
    )


def _walk_s(mm: int, profile: WalkingProfile) -> int:
    return round(seconds_of(mm, profile.speed_kmh))


def _around(position: Position, accuracy_m: float) -> list[Position]:
    """The position itself, then points on rings around it: six on the first, twelve on the next, …"""
    east, north = metres_per_degree_at(position.lat)
    made = [position]
    for ring in range(1, RINGS + 1):
        radius_m, count = accuracy_m * ring / RINGS, SIDES * ring
        for k in range(count):
            angle = 2 * math.pi * k / count
            lng = position.lng + radius_m * math.sin(angle) / east
            lat = position.lat + radius_m * math.cos(angle) / north
            made.append(Position(lng, lat, Crs.WGS84, lng, lat))
    return made


def position_of_cell(text: str) -> tuple[Position, float]:
    """The centre of an H3 cell (WGS84), and the greatest distance in metres from it to anywhere in the cell.

    Raises InvalidInput for what is no cell, and for resolutions that are too coarse to walk by or finer than a phone.
    """
    cell = cell_of_text(text)
    if cell is None:
        raise _bad_cell(text, "不是 H3 网格编号", "is no H3 cell")
    resolution = resolution_of([cell])
    if not MIN_RESOLUTION <= resolution <= MAX_RESOLUTION:
        raise _bad_cell(text, f"是 {resolution} 级网格", f"is of resolution {resolution}")
    lng, lat, radius_m = centre_and_radius_m(cell)
    return Position(lng, lat, Crs.WGS84, lng, lat), round(radius_m, 1)


def _bad_cell(cell: str, zh: str, en: str) -> InvalidInput:
    item = ErrorItem(
        "cell", zh, en, value=cell[:40], remedy_zh=f"用 {MIN_RESOLUTION} 至 {MAX_RESOLUTION} 级的 H3 网格",
        remedy_en=f"use a cell of resolution {MIN_RESOLUTION} to {MAX_RESOLUTION}",
    )  # fmt: skip
    return InvalidInput("网格编号有误。", "The cell is wrong.", errors=[item])
