"""The rules of a siting question over its candidates, each by the name it was given under."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.errors import ErrorItem, InvalidInput, RulesConflict
from app.geo.arrays import BoolArray, FloatArray, Int32Array
from app.geo.siting import Rules
from app.geo.siting_feasible import Undecided, any_choice, irreducible
from app.geo.siting_model import CoverModel
from app.geo.siting_places import neighbour_rows, too_near
from app.models.vocabularies import AreaLevel
from app.services.area_table import AreaInfo
from app.services.siting_candidates import Candidates
from app.services.siting_question import Floor, SitingQuestion
from app.services.snapshot import Snapshot

CONFLICT_S = 20.0  # in all, to find which rules cannot hold together
ONE_TEST_S = 5.0


@dataclass(frozen=True)
class Districts:
    """The districts by number, as groups of the model; the last group has no district. Figures by group."""

    areas: list[AreaInfo]
    of_leaf: Int32Array
    population: FloatArray
    covered: FloatArray

    @property
    def count(self) -> int:
        return len(self.areas) + 1

    def number_of(self, code: str) -> int | None:
        return next((k for k, area in enumerate(self.areas) if area.code == code), None)

    @classmethod
    def of(cls, snapshot: Snapshot, population: FloatArray, covered: FloatArray) -> Districts:
        """Figures are by leaf area."""
        table = snapshot.areas
        areas = [area for area in table.areas if area.level is AreaLevel.DISTRICT]
        at = {area.code: k for k, area in enumerate(areas)}
        above = [table.ancestor(code, AreaLevel.DISTRICT) for code in table.leaf_codes]
        of_leaf = np.array([len(areas) if one is None else at[one.code] for one in above], dtype=np.int32)

        def by_group(figure: FloatArray) -> FloatArray:
            return np.bincount(of_leaf, weights=figure, minlength=len(areas) + 1).astype(np.float64)

        return cls(areas, of_leaf, by_group(population), by_group(covered))


@dataclass(frozen=True)
class NamedRule:
    """One rule: the field it came in, its value, and what it does to the rules."""

    field: str
    value: str
    title_zh: str
    title_en: str
    apply: Callable[[Rules], Rules]
    is_count: bool = False


class RuleBook:
    """All rules of a question. Raises InvalidInput, NotFound and RulesConflict for those that are wrong by themselves.

    ``stations`` are the positions of the open stations (WGS84).
    """

    def __init__(
        self, snapshot: Snapshot, question: SitingQuestion, candidates: Candidates, districts: Districts,
        stations: tuple[FloatArray, FloatArray],
    ) -> None:  # fmt: skip
        self.question, self.candidates, self.districts, self.stations = question, candidates, districts, stations
        leaf = candidates.leaf
        group = np.where(leaf >= 0, districts.of_leaf[np.maximum(leaf, 0)], -1) if len(districts.of_leaf) else leaf
        self.plain = replace(
            Rules.plain(len(candidates), districts.count, question.sites), site_group=group.astype(np.int32)
        )
        self.forced = candidates.numbers_of(question.forced, "forced")
        self.forbidden = candidates.numbers_of(question.forbidden, "forbidden")
        near, _ = too_near(candidates.lng, candidates.lat, question.station_spacing_m, stations)
        self.beside_station = np.zeros(len(candidates), dtype=np.bool_)
        self.beside_station[near] = True
        self.pairs = too_near(candidates.lng, candidates.lat, question.spacing_m)
        self._floors = [(floor, self._group_of(snapshot, k, floor)) for k, floor in enumerate(question.floors)]
        self._check()

    def rules(self, count: int | None = None) -> Rules:
        """All rules together; another number of places than was asked for, where ``count`` is given."""
        together = combined(self.plain, self.named())
        return together if count is None else replace(together, count=count)

    def named(self) -> list[NamedRule]:
        """One by one, in the order in which they were asked for."""
        question, ids = self.question, self.candidates.ids
        found = [
            NamedRule(
                "count", str(question.sites), "新建个数", "the number of stations", lambda rules: rules, is_count=True
            )
        ]  # fmt: skip
        for k in self.forced.tolist():
            found.append(NamedRule("forced", ids[k], "必选地点", "a forced site", _marking("forced", _only(k, ids))))
        if len(self.forbidden):
            barred = np.zeros(len(ids), dtype=np.bool_)
            barred[self.forbidden] = True
            told = ", ".join(question.forbidden[:5])
            found.append(NamedRule("forbidden", told, "禁选地点", "the forbidden sites", _marking("barred", barred)))
        if self.beside_station.any():
            found.append(
                NamedRule(
                    "station_spacing_m", f"{question.station_spacing_m:g}", "与现有站点的间距",
                    "the spacing to existing stations", _marking("barred", self.beside_station),
                )
            )  # fmt: skip
        if len(self.pairs[0]):
            near_ptr, near = neighbour_rows(*self.pairs, len(ids))
            found.append(
                NamedRule(
                    "spacing_m", f"{question.spacing_m:g}", "新建站点之间的间距", "the spacing between new stations",
                    lambda rules: replace(rules, near_ptr=near_ptr, near=near),
                )
            )  # fmt: skip
        return found + [self._floor_rule(k, floor, group) for k, (floor, group) in enumerate(self._floors)]

    def people_owed(self, floor: Floor, group: int) -> float:
        """How many people the new stations have to cover for a floor by rate."""
        return max(0.0, float((floor.rate or 0.0) * self.districts.population[group] - self.districts.covered[group]))

    def conflict(self, model: CoverModel) -> RulesConflict:
        """Which of the rules cannot hold together, although each of them could."""
        until = time.monotonic() + CONFLICT_S

        def is_possible(some: Sequence[NamedRule]) -> bool:
            if time.monotonic() > until:
                return True
            rules = combined(self.plain, some)
            any_count = not any(rule.is_count for rule in some)
            try:
                return any_choice(model, rules, time_limit_s=ONE_TEST_S, any_count=any_count) is not None
            except Undecided:
                return True  # not proven impossible without it, so it stays

        return conflict_of(irreducible(self.named(), is_possible))

    def _floor_rule(self, k: int, floor: Floor, group: int) -> NamedRule:
        area = self.districts.areas[group]
        if floor.sites is not None:
            sites = floor.sites

            def at_least(rules: Rules) -> Rules:
                least = rules.least_sites.copy()
                least[group] = max(least[group], sites)
                return replace(rules, least_sites=least)

            return NamedRule(
                f"floors[{k}].sites", f"{area.name} {sites}", f"{area.name}至少 {sites} 个",
                f"at least {sites} in {area.code}", at_least,
            )  # fmt: skip
        owed = self.people_owed(floor, group)

        def cover(rules: Rules) -> Rules:
            least = rules.least_people.copy()
            least[group] = max(least[group], owed)
            return replace(rules, least_people=least)

        return NamedRule(
            f"floors[{k}].rate", f"{area.name} {floor.rate:g}", f"{area.name}覆盖率至少 {floor.rate:.1%}",
            f"a rate of at least {floor.rate:.1%} in {area.code}", cover,
        )  # fmt: skip

    def _group_of(self, snapshot: Snapshot, k: int, floor: Floor) -> int:
        field = f"floors[{k}].area"
        snapshot.areas.get(floor.area, field)
        group = self.districts.number_of(floor.area)
        if group is None:
            item = ErrorItem(
                field, "不是区级区划", "is not a district", value=floor.area,
                remedy_zh="写区的代码(6 位),如 440106", remedy_en="give the code of a district, such as 440106",
            )  # fmt: skip
            raise InvalidInput("下限只能按区规定。", "Floors are by district.", errors=[item])
        return group

    def _check(self) -> None:
        """What can be told without a search. Raises InvalidInput and RulesConflict."""
        barred = self.beside_station.copy()
        barred[self.forbidden] = True
        available = int((~barred).sum())
        question, sites = self.question, self.question.sites
        if not available or sites > available:
            raise InvalidInput(
                "候选地点不够。", "There are not enough candidates.",
                errors=[
                    ErrorItem(
                        "stages" if question.count is None and question.stages else "count",
                        f"可选的候选地点只有 {available} 个", f"only {available} candidates may be chosen",
                        value=str(sites) if sites else None,
                        remedy_zh=f"至多 {available};或增加 candidates、most_candidates,减小间距,减少 forbidden",
                        remedy_en=f"at most {available}; or more candidates, less spacing, fewer forbidden",
                    )
                ],
            )  # fmt: skip
        items = [*self._faults_of_forced(barred), *self._faults_of_floors(barred)]
        if items:
            raise RulesConflict("所要求的条件不能同时满足。", "What is asked for cannot hold together.", errors=items)

    def _faults_of_forced(self, barred: BoolArray) -> list[ErrorItem]:
        ids, items = self.candidates.ids, []
        sites = self.question.sites
        if sites and len(self.forced) > sites:
            items.append(
                ErrorItem(
                    "forced", "必选地点多于新建个数", "are more than are to be chosen", value=str(len(self.forced)),
                    remedy_zh=f"至多 {sites} 个", remedy_en=f"at most {sites}",
                )
            )  # fmt: skip
        for k in self.forced[barred[self.forced]].tolist():
            items.append(
                ErrorItem(
                    "forced", "离现有站点太近", "is too near to an existing station", value=ids[k],
                    remedy_zh="去掉它,或减小 station_spacing_m", remedy_en="leave it out, or lower station_spacing_m",
                )
            )  # fmt: skip
        forced = set(self.forced.tolist())
        for a, b in zip(*(pair.tolist() for pair in self.pairs), strict=True):
            if a in forced and b in forced:
                items.append(
                    ErrorItem(
                        "forced", "两个必选地点之间小于 spacing_m", "has two sites nearer than spacing_m",
                        value=f"{ids[a]}, {ids[b]}", remedy_zh="去掉其一,或减小 spacing_m",
                        remedy_en="leave one out, or lower spacing_m",
                    )
                )  # fmt: skip
        return items

    def _faults_of_floors(self, barred: BoolArray) -> list[ErrorItem]:
        items, sites = [], self.question.sites
        owed = sum(floor.sites or 0 for floor, _ in self._floors)
        if sites and owed > sites:
            items.append(
                ErrorItem(
                    "floors", "各区下限之和多于新建个数", "ask for more than are to be chosen", value=str(owed),
                    remedy_zh=f"其和至多 {sites}", remedy_en=f"at most {sites} in all",
                )
            )  # fmt: skip
        for k, (floor, group) in enumerate(self._floors):
            there = int(((self.plain.site_group == group) & ~barred).sum())
            if floor.sites is not None and floor.sites > there:
                items.append(
                    ErrorItem(
                        f"floors[{k}].sites", f"该区可选的候选地点只有 {there} 个",
                        f"only {there} candidates may be chosen in this district", value=f"{floor.area} {floor.sites}",
                        remedy_zh=f"至多 {there},或增加该区的候选地点",
                        remedy_en=f"at most {there}, or more candidates there",
                    )
                )  # fmt: skip
        return items

    def check_rates(self, coverable: FloatArray) -> None:
        """``coverable`` are the people of every group whom some candidate that may be chosen covers.

        Raises RulesConflict for floors that all of them together do not reach.
        """
        items = []
        for k, (floor, group) in enumerate(self._floors):
            if floor.rate is None or self.people_owed(floor, group) <= coverable[group] * (1 + 1e-9):
                continue
            most = (self.districts.covered[group] + coverable[group]) / max(self.districts.population[group], 1e-9)
            items.append(
                ErrorItem(
                    f"floors[{k}].rate", "全部候选地点都建也达不到", "is not reached by all candidates together",
                    value=f"{floor.area} {floor.rate:g}", remedy_zh=f"至多 {most:.4f},或增加该区的候选地点",
                    remedy_en=f"at most {most:.4f}, or more candidates there",
                )
            )  # fmt: skip
        if items:
            raise RulesConflict("覆盖率下限无法达到。", "A floor of coverage cannot be reached.", errors=items)


def combined(plain: Rules, named: Sequence[NamedRule]) -> Rules:
    """Several rules as one."""
    rules = plain
    for rule in named:
        rules = rule.apply(rules)
    return rules


def conflict_of(rules: Sequence[NamedRule]) -> RulesConflict:
    """The problem that tells of rules which cannot hold together."""
    zh, en = "、".join(rule.title_zh for rule in rules), ", ".join(rule.title_en for rule in rules)
    return RulesConflict(
        f"以下条件不能同时满足,去掉或放宽任何一条即可:{zh}。",
        f"These cannot hold together; without any one of them the others can: {en}.",
        errors=[
            ErrorItem(
                rule.field, "与所列其他条件冲突", "is in conflict with the others listed", value=rule.value,
                remedy_zh="去掉或放宽所列条件之一", remedy_en="leave out or relax one of those listed",
            )
            for rule in rules
        ],
    )  # fmt: skip


def _only(k: int, ids: Sequence[str]) -> BoolArray:
    marked = np.zeros(len(ids), dtype=np.bool_)
    marked[k] = True
    return marked


def _marking(which: str, marked: BoolArray) -> Callable[[Rules], Rules]:
    return lambda rules: replace(rules, **{which: getattr(rules, which) | marked})
