"""Datasets, and the versions of the layers they fill."""

from __future__ import annotations

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from app.models import DatabaseIdentity, Dataset, LayerVersion
from app.models.vocabularies import DatasetRole

LOAD_LOCK = 0x5C_1115_AD  # any constant of our own; loads into one database wait for one another


def lock_for_loading(session: Session) -> None:
    """Let loads into one database follow one another; held until the transaction ends."""
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOAD_LOCK})


def list_datasets(session: Session, *, current_only: bool = True) -> list[Dataset]:
    """Datasets of both roles, oldest first."""
    query = select(Dataset).order_by(Dataset.id)
    if current_only:
        query = query.where(Dataset.is_current)
    return list(session.scalars(query))


def find_current(session: Session, kind: str, *, level: str | None = None, sha256: str | None = None) -> list[Dataset]:
    """Current main datasets of a kind, newest first."""
    query = select(Dataset).where(Dataset.kind == kind, Dataset.is_current, Dataset.role == DatasetRole.MAIN)
    query = query.order_by(Dataset.id.desc())
    if level is not None:
        query = query.where(Dataset.level == level)
    if sha256 is not None:
        query = query.where(Dataset.sha256 == sha256)
    return list(session.scalars(query))


def find_alternatives(session: Session, kind: str) -> list[Dataset]:
    """Current alternatives to the main dataset of a kind, oldest first."""
    query = select(Dataset).where(Dataset.kind == kind, Dataset.is_current, Dataset.role == DatasetRole.ALTERNATIVE)
    return list(session.scalars(query.order_by(Dataset.id)))


def get_dataset(session: Session, dataset_id: int) -> Dataset | None:
    return session.get(Dataset, dataset_id)


def synthetic_ids(session: Session) -> set[int]:
    """Datasets, current or not, that were generated rather than observed."""
    return set(session.scalars(select(Dataset.id).where(Dataset.synthetic)))


def add_dataset(session: Session, dataset: Dataset) -> int:
    """Write a dataset row; its id."""
    session.add(dataset)
    session.flush()
    return dataset.id


def retire(session: Session, ids: list[int]) -> None:
    """Datasets that are no longer what answers are computed from."""
    if ids:
        session.execute(update(Dataset).where(Dataset.id.in_(ids)).values(is_current=False))


def layer_versions(session: Session) -> dict[str, int]:
    """The counter of every layer that was ever written."""
    return {row.layer: row.version for row in session.scalars(select(LayerVersion))}


def database_identity(session: Session) -> str:
    """The id that was drawn when this database was made."""
    return str(session.scalars(select(DatabaseIdentity.id)).one())
