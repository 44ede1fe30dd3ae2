"""A walking way as steps that can be told to a person: which street, where to turn, on which side the goal lies.

Directions are taken over the first and last 15 m of every stretch, so that a crooked kerb does not decide what is said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

import numpy as np

from app.geo.arrays import BoolArray, FloatArray
from app.geo.geodesy import metres_per_degree
from app.geo.network import BRIDGE, NO_NAME, STEPS, TUNNEL, WalkNetwork
from app.geo.routes import Route, RouteLine, points_along

WINDOW_MM = 15_000
SHORTEST_LEG_MM = 1_000  # a shorter way to the street is not worth a step
SIDE_FROM_MM = 3_000  # nearer to the middle of the street than this, a goal lies on no side of it


class Compass(StrEnum):
    """Eight directions, clockwise from north."""

    NORTH = "north"
    NORTH_EAST = "north_east"
    EAST = "east"
    SOUTH_EAST = "south_east"
    SOUTH = "south"
    SOUTH_WEST = "south_west"
    WEST = "west"
    NORTH_WEST = "north_west"


class Turn(StrEnum):
    """How much the way turns: up to 20° straight, 60° slight, 120° a turn, 165° sharp, and back from there."""

    STRAIGHT = "straight"
    SLIGHT_LEFT = "slight_left"
    LEFT = "left"
    SHARP_LEFT = "sharp_left"
    SLIGHT_RIGHT = "slight_right"
    RIGHT = "right"
    SHARP_RIGHT = "sharp_right"
    U_TURN = "u_turn"


class Side(StrEnum):
    """Where the goal lies for one who arrives along the street."""

    LEFT = "left"
    RIGHT = "right"
    AHEAD = "ahead"


class StepKind(StrEnum):
    """From the position to the street; along a street; from the street to the goal."""

    DEPART = "depart"
    WALK = "walk"
    ARRIVE = "arrive"


STRAIGHT_DEG, SLIGHT_DEG, PLAIN_DEG, SHARP_DEG = 20.0, 60.0, 120.0, 165.0


@dataclass(frozen=True)
class Step:
    """One thing to do. The lengths of all steps add up to the way's.

    ``name`` is the street's, None where it has none or for ``arrive``; of ``depart``, the street walked to.
    ``direction`` is where the step begins to go, None where that cannot be told. ``turn`` is from the walk before, None
    at the first. ``side`` is of ``arrive`` alone. ``flags`` are those of all its streets (bits as in ``network``).
    ``first_point`` to ``last_point``, both included, are its points of the line.
    """

    kind: StepKind
    mm: int
    name: str | None
    direction: Compass | None
    turn: Turn | None
    side: Side | None
    flags: int
    first_point: int
    last_point: int

    @property
    def has_steps(self) -> bool:
        return bool(self.flags & STEPS)

    @property
    def is_bridge(self) -> bool:
        return bool(self.flags & BRIDGE)

    @property
    def is_tunnel(self) -> bool:
        return bool(self.flags & TUNNEL)


def compass_of(bearing_deg: float) -> Compass | None:
    """The nearest of the eight directions; None for NaN."""
    return None if np.isnan(bearing_deg) else list(Compass)[round(bearing_deg / 45.0) % 8]


def turn_of(angle_deg: float) -> Turn:
    """The turn of an angle between -180 and 180, right positive; NaN (a stretch without extent) is straight on."""
    size = abs(angle_deg)
    if not size > STRAIGHT_DEG:
        return Turn.STRAIGHT
    if size > SHARP_DEG:
        return Turn.U_TURN
    right = angle_deg > 0
    if size <= SLIGHT_DEG:
        return Turn.SLIGHT_RIGHT if right else Turn.SLIGHT_LEFT
    if size <= PLAIN_DEG:
        return Turn.RIGHT if right else Turn.LEFT
    return Turn.SHARP_RIGHT if right else Turn.SHARP_LEFT


def angle_between(before_deg: FloatArray, after_deg: FloatArray) -> FloatArray:
    """From one bearing to the other, -180 up to 180, right positive."""
    angle: FloatArray = (after_deg - before_deg + 180.0) % 360.0 - 180.0
    return angle


def bearings(lng: FloatArray, lat: FloatArray, to_lng: FloatArray, to_lat: FloatArray) -> FloatArray:
    """Degrees clockwise from north (0 to 360) between WGS84 points, pair by pair; NaN where they are one (1 mm)."""
    east, north = metres_per_degree(lat)
    dx, dy = (to_lng - lng) * east, (to_lat - lat) * north
    turned: FloatArray = np.where(np.hypot(dx, dy) < 1e-3, np.nan, np.degrees(np.arctan2(dx, dy)) % 360.0)
    return turned


def directions(network: WalkNetwork, route: Route, line: RouteLine) -> list[Step]:
    """The steps of a way: to the street (if that is a metre at least), along every street, arrival.

    Edges of one name (or of none) that follow each other are one step, until the way turns where it could have gone on
    otherwise: at a junction, by more than 60° on a street with a name, by more than 20° on one without.
    """
    departs = route.start_leg_mm >= SHORTEST_LEG_MM
    steps = [_departure(network, route, line)] if departs else []
    out, into = _bearings_of_parts(network, route)
    steps += _walks(network, route, line, out, angle_between(into[:-1], out[1:]))
    arrival = _arrival(route, line, float(into[-1]) if len(into) else float("nan"))
    if departs:
        return [*steps, arrival]
    # a way to the street too short for a step of its own belongs to the next one
    first, *rest = [*steps, arrival]
    return [replace(first, mm=first.mm + route.start_leg_mm, first_point=0), *rest]


def _departure(network: WalkNetwork, route: Route, line: RouteLine) -> Step:
    name = _name(network, int(route.edge[0])) if len(route.edge) else None
    direction = compass_of(_bearing_of_points(line, 0, 1))
    return Step(StepKind.DEPART, route.start_leg_mm, name, direction, None, None, 0, 0, int(line.at[0]))


def _walks(network: WalkNetwork, route: Route, line: RouteLine, out: FloatArray, turns: FloatArray) -> list[Step]:
    """One step for every run of parts that belong together."""
    if len(out) == 0:
        return []
    starts = [0, *(np.flatnonzero(_is_new(network, route, turns)) + 1).tolist()]
    length = route.part_mm
    return [
        Step(
            kind=StepKind.WALK,
            mm=int(length[first:end].sum()),
            name=_name(network, int(route.edge[first])),
            direction=compass_of(float(out[first])),
            turn=turn_of(float(turns[first - 1])) if first > 0 else None,
            side=None,
            flags=int(np.bitwise_or.reduce(network.edge_flags[route.edge[first:end]])),
            first_point=int(line.at[first]),
            last_point=int(line.at[end]),
        )
        for first, end in pairwise([*starts, len(out)])
    ]


def _arrival(route: Route, line: RouteLine, walked_deg: float) -> Step:
    """``walked_deg`` is the bearing at the end of the street part, NaN where there is none."""
    at, last = int(line.at[-1]), len(line.lng) - 1
    bearing = _bearing_of_points(line, at, last) if route.goal_leg_mm > 0 else float("nan")
    side = None
    if route.goal_leg_mm >= SIDE_FROM_MM and not np.isnan(walked_deg) and not np.isnan(bearing):
        angle = float(angle_between(np.array(walked_deg), np.array(bearing)))
        side = Side.AHEAD if abs(angle) <= STRAIGHT_DEG else Side.RIGHT if angle > 0 else Side.LEFT
    return Step(StepKind.ARRIVE, route.goal_leg_mm, None, compass_of(bearing), None, side, 0, at, last)


def _bearing_of_points(line: RouteLine, a: int, b: int) -> float:
    return float(bearings(line.lng[a : a + 1], line.lat[a : a + 1], line.lng[b : b + 1], line.lat[b : b + 1])[0])


def _name(network: WalkNetwork, edge: int) -> str | None:
    number = int(network.edge_name[edge])
    return None if number == NO_NAME else network.names[number]


def _bearings_of_parts(network: WalkNetwork, route: Route) -> tuple[FloatArray, FloatArray]:
    """Bearings at the beginning and at the end of every part."""
    window = np.minimum(route.part_mm, WINDOW_MM) * np.sign(route.to_mm - route.from_mm)
    begin, soon, late, end = (
        points_along(network, route.edge, mm)
        for mm in (route.from_mm, route.from_mm + window, route.to_mm - window, route.to_mm)
    )
    return bearings(*begin, *soon), bearings(*late, *end)


def _is_new(network: WalkNetwork, route: Route, turns: FloatArray) -> BoolArray:
    """Does a step begin with the second, third, … part?"""
    name = network.edge_name[route.edge]
    edge, at_first = route.edge[1:], route.from_mm[1:] == 0
    node = np.where(at_first, network.edge_u[edge], network.edge_v[edge])
    indptr = network.everywhere.indptr  # what a walker sees, whoever walks
    has_choice = indptr[node + 1] - indptr[node] > 2
    most = np.where(name[1:] == NO_NAME, STRAIGHT_DEG, SLIGHT_DEG)
    new: BoolArray = (name[1:] != name[:-1]) | (has_choice & (np.abs(turns) > most))
    return new
