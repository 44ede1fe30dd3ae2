"""Population cells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.models import PopulationCell
from app.repositories.bulk import copy_in


def insert_cells(session: Session, dataset_id: int, cells: npt.NDArray[Any], people: npt.NDArray[Any]) -> None:
    """Write the cells of a dataset."""

    def values() -> Iterator[tuple[object, ...]]:
        for cell, count in zip(cells.tolist(), people.tolist(), strict=True):
            yield dataset_id, cell, count

    copy_in(session, "population_cells", ("dataset_id", "cell", "people"), values())


def delete_cells(session: Session, dataset_ids: list[int]) -> None:
    """Remove the cells of datasets."""
    if dataset_ids:
        session.execute(delete(PopulationCell).where(PopulationCell.dataset_id.in_(dataset_ids)))


def read_cells(session: Session, dataset_id: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Cells (ascending) and people of one dataset."""
    query = select(PopulationCell.cell, PopulationCell.people).where(PopulationCell.dataset_id == dataset_id)
    rows = session.execute(query.order_by(PopulationCell.cell)).all()
    return np.array([r.cell for r in rows], dtype=np.int64), np.array([r.people for r in rows], dtype=np.float64)
