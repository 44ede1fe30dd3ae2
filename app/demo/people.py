"""Population cells (H3, resolution 9) whose people, spread along the streets, give every town its figure exactly.

The weights come first: a cell gets people by the length of its frontage, by how crowded its towns are, and by chance.
Then the cells are fitted. People of a cell are spread over its frontage, and a cell on a town border feeds both
towns, so the town totals are linear in the cells: an iterative proportional fit comes close, and the cells that lie
wholly in one town take up what is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from app.demo.plane import BoolArray, FloatArray, IntArray
from app.demo.spec import CitySpec
from app.errors import DomainError

PART_PEOPLE = 9
FIT_ROUNDS = 60
TOLERANCE = 1e-9  # relative, of every town's figure


class FitFailed(DomainError):
    """Town totals cannot be met by these cells."""

    code = "demo_fit_failed"

    def __init__(self, town: str) -> None:
        super().__init__(
            f"演示城市:{town} 的人口无法分配到路网。请换一个 seed 或更大的 node_target。",
            f"demonstration city: the people of {town} cannot be placed along its streets; "
            "choose another seed or a larger node_target",
        )


@dataclass(frozen=True)
class CellFrontage:
    """Metres of frontage by cell and town: ``cells`` (H3, int64, ascending), ``metres`` (cells × towns, sparse)."""

    cells: IntArray
    metres: csr_matrix


@dataclass(frozen=True)
class RemoteCells:
    """Cells without frontage that get people all the same: cell, town, people."""

    cells: IntArray
    town: IntArray
    people: FloatArray


def _weights(spec: CitySpec, frontage: CellFrontage, town_people: FloatArray) -> FloatArray:
    """People of every cell before the fit."""
    rng = spec.generator(PART_PEOPLE)
    town_metres = np.asarray(frontage.metres.sum(axis=0)).ravel()
    per_metre = np.divide(town_people, town_metres, out=np.zeros_like(town_people), where=town_metres > 0)
    expected = np.asarray(frontage.metres @ per_metre).ravel()
    metres = np.asarray(frontage.metres.sum(axis=1)).ravel()
    # a road through open country has few houses, a mesh of lanes many storeys
    dense = np.clip(metres / 1_500.0, 0.02, 1.2) ** 0.6
    return expected * dense * rng.lognormal(0.0, 0.28, len(expected))


def fit(weights: FloatArray, frontage: CellFrontage, town_people: FloatArray, town_names: list[str]) -> FloatArray:
    """People of every cell so that every town gets its figure to 1e-9 relative; raises FitFailed."""
    metres = frontage.metres
    total = np.asarray(metres.sum(axis=1)).ravel()
    share = csr_matrix(metres.multiply(1.0 / total[:, None]))
    parts = np.diff(share.indptr)
    people = weights.copy()
    back = csr_matrix(share.T)
    for _ in range(FIT_ROUNDS):
        got = np.asarray(back @ people).ravel()
        factor = np.divide(town_people, got, out=np.zeros(len(town_people)), where=got > 0)
        people *= np.asarray(share @ factor).ravel()
    whole = parts == 1
    town = np.full(len(people), -1, dtype=np.int64)
    town[whole] = share.indices[share.indptr[:-1][whole]]
    inner = np.bincount(town[whole], weights=people[whole], minlength=len(town_people))
    across = np.asarray(back @ np.where(whole, 0.0, people)).ravel()
    factor = np.divide(town_people - across, inner, out=np.zeros(len(town_people)), where=inner > 0)
    people[whole] *= np.maximum(factor, 0.0)[town[whole]]
    miss = np.abs(np.asarray(back @ people).ravel() - town_people) / town_people
    if miss.max() > TOLERANCE:
        raise FitFailed(town_names[int(miss.argmax())])
    return people


def cell_people(
    spec: CitySpec,
    frontage: CellFrontage,
    remote: RemoteCells,
    town_people: FloatArray,
    town_names: list[str],
) -> tuple[IntArray, FloatArray]:
    """All population cells (ascending) and their people; people of remote cells count to their town's figure."""
    along = town_people - np.bincount(remote.town, weights=remote.people, minlength=len(town_people))
    people = fit(_weights(spec, frontage, along), frontage, along, town_names)
    cells = np.concatenate([frontage.cells, remote.cells])
    everyone = np.concatenate([people, remote.people])
    inhabited: BoolArray = everyone > 0
    order = np.argsort(cells[inhabited], kind="stable")
    return cells[inhabited][order], everyone[inhabited][order]
