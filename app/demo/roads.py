"""Roads between settlements, and paths up the hills."""

from __future__ import annotations

import numpy as np
import shapely
from scipy.spatial import Delaunay, cKDTree

from app.demo import facts
from app.demo.draft import NO_NAME, Draft, Street, add, streets
from app.demo.plane import BoolArray, FloatArray, IntArray, geometry_to_plane, to_plane
from app.demo.settlement import Neighbourhoods
from app.demo.spec import CitySpec
from app.demo.towns import Partition
from app.demo.water import hill_height, water

PART_ROADS, PART_TRAILS = 4, 5
ROAD_STEP_M = 120.0  # between the nodes of a road
TRAIL_STEP_M = 90.0
LONGEST_ROAD_M = 12_000.0
ROAD_NAMES_FROM = 1 << 48  # above every lattice line's number


def _pairs(x: FloatArray, y: FloatArray) -> tuple[IntArray, IntArray]:
    """Urquhart graph of points: Delaunay without the longest side of each triangle. Connected, planar, sparse."""
    triangles = Delaunay(np.column_stack([x, y])).simplices.astype(np.int64)
    sides = np.stack([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]], axis=1)
    sides.sort(axis=2)
    length = np.hypot(x[sides[..., 0]] - x[sides[..., 1]], y[sides[..., 0]] - y[sides[..., 1]])
    key = sides[..., 0] * len(x) + sides[..., 1]
    longest = np.take_along_axis(key, length.argmax(axis=1)[:, None], axis=1).ravel()
    wanted = np.setdiff1d(key, longest)
    return wanted // len(x), wanted % len(x)


def _trace(
    ax: FloatArray, ay: FloatArray, bx: FloatArray, by: FloatArray, bend: FloatArray, wave: FloatArray, step_m: float
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Points along winding lines from a to b about every ``step_m``: x, y, number of the line. Ends are hit exactly."""
    length = np.hypot(bx - ax, by - ay)
    count = np.maximum(2, np.ceil(length / step_m).astype(np.int64) + 1)
    line = np.repeat(np.arange(len(count)), count)
    position = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    t = position / (count[line] - 1)
    side = length[line] * (bend[line] * np.sin(np.pi * t) + wave[line] * np.sin(np.pi * t) * np.sin(5 * np.pi * t))
    dx, dy = (bx - ax)[line] / length[line], (by - ay)[line] / length[line]
    x = ax[line] + t * (bx - ax)[line] - dy * side
    y = ay[line] + t * (by - ay)[line] + dx * side
    return x, y, line


def _usable(x: FloatArray, y: FloatArray, city: shapely.Geometry) -> BoolArray:
    usable: BoolArray = shapely.contains_xy(city, x, y) & ~water().holds(x, y, 12.0)
    return usable


def _append(
    draft: Draft,
    x: FloatArray,
    y: FloatArray,
    line: IntArray,
    keep: BoolArray,
    street: IntArray,
    name: IntArray,
    steps: BoolArray,
    frontage: bool,
) -> Draft:
    """The kept points as nodes, joined where neighbours on a line were both kept and the way between them is dry."""
    number = np.cumsum(keep) - 1 + len(draft.x)
    joined = np.flatnonzero(keep[:-1] & keep[1:] & (line[:-1] == line[1:]))
    edges = streets(
        number[joined],
        number[joined + 1],
        street[line[joined]],
        name=name[line[joined]],
        steps=steps[joined],
        frontage=frontage,
    )
    return add(draft, edges, (x[keep], y[keep]))


def add_roads(spec: CitySpec, partition: Partition, seeds: Neighbourhoods, draft: Draft) -> Draft:
    """Roads from neighbourhood to neighbourhood through open country; they end where the built-up streets begin."""
    rng = spec.generator(PART_ROADS)
    city = geometry_to_plane(partition.city)
    shapely.prepare(city)
    a, b = _pairs(seeds.x, seeds.y)
    short = np.hypot(seeds.x[a] - seeds.x[b], seeds.y[a] - seeds.y[b]) < LONGEST_ROAD_M
    a, b = a[short], b[short]
    bend, wave = rng.normal(0.0, 0.05, len(a)), rng.normal(0.0, 0.018, len(a))
    x, y, line = _trace(seeds.x[a], seeds.y[a], seeds.x[b], seeds.y[b], bend, wave, ROAD_STEP_M * spec.scale)
    built = cKDTree(np.column_stack([draft.x, draft.y]))
    gap, nearest = built.query(np.column_stack([x, y]), distance_upper_bound=160.0 * spec.scale)
    keep = ~np.isfinite(gap) & _usable(x, y, city)
    street = np.where(seeds.town[a] != seeds.town[b], Street.TERTIARY, Street.UNCLASSIFIED)
    name = np.where(street == Street.TERTIARY, ROAD_NAMES_FROM + np.arange(len(a)), NO_NAME)
    first_new = len(draft.x)
    grown = _append(draft, x, y, line, keep, street, name, np.zeros(len(x), dtype=np.bool_), True)
    # where the next point of the line lies in a built-up area, run on to that street
    number = np.cumsum(keep) - 1 + first_new
    at = np.flatnonzero(line[:-1] == line[1:])
    inward = at[keep[at] & ~keep[at + 1] & np.isfinite(gap[at + 1])]
    outward = at[keep[at + 1] & ~keep[at] & np.isfinite(gap[at])]
    ends = streets(
        np.concatenate([number[inward], number[outward + 1]]),
        np.concatenate([nearest[inward + 1], nearest[outward]]),
        street[line[np.concatenate([inward, outward])]],
        name=name[line[np.concatenate([inward, outward])]],
    )
    return add(grown, ends)


def add_trails(spec: CitySpec, partition: Partition, draft: Draft) -> Draft:
    """Footpaths from the foot of every hill to its summit; about half of their length is steps, nobody lives there."""
    rng = spec.generator(PART_TRAILS)
    city = geometry_to_plane(partition.city)
    shapely.prepare(city)
    ax, ay, bx, by = [], [], [], []
    for hill in facts.hills():
        count = int(np.clip(round(2 + hill.radius_east_km * hill.radius_north_km / (3 * spec.scale**2)), 2, 12))
        around = 2 * np.pi * (np.arange(count) + rng.random(count) * 0.6) / count
        cx, cy = to_plane(hill.lng, hill.lat)
        ax.append(cx + 1_080 * hill.radius_east_km * np.cos(around))
        ay.append(cy + 1_080 * hill.radius_north_km * np.sin(around))
        bx.append(cx + 60 * hill.radius_east_km * np.cos(around))
        by.append(cy + 60 * hill.radius_north_km * np.sin(around))
    start_x, start_y, end_x, end_y = (np.concatenate(p) for p in (ax, ay, bx, by))
    bend, wave = rng.normal(0.0, 0.10, len(start_x)), rng.normal(0.0, 0.05, len(start_x))
    x, y, line = _trace(start_x, start_y, end_x, end_y, bend, wave, TRAIL_STEP_M * spec.scale)
    built = cKDTree(np.column_stack([draft.x, draft.y]))
    free = ~np.isfinite(built.query(np.column_stack([x, y]), distance_upper_bound=45.0 * spec.scale)[0])
    keep = free & _usable(x, y, city)
    steps = (rng.random(len(x)) < 0.5) & (hill_height(x, y) > 0.15)
    street = np.full(len(start_x), Street.PATH)
    return _append(draft, x, y, line, keep, street, np.full(len(start_x), NO_NAME), steps, False)
