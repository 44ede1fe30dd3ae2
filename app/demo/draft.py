"""The street network while it is being drawn: flat arrays on the plane, grown by appending, thinned by masks."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from app.demo.plane import BoolArray, FloatArray, GeometryArray, IntArray, segments

NO_NAME = -1
NO_TOWN = -1


class Street(IntEnum):
    """Kinds of street; the member's name in lower case is the value of ``highway``."""

    SECONDARY = 0
    TERTIARY = 1
    UNCLASSIFIED = 2
    RESIDENTIAL = 3
    LIVING_STREET = 4
    FOOTWAY = 5
    PATH = 6
    STEPS = 7


@dataclass(frozen=True)
class Draft:
    """Nodes: ``x``, ``y`` on the plane and the town whose lattice they belong to (NO_TOWN for roads).

    Edges: end nodes ``u``, ``v``; ``street`` kind; ``name`` number (NO_NAME: none); the flags of the table.
    ``mid_x``, ``mid_y``: one point between the ends, NaN where the street is straight.
    """

    x: FloatArray
    y: FloatArray
    town: IntArray
    u: IntArray
    v: IntArray
    street: IntArray
    name: IntArray
    steps: BoolArray
    bridge: BoolArray
    tunnel: BoolArray
    frontage: BoolArray
    mid_x: FloatArray
    mid_y: FloatArray

    @property
    def lines(self) -> GeometryArray:
        """The straight lines between the ends."""
        return segments(self.x[self.u], self.y[self.u], self.x[self.v], self.y[self.v])


NODE_FIELDS = ("x", "y", "town")
EDGE_FIELDS = tuple(f.name for f in fields(Draft) if f.name not in NODE_FIELDS)


def streets(
    u: IntArray, v: IntArray, street: npt.ArrayLike, *, name: npt.ArrayLike = NO_NAME, **flags: npt.ArrayLike
) -> dict[str, npt.NDArray[Any]]:
    """Edge arrays from scalars or arrays; flags default to an ordinary street that people live along."""
    m = len(u)
    made: dict[str, npt.NDArray[Any]] = {
        "u": np.asarray(u, dtype=np.int64),
        "v": np.asarray(v, dtype=np.int64),
        "street": np.broadcast_to(np.asarray(street, dtype=np.int64), m).copy(),
        "name": np.broadcast_to(np.asarray(name, dtype=np.int64), m).copy(),
        "mid_x": np.full(m, np.nan),
        "mid_y": np.full(m, np.nan),
    }
    for flag, default in (("steps", False), ("bridge", False), ("tunnel", False), ("frontage", True)):
        made[flag] = np.broadcast_to(np.asarray(flags.get(flag, default), dtype=np.bool_), m).copy()
    return made


def new_draft(x: FloatArray, y: FloatArray, town: IntArray, edges: dict[str, npt.NDArray[Any]]) -> Draft:
    """A draft from nodes and the result of ``streets``."""
    return Draft(x=x, y=y, town=town, **edges)


def add(
    draft: Draft,
    edges: dict[str, npt.NDArray[Any]],
    nodes: tuple[FloatArray, FloatArray] = (np.zeros(0), np.zeros(0)),
) -> Draft:
    """The draft with nodes appended (of no town) and edges appended; edges number nodes in the grown draft."""
    x, y = nodes
    grown: dict[str, Any] = {
        "x": np.concatenate([draft.x, x]),
        "y": np.concatenate([draft.y, y]),
        "town": np.concatenate([draft.town, np.full(len(x), NO_TOWN, dtype=np.int64)]),
    }
    for field in EDGE_FIELDS:
        grown[field] = np.concatenate([getattr(draft, field), edges[field]])
    return Draft(**grown)


def keep_edges(draft: Draft, keep: BoolArray) -> Draft:
    """Only the edges marked; nodes stay."""
    return replace(draft, **{field: getattr(draft, field)[keep] for field in EDGE_FIELDS})


def keep_nodes(draft: Draft, keep: BoolArray) -> Draft:
    """Only the nodes marked, and the edges between them, renumbered."""
    number = np.cumsum(keep) - 1
    thinned = keep_edges(draft, keep[draft.u] & keep[draft.v])
    return replace(
        thinned,
        **{field: getattr(draft, field)[keep] for field in NODE_FIELDS},
        u=number[thinned.u],
        v=number[thinned.v],
    )


def degrees(draft: Draft) -> IntArray:
    """How many street ends meet at every node."""
    n = len(draft.x)
    return (np.bincount(draft.u, minlength=n) + np.bincount(draft.v, minlength=n)).astype(np.int64)


def tidy(draft: Draft) -> Draft:
    """Without loops, doubled streets (the first stays) and nodes that no street reaches."""
    low, high = np.minimum(draft.u, draft.v), np.maximum(draft.u, draft.v)
    first = np.zeros(len(low), dtype=np.bool_)
    first[np.unique(low * len(draft.x) + high, return_index=True)[1]] = True
    single = keep_edges(draft, first & (low != high))
    return keep_nodes(single, degrees(single) > 0)


def component_labels(draft: Draft) -> tuple[IntArray, IntArray]:
    """The connected part of every node, and the number of nodes of every part."""
    n = len(draft.x)
    graph = coo_matrix((np.ones(len(draft.u), dtype=np.int8), (draft.u, draft.v)), shape=(n, n))
    label = connected_components(graph, directed=False)[1].astype(np.int64)
    return label, np.bincount(label).astype(np.int64)
