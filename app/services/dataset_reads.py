"""Datasets as answers need them: what they are, what is missing, and what has to be said about them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from app.errors import ErrorItem, NotFound
from app.models import Dataset
from app.models.vocabularies import AreaLevel, BoundaryKind, DatasetKind, DatasetRole
from app.repositories import areas as area_repo
from app.repositories import datasets as dataset_repo
from app.repositories import stations as station_repo
from app.repositories.stations import Moment

if TYPE_CHECKING:
    from app.services.snapshot import Snapshot

MAX_ID = 2**31 - 1


@dataclass(frozen=True)
class DatasetView:
    """One dataset; ``report`` and ``parameters`` are as the importer wrote them."""

    id: int
    kind: DatasetKind
    level: AreaLevel | None
    name: str
    source: str
    licence: str
    vintage: str
    sha256: str
    synthetic: bool
    is_current: bool
    role: DatasetRole
    notes: str | None
    parameters: dict[str, Any]
    report: dict[str, Any]
    imported_at: datetime


@dataclass(frozen=True)
class NoticeSource:
    """A dataset that a notice names. ``inexact`` means outlines that are approximate or synthetic."""

    id: int
    kind: DatasetKind
    level: AreaLevel | None
    name: str
    synthetic: bool
    inexact: bool


@dataclass(frozen=True)
class DataNotice:
    """What has to be said beside an answer. ``synthetic``: at least part of the data was generated, not observed."""

    synthetic: bool
    message_zh: str
    message_en: str
    datasets: tuple[NoticeSource, ...]


def list_datasets(session: Session, *, current_only: bool = True) -> list[DatasetView]:
    """Datasets, oldest first; without ``current_only`` also those that others have taken the place of."""
    return [_view(dataset) for dataset in dataset_repo.list_datasets(session, current_only=current_only)]


def get_dataset(session: Session, dataset_id: int) -> DatasetView:
    """One dataset. Raises NotFound, naming those that there are."""
    dataset = dataset_repo.get_dataset(session, dataset_id) if 0 < dataset_id <= MAX_ID else None
    if dataset is not None:
        return _view(dataset)
    known = [str(one.id) for one in dataset_repo.list_datasets(session)]
    raise NotFound(
        f"没有编号为 {dataset_id} 的数据集。",
        f"There is no dataset {dataset_id}.",
        errors=[
            ErrorItem(
                "id", "未知的数据集", "unknown dataset", value=str(dataset_id),
                remedy_zh=f"现用数据集:{'、'.join(known) or '无'}",
                remedy_en=f"current ones: {', '.join(known) or 'none'}",
            )
        ],
    )  # fmt: skip


def missing_kinds(session: Session) -> list[DatasetKind]:
    """The kinds of data that the service needs and that nobody has loaded yet."""
    present = {dataset.kind for dataset in dataset_repo.list_datasets(session)}
    return [kind for kind in DatasetKind if kind.value not in present]


def database_version(session: Session) -> str:
    """Names the state of the data in this transaction: which database, and the counter of every layer."""
    versions = sorted(dataset_repo.layer_versions(session).items())
    return ",".join([dataset_repo.database_identity(session), *(f"{layer}={version}" for layer, version in versions)])


def data_notice(
    session: Session, kinds: Collection[DatasetKind] | None = None, at: Moment | None = None
) -> DataNotice | None:
    """What to say beside an answer that is computed from these kinds of data (all of them when None).

    Of a moment, with the datasets that its stations come from, current or not.
    """
    return notice_of(notice_sources(session, at), kinds)


def notice_sources(session: Session, at: Moment | None = None) -> list[NoticeSource]:
    """The current main datasets as notices name them; an alternative shapes no figure that a notice stands beside."""
    inexact = area_repo.datasets_with_inexact_outlines(session)
    then = None if at is None else station_repo.dataset_ids(session, at)
    return [
        NoticeSource(
            d.id, DatasetKind(d.kind), AreaLevel(d.level) if d.level else None, d.name, d.synthetic, d.id in inexact
        )
        for d in dataset_repo.list_datasets(session, current_only=then is None)
        if d.role == DatasetRole.MAIN
        and (then is None or (d.id in then if d.kind == DatasetKind.STATIONS else d.is_current))
    ]


def sources_of_snapshot(snapshot: Snapshot) -> list[NoticeSource]:
    """The main datasets that a snapshot was made from, as notices name them."""
    alternatives = {source.dataset_id for source in snapshot.city.alternatives}
    inexact = {area.level for area in snapshot.areas.areas if area.boundary_kind != BoundaryKind.OFFICIAL}
    sources = []
    for d in snapshot.stations.datasets:
        if d.id in alternatives:
            continue
        kind, level = DatasetKind(d.kind), AreaLevel(d.level) if d.level else None
        # boundaries without a level hold all levels
        approximate = kind is DatasetKind.BOUNDARIES and (bool(inexact) if level is None else level in inexact)
        sources.append(NoticeSource(d.id, kind, level, d.name, d.synthetic, approximate))
    return sources


def imported_after(session: Session, known_at: datetime | None, kinds: Collection[DatasetKind]) -> list[DatasetKind]:
    """The kinds of data, besides stations, that were imported after a moment: they are not those of then."""
    if known_at is None:
        return []
    late = {d.kind for d in dataset_repo.list_datasets(session) if d.imported_at > known_at}
    return [kind for kind in kinds if kind.value in late and kind is not DatasetKind.STATIONS]


def has_stations(session: Session, at: Moment) -> bool:
    """Was any station on record at a moment?"""
    return bool(station_repo.dataset_ids(session, at))


def notice_of(sources: Sequence[NoticeSource], kinds: Collection[DatasetKind] | None = None) -> DataNotice | None:
    """The notice for an answer from these datasets; None when all of them are observed and their outlines official."""
    used = [s for s in sources if kinds is None or s.kind in kinds]
    generated = [s for s in used if s.synthetic]
    inexact = [s for s in used if s.inexact and not s.synthetic]
    if not generated and not inexact:
        return None
    zh, en = [], []
    if generated:
        zh.append(f"含合成数据({_kinds_zh(generated)}),仅供演示,不反映真实情况,不得作为依据。")
        en.append(f"Contains synthetic data ({_kinds_en(generated)}): for demonstration only, not the real situation.")
    if inexact:
        zh.append(f"部分界线为近似界线({_kinds_zh(inexact)}),按区划统计的数字也是近似的。")
        en.append(f"Some outlines are approximate ({_kinds_en(inexact)}); figures by area are approximate too.")
    return DataNotice(bool(generated), "".join(zh), " ".join(en), (*generated, *inexact))


def _kinds_zh(sources: Sequence[NoticeSource]) -> str:
    titles = [s.kind.title_zh + (f"({s.level.title_zh})" if s.level else "") for s in sources]
    return "、".join(dict.fromkeys(titles))


def _kinds_en(sources: Sequence[NoticeSource]) -> str:
    titles = [s.kind.title_en.lower() + (f" of level {s.level.value}" if s.level else "") for s in sources]
    return ", ".join(dict.fromkeys(titles))


def _view(dataset: Dataset) -> DatasetView:
    return DatasetView(
        id=dataset.id, kind=DatasetKind(dataset.kind), level=AreaLevel(dataset.level) if dataset.level else None,
        name=dataset.name, source=dataset.source, licence=dataset.licence, vintage=dataset.vintage,
        sha256=dataset.sha256, synthetic=dataset.synthetic, is_current=dataset.is_current,
        role=DatasetRole(dataset.role), notes=dataset.notes, parameters=dataset.parameters,
        report=dataset.report, imported_at=dataset.imported_at,
    )  # fmt: skip
