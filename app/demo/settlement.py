"""Where the towns are built up: estimated people per town, neighbourhoods, and the square blocks between streets.

A town has one street lattice with its own orientation and spacing; a *block* is a square of 4 × 4 lattice steps.
Blocks are built up in the order of how near they lie to a neighbourhood (one per real community, in the full city)
until the city has the number of street nodes asked for. Each built block has one of a few street *patterns*, from the
fine mesh of an urban village (城中村) to the single ring of a suburban superblock.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from scipy.spatial import cKDTree

from app.demo import facts
from app.demo.plane import BoolArray, FloatArray, GeometryArray, IntArray, geometry_to_plane, to_plane
from app.demo.spec import FULL_NODE_TARGET, CitySpec
from app.demo.towns import Partition
from app.demo.water import hill_height, water

STEPS = 4  # lattice steps along the side of a block
PART_SEEDS, PART_BLOCKS = 1, 2
FIRST_BLOCKS = 5  # of every town are built before any other
LATTICE_SHARE = 0.9  # of the nodes; roads between settlements and hill paths take the rest
CORE = to_plane(113.30, 23.125)  # where the city is densest, between 北京路 and 珠江新城


@dataclass(frozen=True)
class Neighbourhoods:
    """Seeds of settlement: plane position, town (index into facts.towns()), people, radius of its built-up area."""

    x: FloatArray
    y: FloatArray
    town: IntArray
    radius_m: FloatArray


@dataclass(frozen=True)
class Blocks:
    """Built blocks: town, lattice position (in blocks), street pattern; and per town the lattice's frame."""

    town: IntArray
    i: IntArray
    j: IntArray
    pattern: IntArray
    spacing_m: FloatArray  # per town: one lattice step
    angle: FloatArray  # per town, radians
    centre_x: FloatArray  # per town
    centre_y: FloatArray


def town_people(partition: Partition) -> tuple[FloatArray, BoolArray]:
    """Residents of every town, year-end 2023 (persons), and whether each figure rests on a published town figure.

    A known 2020 town figure keeps its share of its district's 2020 census. The rest of the district's 2023 total goes
    to the other towns by communities × a density prior that falls with distance from the core (a community is a
    dense estate downtown and a village outside), held to 20,000 (downtown 45,000) people per km².
    """
    towns = facts.towns()
    district = {d.code: d for d in facts.districts()}
    cx, cy = to_plane([t.centre_lng for t in towns], [t.centre_lat for t in towns])
    away_km = np.hypot(cx - CORE[0], cy - CORE[1]) / 1e3
    area_km2 = np.array([shapely.area(geometry_to_plane(g)) / 1e6 for g in partition.towns])
    # persons per community: small estates in the old core, large ones around it, villages far out
    per_community = 4_000 + 9_000 * np.exp(-(((away_km - 14) / 9) ** 2))
    crowded_at_most = 20_000 + 25_000 * np.exp(-((away_km / 9) ** 2))  # people per km²
    rural = np.where([t.kind == "镇" for t in towns], 0.6, 1.0)
    prior = np.minimum(np.array([t.communities for t in towns]) * per_community * rural, crowded_at_most * area_km2)
    people = np.zeros(len(towns))
    known = np.array([t.census2020_resident is not None for t in towns])
    for code in partition.district_codes:
        mine = np.array([t.district_code == code for t in towns])
        census = np.array([t.census2020_resident or 0 for t in towns], dtype=np.float64)
        total = float(district[code].yearend2023_resident)
        sure = mine & known
        if sure.sum() == mine.sum():
            people[sure] = census[sure] / census[sure].sum() * total
            continue
        people[sure] = census[sure] / district[code].census2020_resident * total
        rest = mine & ~known
        people[rest] = prior[rest] / prior[rest].sum() * (total - people[sure].sum())
    return people, known


def _spread(count: int, polygon: shapely.Geometry, town: facts.TownFact, rng: np.random.Generator) -> FloatArray:
    """``count`` plane points in a town: well spread, dry, off the hills, and denser towards its centre."""
    x0, y0, x1, y1 = shapely.bounds(polygon)
    tries = 40 * count + 400
    step = np.arange(tries)
    # the R2 sequence: quasi-random, so that points keep their distance from each other
    u = np.mod(rng.random() + step * 0.7548776662466927, 1.0)
    v = np.mod(rng.random() + step * 0.5698402909980532, 1.0)
    x, y = x0 + u * (x1 - x0), y0 + v * (y1 - y0)
    dry = shapely.contains_xy(polygon, x, y) & ~water().holds(x, y, 60.0)
    good = dry & (hill_height(x, y) < 0.06)
    if good.sum() < count:
        good = dry
    x, y = x[good], y[good]
    cx, cy = to_plane(town.centre_lng, town.centre_lat)
    sigma = 0.35 * np.sqrt(shapely.area(polygon))
    weight = 0.35 + 2.0 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * sigma**2))
    keys = rng.random(len(x)) ** (1.0 / weight)
    chosen = np.sort(np.argsort(-keys, kind="stable")[: max(count - 1, 1)])
    return np.vstack([[cx, cy], np.column_stack([x[chosen], y[chosen]])])


def neighbourhoods(spec: CitySpec, partition: Partition, people: FloatArray) -> Neighbourhoods:
    """One neighbourhood per community in the full city, fewer in a small one; the first of each town is its centre."""
    rng = spec.generator(PART_SEEDS)
    share = min(1.0, (spec.node_target / FULL_NODE_TARGET) ** 0.6)
    points, owner, radius = [], [], []
    for k, (town, outline) in enumerate(zip(facts.towns(), partition.towns, strict=True)):
        polygon = geometry_to_plane(outline)
        xy = _spread(max(3, round(town.communities * share)), polygon, town, rng)
        weight = rng.lognormal(0.0, 0.55, len(xy))
        weight[0] *= 3.0
        density_per_m2 = 6_500e-6 + 0.35 * people[k] / polygon.area
        radius.append(np.sqrt(people[k] * weight / weight.sum() / (np.pi * density_per_m2)))
        points.append(xy)
        owner.append(np.full(len(xy), k))
    xy = np.vstack(points)
    return Neighbourhoods(xy[:, 0], xy[:, 1], np.concatenate(owner), np.concatenate(radius))


def warp(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Bend straight lattices a little, the same way everywhere: streets curve and still meet at town borders."""
    dx = 38 * np.sin(y / 310 + 0.7 * np.sin(x / 900)) + 60 * np.sin(y / 1_300 + x / 2_900)
    dy = 38 * np.sin(x / 340 + 0.9 * np.sin(y / 800)) + 60 * np.sin(x / 1_450 - y / 2_700)
    return x + dx, y + dy


def _candidates(
    spec: CitySpec, polygons: GeometryArray, seeds: Neighbourhoods, spacing: FloatArray, angle: FloatArray
) -> tuple[IntArray, IntArray, IntArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """All blocks whose bent centre lies in their town: town, i, j, plane x, y; and the towns' lattice origins."""
    towns = facts.towns()
    origin_x, origin_y = to_plane([t.centre_lng for t in towns], [t.centre_lat for t in towns])
    found: list[tuple[IntArray, ...]] = []
    xs, ys = [], []
    for k, polygon in enumerate(polygons):
        side = STEPS * spacing[k]
        x0, y0, x1, y1 = polygon.bounds
        corners = np.hypot(np.array([x0, x1, x0, x1]) - origin_x[k], np.array([y0, y0, y1, y1]) - origin_y[k])
        reach = int(np.ceil((corners.max() + 150) / side))
        i, j = (a.ravel() for a in np.meshgrid(np.arange(-reach, reach + 1), np.arange(-reach, reach + 1)))
        c, s = np.cos(angle[k]), np.sin(angle[k])
        u, v = (i + 0.5) * side, (j + 0.5) * side
        x, y = warp(origin_x[k] + c * u - s * v, origin_y[k] + s * u + c * v)
        inside = shapely.contains_xy(polygon, x, y)
        found.append((np.full(int(inside.sum()), k), i[inside], j[inside]))
        xs.append(x[inside])
        ys.append(y[inside])
    town, i, j = (np.concatenate([f[n] for f in found]) for n in range(3))
    return town, i, j, np.concatenate(xs), np.concatenate(ys), origin_x, origin_y


# street nodes that a block of each pattern adds, after straight stretches have been merged (measured on the full city)
NODES_OF_PATTERN = np.array([15.2, 8.3, 4.3, 5.3, 5.3, 5.1])


def built_blocks(spec: CitySpec, partition: Partition, people: FloatArray, seeds: Neighbourhoods) -> Blocks:
    """The blocks that are built up, in a fixed order, enough of them for ``spec.node_target`` nodes."""
    rng = spec.generator(PART_BLOCKS)
    polygons = np.array([geometry_to_plane(g) for g in partition.towns], dtype=object)
    shapely.prepare(polygons)
    n = len(polygons)
    spacing = spec.scale * rng.uniform(41.0, 50.0, n)
    angle = rng.normal(0.0, 0.22, n) + np.where(rng.random(n) < 0.25, rng.uniform(-0.7, 0.7, n), 0.0)
    town, i, j, x, y, ox, oy = _candidates(spec, polygons, seeds, spacing, angle)
    dry = ~water().holds(x, y, 15.0) & (hill_height(x, y) < 0.10)
    town, i, j = town[dry], i[dry], j[dry]
    x, y = x[dry], y[dry]
    distance, seed = cKDTree(np.column_stack([seeds.x, seeds.y])).query(np.column_stack([x, y]), k=4)
    off = distance / seeds.radius_m[seed]
    score = off.min(axis=1) * rng.lognormal(0.0, 0.10, len(x))
    crowded = people[town] / shapely.area(polygons)[town] * 1e6  # people per km² of the town as a whole
    quarter = rng.random(len(seeds.x))[seed[:, 0]]  # one character per neighbourhood, not per block
    away_km = np.hypot(x - CORE[0], y - CORE[1]) / 1e3
    inner = np.clip(1.3 - away_km / 11.0, 0.0, 1.0)
    village = quarter < np.where(away_km < 5, 0.10, np.where(away_km < 28, 0.26, 0.20))
    fine = rng.random(len(x)) < np.maximum(inner, np.clip(crowded / 30_000, 0.0, 0.8))
    loose = 2 + rng.integers(0, 4, len(x))
    pattern = np.where(village & (score < 0.75), 0, np.where(fine, 1, loose))
    by_town = np.lexsort((score, town))
    place = np.arange(len(town)) - np.searchsorted(town[by_town], np.arange(n))[town[by_town]]
    score[by_town[place < FIRST_BLOCKS]] = 0.0  # no town without streets, however small the city
    order = np.argsort(score, kind="stable")
    wanted = LATTICE_SHARE * spec.node_target
    take = int(np.searchsorted(np.cumsum(NODES_OF_PATTERN[pattern[order]]), wanted)) + 1
    keep = np.sort(order[:take])
    return Blocks(town[keep], i[keep], j[keep], pattern[keep], spacing, angle, ox, oy)
