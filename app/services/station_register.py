"""Reading the ledger of stations: full records within an officer's scope, and what is still missing of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.errors import NotFound
from app.models.vocabularies import AreaLevel, Role
from app.repositories import areas as area_repo
from app.repositories import datasets as dataset_repo
from app.repositories import station_records as repo
from app.repositories.station_records import KeptRecord
from app.repositories.stations import StationFilter, station_codes
from app.services.actors import Actor
from app.services.station_reads import check_area
from app.services.suggestions import unknown_code

# what a station has to publish or to have on record (§2.4, §4.1 and §4.3 of the plan)
ASKED_FOR = (
    "address", "batch", "host_organisation", "operator_organisation", "operating_mode", "training_mode",
    "target_groups", "opening_hours", "phone", "complaint_channel", "published_rules", "published_workflow",
    "published_norms", "published_services", "signage_met", "service_met", "training_met", "staff_count",
    "staff_trained_count", "seats", "accessible_entrance",
)  # fmt: skip


@dataclass(frozen=True)
class LedgerStation:
    """One record with the names of its areas; ``missing`` fields are asked for by the plan and empty."""

    kept: KeptRecord
    district_name: str | None
    town_name: str | None
    missing: tuple[str, ...]
    synthetic: bool

    @property
    def staff_trained_rate(self) -> float | None:
        """岗前培训率, 0 to 1; None while nobody is on record."""
        staff, trained = self.kept.values["staff_count"], self.kept.values["staff_trained_count"]
        return None if not staff or trained is None else round(trained / staff, 4)


@dataclass(frozen=True)
class LedgerPage:
    """A page: ``total`` counts the whole list; the next page begins after ``last_code``, None on the last one."""

    stations: list[LedgerStation]
    total: int
    last_code: str | None


def list_ledger(
    session: Session, actor: Actor, wanted: StationFilter, *, batch: int | None, after_code: str | None, limit: int
) -> LedgerPage:
    """Stations in the actor's scope by code. Raises InvalidInput for a district or town that there is not."""
    actor.require(Role.VIEWER)
    for field, level, code in (
        ("district", AreaLevel.DISTRICT, wanted.district_code),
        ("town", AreaLevel.TOWN, wanted.town_code),
    ):
        if code is not None:
            check_area(session, field, level, code)
    more = () if batch is None else (repo.in_batch(batch),)
    rows = repo.list_records(session, actor.scope, wanted, more, after_code=after_code, limit=limit + 1)
    held = rows[:limit]
    return LedgerPage(
        stations=_shown(session, held),
        total=repo.count_records(session, actor.scope, wanted, more),
        last_code=held[-1].code if len(rows) > limit else None,
    )


def get_ledger_station(session: Session, actor: Actor, code: str) -> LedgerStation:
    """One station. Raises NotFound with codes that look like it, OutOfScope for one elsewhere."""
    actor.require(Role.VIEWER)
    kept = repo.records_of_codes(session, [code]).get(code)
    if kept is None:
        item = unknown_code(
            "code",
            code,
            station_codes(session),
            "站点",
            "station",
            "用 /v1/stations?q= 查找",
            "look with /v1/stations?q=",
        )
        raise NotFound(f"没有编号为 {code} 的站点。", f"There is no station {code}.", errors=[item])
    actor.require_area(kept.district_code, kept.town_code, field="code", value=code)
    return _shown(session, [kept])[0]


def _shown(session: Session, rows: Sequence[KeptRecord]) -> list[LedgerStation]:
    codes = {code for row in rows for code in (row.district_code, row.town_code) if code is not None}
    names = area_repo.names_of_codes(session, codes) if codes else {}
    synthetic = dataset_repo.synthetic_ids(session)
    return [
        LedgerStation(
            kept=row,
            district_name=names.get(row.district_code or ""),
            town_name=names.get(row.town_code or ""),
            missing=tuple(name for name in ASKED_FOR if row.values[name] in (None, "", [])),
            synthetic=row.dataset_id in synthetic,
        )
        for row in rows
    ]
