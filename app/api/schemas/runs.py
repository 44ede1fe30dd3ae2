"""Coverage runs in answers: figures, and what they came from."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from app.api.language import Language
from app.api.method import PROFILE_TEXT, SPEED_TEXT, ProfileName
from app.api.schemas.common import Notice, NoticeField, Profile
from app.api.schemas.coverage import COVERED, OFF_NETWORK, RATE, UNCOVERED
from app.models import CoverageAreaResult, CoverageRun
from app.models.vocabularies import AreaLevel, DatasetKind, StationType
from app.services.profiles import MAX_SPEED_KMH, MIN_SPEED_KMH
from app.services.run_reads import RunDataset, RunView

SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class NewCoverageRun(BaseModel):
    """What to compute, as in `GET /v1/coverage`. 要计算的覆盖"""

    model_config = ConfigDict(extra="forbid")

    minutes: float = Field(
        default=15.0, gt=0, le=60, allow_inf_nan=False, description="步行分钟数,含此值 · Inclusive", examples=[15.0]
    )
    profile: ProfileName = Field(default="adult", description=PROFILE_TEXT, examples=["adult"])
    speed_kmh: float | None = Field(
        default=None, ge=MIN_SPEED_KMH, le=MAX_SPEED_KMH, allow_inf_nan=False, description=SPEED_TEXT, examples=[None]
    )
    as_of: date | None = Field(
        default=None, description="哪一天开放的站点;默认今天 · Stations open on that day; today by default",
        examples=["2026-11-24"],
    )  # fmt: skip
    known_at: AwareDatetime | None = Field(
        default=None, description="以当时所知为准,带时区;默认现在 · As was known then; now by default", examples=[None]
    )
    station_types: list[StationType] = Field(
        default=[], max_length=20, description="空为全部类型 · Empty: all types", examples=[[]]
    )


class RunSummary(BaseModel):
    """A run, in short. 运行"""

    id: str = Field(description="输入、参数与方法的校验和 · A hash of inputs, parameters and method",
                    examples=["3f6c1f0a9b2d4e57"])  # fmt: skip
    created_at: datetime = Field(examples=["2026-11-25T02:00:00Z"])
    method_version: str = Field(examples=["1"])
    minutes: float = Field(examples=[15.0])
    profile: Profile
    as_of: date = Field(examples=["2026-11-24"])
    known_at: datetime | None = Field(
        description="所问的时点,null 为运行之时 · The moment asked about; null: when it was made", examples=[None]
    )
    station_types: list[StationType] = Field(examples=[[]])
    results_sha256: str = Field(description="结果的校验和 · Of the figures", examples=[SHA256])
    synthetic: bool = Field(description="含合成数据 · Computed from generated data", examples=[True])

    @classmethod
    def of(cls, run: CoverageRun) -> RunSummary:
        return cls(**_summary(run))


class RunDatasetOut(BaseModel):
    """A dataset that a run was computed from; what is null is no longer known: the dataset was dropped."""

    id: int = Field(examples=[4])
    kind: DatasetKind = Field(examples=["stations"])
    name: str = Field(examples=["演示站点"])
    sha256: str = Field(examples=[SHA256])
    source: str | None = Field(examples=["skillsmap demo"])
    licence: str | None = Field(examples=["CC0-1.0"])
    vintage: str | None = Field(examples=["2025"])
    synthetic: bool | None = Field(examples=[True])
    imported_at: datetime | None = Field(examples=["2026-11-24T14:09:34Z"])
    is_current: bool | None = Field(description="是否仍现用 · Is it still used?", examples=[True])

    @classmethod
    def of(cls, held: RunDataset) -> RunDatasetOut:
        names = ("source", "licence", "vintage", "synthetic", "imported_at", "is_current")
        known = {name: getattr(held.held, name) if held.held is not None else None for name in names}
        return cls(id=held.id, kind=DatasetKind(held.kind), name=held.name, sha256=held.sha256, **known)


class RunRow(BaseModel):
    """An area as it was computed. ``covered + uncovered + off_network = population``."""

    code: str = Field(examples=["440106"])
    level: AreaLevel = Field(examples=["district"])
    name: str = Field(examples=["天河区"])
    population: int = Field(description="居民 · Residents", examples=[118000])
    covered: int = Field(description=COVERED, examples=[96000])
    uncovered: int = Field(description=UNCOVERED, examples=[21500])
    off_network: int = Field(description=OFF_NETWORK, examples=[500])
    rate: float | None = Field(description=RATE, examples=[0.813559])
    median_walk_minutes: float | None = Field(examples=[9.25])
    stations: int = Field(examples=[3])

    @classmethod
    def of(cls, row: CoverageAreaResult) -> RunRow:
        names = [name for name in cls.model_fields if name != "code"]
        return cls(code=row.area_code, **{name: getattr(row, name) for name in names})


class RunInputs(BaseModel):
    """What a run was computed from."""

    layers: dict[str, str] = Field(
        description="各图层内容的校验和 · Hash of every layer's content", examples=[{"network": SHA256}]
    )
    datasets: list[RunDatasetOut]


class RunOut(RunSummary):
    """A run with what it was computed from, by which software, and its figures by area. 运行及其来历"""

    parameters: dict[str, Any] = Field(
        description="决定数字的全部参数 · All that shapes the figures",
        examples=[{"minutes": 15.0, "snap_limit_m": 500.0}],
    )
    inputs: RunInputs
    software: dict[str, str] | None = Field(
        description="软件版本;更早的运行为 null · Versions; null for runs of before they were kept",
        examples=[{"skillsmap": "0.1.0", "postgis": "3.5.0"}],
    )
    cells: int = Field(description="保存的格数 · Cells that are kept", examples=[9216])
    rows: list[RunRow] = Field(description="市、区、镇街,按代码 · City, districts, towns, by code")
    data_notice: Notice | None = NoticeField

    @classmethod
    def told(cls, view: RunView, language: Language) -> RunOut:
        inputs = RunInputs(
            layers=view.run.inputs["layers"], datasets=[RunDatasetOut.of(held) for held in view.datasets]
        )
        return cls(
            **_summary(view.run), parameters=view.run.parameters, inputs=inputs, software=view.run.software,
            cells=view.cells, rows=[RunRow.of(row) for row in view.areas],
            data_notice=Notice.of(view.notice, language),
        )  # fmt: skip


class RunList(BaseModel):
    """A page, newest first."""

    next_cursor: str | None = Field(examples=[None])
    runs: list[RunSummary]
    data_notice: Notice | None = NoticeField


def _summary(run: CoverageRun) -> dict[str, Any]:
    held = run.parameters
    return {
        "id": run.id, "created_at": run.created_at, "method_version": run.method_version, "minutes": run.minutes,
        "profile": Profile(name=run.profile, speed_kmh=held["speed_kmh"], step_free=held["step_free"]),
        "as_of": held["as_of"], "known_at": run.known_at, "station_types": held["station_types"],
        "results_sha256": run.results_sha256, "synthetic": run.synthetic,
    }  # fmt: skip
