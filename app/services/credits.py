"""Gains and losses by station in whole people that add up to the difference of two coverages, area by area."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.geo.arrays import FloatArray, IntArray
from app.services.area_table import AreaTable, apportion


@dataclass(frozen=True)
class WholeCredits:
    """Whole people by leaf area (rows) and origin (columns): gained by origins of after, lost by those of before.

    In every leaf all gained less all lost is the difference of the whole people covered.
    """

    gained: IntArray
    lost: IntArray

    def in_areas(self, table: AreaTable, codes: Sequence[str]) -> tuple[list[int], list[int]]:
        """People gained and lost by origin, in some areas that do not overlap."""
        gained, lost = (
            table.sum_leaves(codes, side).reshape(len(codes), side.shape[1]).sum(axis=0).astype(np.int64).tolist()
            for side in (self.gained, self.lost)
        )
        return gained, lost


def whole_credits(before: IntArray, after: IntArray, gained: FloatArray, lost: FloatArray) -> WholeCredits:
    """``before`` and ``after`` are covered people by leaf, whole; ``gained`` and ``lost`` as ``credited`` has them.

    The sums of a leaf are rounded so that their difference is the leaf's; then each is apportioned to the stations
    (largest remainder). Where nobody at all was gained, or lost, none is.
    """
    change = after - before
    all_gained, all_lost = gained.sum(axis=1), lost.sum(axis=1)
    up = np.maximum(np.round(all_gained).astype(np.int64), np.maximum(change, 0))
    up = np.where(all_lost == 0, np.maximum(change, 0), up)
    up = np.where(all_gained == 0, 0, up)
    return WholeCredits(_shared_out(gained, up), _shared_out(lost, up - change))


def _shared_out(exact: FloatArray, totals: IntArray) -> IntArray:
    """Every row's total in whole people, in proportion to what each column has."""
    whole = np.zeros(exact.shape, dtype=np.int64)
    for row in np.flatnonzero(totals).tolist():
        some = np.flatnonzero(exact[row])
        whole[row, some] = apportion(exact[row, some] * (totals[row] / exact[row, some].sum()), int(totals[row]))
    return whole
