"""Coverage runs: a figure that names its inputs, its parameters and its method."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, DateTime, Double, ForeignKey, Index, Integer, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class CoverageRun(Base):
    """``id`` is a hash of inputs, parameters and method version: the same inputs give the same run."""

    __tablename__ = "coverage_runs"
    __table_args__ = (Index("ix_coverage_runs_created_at", "created_at", "id"),)

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    method_version: Mapped[str] = mapped_column(Text)
    minutes: Mapped[float] = mapped_column(Double)
    profile: Mapped[str] = mapped_column(Text)
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    inputs: Mapped[dict[str, Any]] = mapped_column(JSONB)  # layer -> content hash, and dataset -> sha256
    synthetic: Mapped[bool] = mapped_column(Boolean)
    results_sha256: Mapped[str] = mapped_column(Text)
    # the moment that was asked about, None: what was known when it was made. It shapes figures through stations alone
    known_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    software: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # name -> version; None for runs of before


class CoverageAreaResult(Base):
    __tablename__ = "coverage_area_results"

    run_id: Mapped[str] = mapped_column(ForeignKey("coverage_runs.id", ondelete="CASCADE"), primary_key=True)
    area_code: Mapped[str] = mapped_column(Text, primary_key=True)
    level: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    population: Mapped[int] = mapped_column(BigInteger)
    covered: Mapped[int] = mapped_column(BigInteger)
    uncovered: Mapped[int] = mapped_column(BigInteger)
    off_network: Mapped[int] = mapped_column(BigInteger)
    rate: Mapped[float | None] = mapped_column(Double)
    median_walk_minutes: Mapped[float | None] = mapped_column(Double)
    stations: Mapped[int] = mapped_column(Integer)


class CoverageCellResult(Base):
    __tablename__ = "coverage_cell_results"

    run_id: Mapped[str] = mapped_column(ForeignKey("coverage_runs.id", ondelete="CASCADE"), primary_key=True)
    cell: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    population: Mapped[float] = mapped_column(Double)
    covered: Mapped[float] = mapped_column(Double)
    uncovered: Mapped[float] = mapped_column(Double)
    off_network: Mapped[float] = mapped_column(Double)
    nearest_station: Mapped[str | None] = mapped_column(Text)
    nearest_minutes: Mapped[float | None] = mapped_column(Double)
