"""Streets of the built-up blocks: perturbed, gently bent grids, one orientation and spacing per town."""

from __future__ import annotations

import numpy as np
import shapely

from app.demo.draft import NO_NAME, Draft, Street, keep_edges, keep_nodes, new_draft, streets, tidy
from app.demo.plane import BoolArray, FloatArray, IntArray, geometry_to_plane
from app.demo.settlement import STEPS, Blocks, warp
from app.demo.spec import CitySpec
from app.demo.towns import Partition
from app.demo.water import water

PART_LATTICE = 3
OFFSET = 1 << 19  # lattice indices are stored unsigned
EAST, NORTH = 0, 1


def _grid(step: int) -> list[tuple[int, int, int]]:
    """(a, b, direction) of the edges of a mesh with a street at every ``step``-th line."""
    lines = range(0, STEPS, step)
    return [(a, b, EAST) for b in lines for a in range(STEPS)] + [(a, b, NORTH) for a in lines for b in range(STEPS)]


_RING = _grid(4)
PATTERNS: tuple[list[tuple[int, int, int]], ...] = (
    _grid(1),  # urban village, a street every 41–50 m
    _grid(2),  # inner city, every 82–100 m
    _RING,  # superblock
    [*_RING, *((2, b, NORTH) for b in range(STEPS))],  # superblock with a street through it
    [*_RING, *((a, 2, EAST) for a in range(STEPS))],
    [*_RING, (0, 2, EAST), (1, 2, EAST), (2, 2, NORTH)],  # superblock with a lane that may end inside
)


def _expand(blocks: Blocks) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Every lattice edge of every block: town, fine indices of its start, direction."""
    parts: list[tuple[IntArray, IntArray, IntArray, IntArray]] = []
    for number, pattern in enumerate(PATTERNS):
        at = np.flatnonzero(blocks.pattern == number)
        shape = np.array(pattern, dtype=np.int64)
        town = np.repeat(blocks.town[at], len(shape))
        ii = (STEPS * blocks.i[at][:, None] + shape[None, :, 0]).ravel()
        jj = (STEPS * blocks.j[at][:, None] + shape[None, :, 1]).ravel()
        parts.append((town, ii, jj, np.tile(shape[:, 2], len(at))))
    town, ii, jj, direction = (np.concatenate([p[n] for p in parts]) for n in range(4))
    return town, ii, jj, direction


def _key(town: IntArray, ii: IntArray, jj: IntArray) -> IntArray:
    return (town << 40) | ((ii + OFFSET) << 20) | (jj + OFFSET)


def _rank(line: IntArray) -> IntArray:
    """0 every sixteenth lattice line, 1 every eighth, 2 every fourth (block borders), 3 inside blocks."""
    return np.where(line % 16 == 0, 0, np.where(line % 8 == 0, 1, np.where(line % 4 == 0, 2, 3)))


def _place(blocks: Blocks, key: IntArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, IntArray]:
    """Plane position and town of lattice nodes: turned, jittered (less on main lines), bent."""
    town = key >> 40
    ii = ((key >> 20) & (2 * OFFSET - 1)) - OFFSET
    jj = (key & (2 * OFFSET - 1)) - OFFSET
    main = np.minimum(_rank(ii), _rank(jj)) < 2
    jitter = rng.normal(0.0, 1.0, (2, len(key))) * np.where(main, 0.035, 0.10)
    f, angle = blocks.spacing_m[town], blocks.angle[town]
    east, north = (ii + jitter[0]) * f, (jj + jitter[1]) * f
    c, s = np.cos(angle), np.sin(angle)
    x, y = warp(blocks.centre_x[town] + c * east - s * north, blocks.centre_y[town] + s * east + c * north)
    return x, y, town


def _in_own_town(x: FloatArray, y: FloatArray, town: IntArray, partition: Partition) -> BoolArray:
    inside = np.zeros(len(x), dtype=np.bool_)
    start = np.searchsorted(town, np.arange(len(partition.towns) + 1))  # town is sorted: it leads the key
    for k, outline in enumerate(partition.towns):
        part = slice(start[k], start[k + 1])
        polygon = geometry_to_plane(outline)
        shapely.prepare(polygon)
        inside[part] = shapely.contains_xy(polygon, x[part], y[part])
    return inside


def lattice_streets(spec: CitySpec, partition: Partition, blocks: Blocks) -> Draft:
    """The streets of all blocks, dry and inside their towns, some minor ones left out; towns not yet joined."""
    rng = spec.generator(PART_LATTICE)
    town, ii, jj, direction = _expand(blocks)
    line = np.where(direction == EAST, jj, ii)
    rank = _rank(line)
    gap = rng.random(len(rank)) < np.array([0.004, 0.01, 0.04, 0.10])[rank]
    town, ii, jj, direction, line, rank = (a[~gap] for a in (town, ii, jj, direction, line, rank))
    start = _key(town, ii, jj)
    end = _key(town, ii + (direction == EAST), jj + (direction == NORTH))
    nodes, number = np.unique(np.concatenate([start, end]), return_inverse=True)
    u, v = number[: len(start)], number[len(start) :]
    x, y, node_town = _place(blocks, nodes, rng)
    named = np.where(rank < 2, (town * 2 + direction) * 2 * OFFSET + line + OFFSET, NO_NAME)
    minor = np.where(rng.random(len(rank)) < 0.55, Street.LIVING_STREET, Street.FOOTWAY)
    street = np.where(rank == 3, minor, np.array([Street.SECONDARY, Street.TERTIARY, Street.RESIDENTIAL, 0])[rank])
    draft = new_draft(x, y, node_town, streets(u, v, street, name=named))
    draft = keep_nodes(draft, _in_own_town(x, y, node_town, partition))
    return tidy(keep_edges(draft, ~water().touches(draft.lines)))
