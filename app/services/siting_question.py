"""What is asked of siting: how many stations, of which candidates, under which rules."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.errors import ErrorItem, InvalidInput
from app.services.coverage import CoverageQuery
from app.services.positions import Position

MAX_SITES = 500
MAX_CANDIDATES = 5_000
DEFAULT_CANDIDATES = 2_000
DEFAULT_SPACING_M = 300.0
MAX_TIME_LIMIT_S = 15.0


class Objective(StrEnum):
    """What is to be best."""

    PEOPLE = "people"
    FAIREST = "fairest"
    FEWEST = "fewest"


@dataclass(frozen=True)
class GivenCandidate:
    """A place that the caller proposes."""

    id: str
    name: str | None
    position: Position


@dataclass(frozen=True)
class Floor:
    """A district's due: at least ``sites`` of the chosen stand in it, or at least ``rate`` of its residents are covered
    (new and old stations together).
    """

    area: str
    sites: int | None = None
    rate: float | None = None


@dataclass(frozen=True)
class Weight:
    """People of an area count so many times; of nested areas the smallest one says."""

    area: str
    weight: float


@dataclass(frozen=True)
class SitingQuestion:
    """``candidates`` None: crossings, at most ``most_candidates``, no two within ``candidate_spacing_m``, only inside
    ``within``. ``stages`` are the numbers of stations year by year; ``target_rate`` goes with FEWEST.
    """

    coverage: CoverageQuery
    count: int | None = None
    objective: Objective = Objective.PEOPLE
    target_rate: float | None = None
    stages: tuple[int, ...] = ()
    candidates: tuple[GivenCandidate, ...] | None = None
    candidate_spacing_m: float = DEFAULT_SPACING_M
    most_candidates: int = DEFAULT_CANDIDATES
    within: str | None = None
    forced: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    spacing_m: float = 0.0
    station_spacing_m: float = 0.0
    floors: tuple[Floor, ...] = ()
    weights: tuple[Weight, ...] = ()
    robustness: bool = False  # it shapes no choice

    def __post_init__(self) -> None:
        faults = [*self._faults_of_count(), *self._faults_of_lists()]
        if faults:
            raise InvalidInput("选址的条件有误。", "What is asked of siting is wrong.", errors=faults)

    @property
    def sites(self) -> int:
        """How many are to be chosen; 0 with FEWEST."""
        return self.count if self.count is not None else sum(self.stages)

    def parameters(self) -> dict[str, Any]:
        """All that shapes the choice besides data and the walking method, for the run's id."""
        given = None if self.candidates is None else [(c.id, c.position.lng, c.position.lat) for c in self.candidates]
        return {
            "count": self.count, "objective": self.objective, "target_rate": self.target_rate,
            "stages": list(self.stages), "candidates": given, "candidate_spacing_m": self.candidate_spacing_m,
            "most_candidates": self.most_candidates, "within": self.within, "forced": sorted(self.forced),
            "forbidden": sorted(self.forbidden), "spacing_m": self.spacing_m,
            "station_spacing_m": self.station_spacing_m,
            "floors": sorted((f.area, f.sites or 0, f.rate or 0.0) for f in self.floors),
            "weights": sorted((w.area, w.weight) for w in self.weights),
        }  # fmt: skip

    def _faults_of_count(self) -> list[ErrorItem]:
        if self.objective is Objective.FEWEST:
            return self._faults_of_fewest()
        if self.target_rate is not None:
            return [
                ErrorItem(
                    "target_rate", "只用于 objective=fewest", "goes with objective fewest alone",
                    value=f"{self.target_rate:g}", remedy_zh="去掉 target_rate,或改 objective",
                    remedy_en="leave out target_rate, or change objective",
                )
            ]  # fmt: skip
        if self.count is None and not self.stages:
            return [
                ErrorItem(
                    "count", "没有说明新建几个", "how many is not said",
                    remedy_zh=f"写 count(1 至 {MAX_SITES}),或分年的 stages",
                    remedy_en=f"give count (1 to {MAX_SITES}), or stages by year",
                )
            ]  # fmt: skip
        if self.count is not None and self.stages and sum(self.stages) != self.count:
            return [
                ErrorItem(
                    "stages", "各年之和不等于 count", "do not add up to count",
                    value=" + ".join(str(n) for n in self.stages),
                    remedy_zh=f"使其和为 {self.count},或去掉 count", remedy_en=f"add up to {self.count}, or no count",
                )
            ]  # fmt: skip
        if self.sites > MAX_SITES:
            return [
                ErrorItem(
                    "stages", "合计太多", "are too many in all", value=str(self.sites),
                    remedy_zh=f"合计至多 {MAX_SITES}", remedy_en=f"at most {MAX_SITES} in all",
                )
            ]  # fmt: skip
        return []

    def _faults_of_fewest(self) -> list[ErrorItem]:
        remedy = ("objective=fewest 只配 target_rate", "with objective fewest, give target_rate instead")
        faults = [
            ErrorItem(
                name, "与 objective=fewest 不相容", "does not go with objective fewest", value=value,
                remedy_zh=remedy[0], remedy_en=remedy[1],
            )
            for name, value in (
                ("count", None if self.count is None else str(self.count)),
                ("stages", " + ".join(str(n) for n in self.stages) or None),
                ("weights", ", ".join(w.area for w in self.weights) or None),
            )
            if value is not None
        ]  # fmt: skip
        if self.target_rate is None:
            faults.append(
                ErrorItem(
                    "target_rate", "缺少", "is missing", remedy_zh="写要达到的覆盖率,如 0.8",
                    remedy_en="give the rate to reach, such as 0.8",
                )
            )  # fmt: skip
        return faults

    def _faults_of_lists(self) -> list[ErrorItem]:
        faults = [
            ErrorItem(
                "forbidden", "同一地点既必选又禁选", "is forced as well", value=one,
                remedy_zh="从 forced 或 forbidden 中去掉它", remedy_en="take it out of forced or of forbidden",
            )
            for one in sorted(set(self.forced) & set(self.forbidden))
        ]  # fmt: skip
        for k, floor in enumerate(self.floors):
            if (floor.sites is None) == (floor.rate is None):
                faults.append(
                    ErrorItem(
                        f"floors[{k}]", "sites 与 rate 须恰有其一", "needs either sites or rate", value=floor.area,
                        remedy_zh="至少几个写 sites,至少多大覆盖率写 rate",
                        remedy_en="give sites (at least so many) or rate (at least so much covered)",
                    )
                )  # fmt: skip
        said = [(w.area, "weights") for w in self.weights]
        said += [(f"{f.area} {'sites' if f.sites is not None else 'rate'}", "floors") for f in self.floors]
        faults += [
            ErrorItem(
                name, "同一区划写了两次", "has the same area twice", value=one,
                remedy_zh="只保留一个", remedy_en="keep one of them",
            )
            for one, name in sorted(set(said))
            if said.count((one, name)) > 1
        ]  # fmt: skip
        ids = [] if self.candidates is None else [c.id for c in self.candidates]
        seen: set[str] = set()
        for k, one in enumerate(ids):
            if one in seen:
                faults.append(
                    ErrorItem(
                        f"candidates[{k}].id", "与前面的重复", "comes twice", value=one,
                        remedy_zh="每个候选地点用不同的 id", remedy_en="give every candidate an id of its own",
                    )
                )  # fmt: skip
            seen.add(one)
        if self.robustness and self.objective is not Objective.PEOPLE:
            faults.append(
                ErrorItem(
                    "robustness", "只用于 objective=people", "goes with objective people alone", value=self.objective,
                    remedy_zh="去掉 robustness,或改 objective", remedy_en="leave out robustness, or change objective",
                )
            )  # fmt: skip
        if self.candidates is not None and self.within is not None:
            faults.append(
                ErrorItem(
                    "within", "只用于自动生成的候选地点", "is for generated candidates", value=self.within,
                    remedy_zh="去掉 within,或去掉 candidates", remedy_en="leave out within, or candidates",
                )
            )  # fmt: skip
        return faults
