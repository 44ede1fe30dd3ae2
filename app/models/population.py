"""Population on H3 cells."""

from __future__ import annotations

from sqlalchemy import BigInteger, Double, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class PopulationCell(Base):
    """Residents of one H3 cell. All cells of a dataset have one resolution."""

    __tablename__ = "population_cells"

    dataset_id: Mapped[int] = mapped_column(ForeignKey("datasets.id"), primary_key=True)
    cell: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    people: Mapped[float] = mapped_column(Double)
