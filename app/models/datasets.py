"""Datasets: where every row came from; and the versions that tell workers that something changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, DateTime, Identity, Index, Integer, Text, Uuid, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Dataset(Base):
    """One imported file, or one generated set. Rows of the data tables point here."""

    __tablename__ = "datasets"
    __table_args__ = (
        # at most one main dataset of a kind (and, for boundaries, of a level) is current; stations merge and may have
        # many; population may have current alternatives beside its main one
        Index("ix_datasets_kind_is_current", "kind", "is_current"),
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    kind: Mapped[str] = mapped_column(Text)  # DatasetKind
    level: Mapped[str | None] = mapped_column(Text)  # AreaLevel, for boundaries
    name: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    licence: Mapped[str] = mapped_column(Text)
    vintage: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(Text)
    synthetic: Mapped[bool] = mapped_column(Boolean)
    is_current: Mapped[bool] = mapped_column(Boolean)
    role: Mapped[str] = mapped_column(Text, server_default="main")  # DatasetRole
    notes: Mapped[str | None] = mapped_column(Text)
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)  # importer options that shape the rows
    report: Mapped[dict[str, Any]] = mapped_column(JSONB)  # counts and totals: read, kept, outside, refused, …
    imported_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class LayerVersion(Base):
    """A counter per data layer, raised by a statement trigger on its tables (see the migration)."""

    __tablename__ = "layer_versions"

    layer: Mapped[str] = mapped_column(Text, primary_key=True)  # boundaries, network, population, stations
    version: Mapped[int] = mapped_column(BigInteger)
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class DatabaseIdentity(Base):
    """One row, made with the database: tells two databases with equal counters apart."""

    __tablename__ = "database_identity"

    id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
