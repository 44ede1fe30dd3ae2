"""The tables of a quarterly report in the reader's language: one list for sheet, page and JSON alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.api.language import Language
from app.geo.opening_hours import TIME_ZONE
from app.models.vocabularies import CourseKind, StationStatus, StationType, TargetGroup
from app.services.plausibility import WARNING_TITLES
from app.services.report_documents import AreaLine, QuarterlyReport, Share, Visits

Row = list[Any]


@dataclass(frozen=True)
class ReportTable:
    """A table with its headings; ``total`` is a last row that sums it up. ``name`` fits the tab of a sheet."""

    name: str
    title: str
    headings: list[str]
    rows: list[Row]
    total: Row | None = None
    percents: tuple[int, ...] = ()  # columns that hold shares of 1
    note: str | None = None


def title_of(report: QuarterlyReport, language: Language) -> str:
    """“天河区2026年第三季度“羊城技能加油站”季度报告”"""
    quarter = report.quarter
    return language.pick(
        f"{report.area_name}{quarter.title_zh}“羊城技能加油站”季度报告",
        f"Yangcheng skills stations: {report.area_name}, {quarter.title_en}",
    )


def tables_of(report: QuarterlyReport, language: Language) -> list[ReportTable]:
    """All tables, in the order in which they are read."""
    pick = language.pick
    made = [_summary(report, language), _areas(report, language), _stations(report, language)]
    made.append(_events(report, language))
    kinds, groups = pick("培训内容", "Kinds"), pick("群体", "Groups")
    by_kind, by_group = pick("按培训内容", "By kind of training"), pick("按群体", "By group of people")
    made.append(_shares(report, language, kinds, by_kind, CourseKind, report.kinds))
    made.append(_shares(report, language, groups, by_group, TargetGroup, report.groups))
    made.append(_late(report, language))
    made.append(_warnings(report, language))
    if report.coverage:
        made.append(_coverage(report, language))
    return made


def _summary(report: QuarterlyReport, language: Language) -> ReportTable:
    pick, whole, visits = language.pick, report.whole, report.whole.visits
    rows: list[Row] = [
        [pick("季末运营站点", "Stations open at the quarter's end"), whole.stations.open],
        [pick("本季新开站", "Opened in the quarter"), whole.stations.opened],
        [pick("本季关闭", "Closed in the quarter"), whole.stations.closed],
        [pick("季末暂停", "Suspended at the quarter's end"), whole.stations.suspended],
        [pick("累计遴选", "Selected until then"), whole.stations.selected],
        [pick("累计挂牌", "Plaques hung until then"), whole.stations.plaque_hung],
        [pick("本季培训人次", "Trainee-visits of the quarter"), visits.quarter.trainee_visits],
        [pick("上季培训人次", "Trainee-visits of the quarter before"), visits.previous],
        [pick("本年累计人次", "Trainee-visits of the year"), visits.year],
        [pick("方案累计人次", "Trainee-visits since the plan began"), visits.plan],
        [pick("本季班次", "Sessions"), visits.quarter.sessions_held],
        [pick("本季学时", "Hours"), float(visits.quarter.training_hours)],
        [pick("本季取证", "Certificates"), visits.quarter.certificates],
        [pick("尚未接收的报表", "Reports not accepted yet"), report.not_accepted],
    ]
    for target in report.targets:
        name = pick(target.measure.title_zh, target.measure.title_en)
        rows.append([pick(f"目标:{name}({target.due_on})", f"Target: {name} by {target.due_on}"), target.target])
        rows.append([pick(f"实际:{name}", f"Actual: {name}"), target.actual])
    headings = [pick("指标", "Measure"), pick("数值", "Value")]
    return ReportTable(pick("总览", "Summary"), pick("总览", "Summary"), headings, rows)


def _areas(report: QuarterlyReport, language: Language) -> ReportTable:
    pick = language.pick
    types = [pick(kind.title_zh, kind.title_en) for kind in StationType]
    headings = [
        pick("代码", "Code"), pick("区划", "Area"), pick("运营站点", "Open"), *types, pick("新开", "Opened"),
        pick("关闭", "Closed"), pick("班次", "Sessions"), pick("人次", "Visits"), pick("学时", "Hours"),
        pick("取证", "Certificates"), pick("上季人次", "Visits before"), pick("本年人次", "Visits, year"),
        pick("累计人次", "Visits, plan"), pick("报表", "Report"), pick("时效", "In time?"),
    ]  # fmt: skip

    def row(line: AreaLine, name: str) -> Row:
        stations = line.stations
        return [
            line.code or "", name, stations.open, *(stations.by_type.get(kind.value, 0) for kind in StationType),
            stations.opened, stations.closed, *_visits(line.visits),
            pick(line.state.title_zh, line.state.title_en) if line.state else "",
            pick(line.timeliness.title_zh, line.timeliness.title_en) if line.timeliness else "",
        ]  # fmt: skip

    nowhere = pick("(不在任何下级区划)", "(in no area below)")
    rows = [row(part, part.name or part.code or nowhere) for part in report.parts]
    note = None if report.reconciles else pick("分项之和与合计不符,请核对。", "The parts do not add up to the total.")
    title = pick("各区划站点与培训", "Stations and training by area")
    return ReportTable(
        pick("分区", "Areas"), title, headings, rows, row(report.whole, pick("合计", "Total")), note=note
    )


def _visits(visits: Visits) -> Row:
    """Sessions, visits, hours, certificates of the quarter; visits before, of the year, of the plan."""
    done = visits.quarter
    return [
        done.sessions_held, done.trainee_visits, float(done.training_hours), done.certificates, visits.previous,
        visits.year, visits.plan,
    ]  # fmt: skip


def _stations(report: QuarterlyReport, language: Language) -> ReportTable:
    pick, counts = language.pick, report.whole.stations.by_status
    headings = [
        pick("类型", "Type"), *(pick(status.title_zh, status.title_en) for status in StationStatus),
        pick("合计", "Total"),
    ]  # fmt: skip

    def row(name: str, types: Sequence[StationType]) -> Row:
        held = [sum(counts.get((kind.value, status.value), 0) for kind in types) for status in StationStatus]
        return [name, *held, sum(held)]

    rows = [row(pick(kind.title_zh, kind.title_en), [kind]) for kind in StationType]
    title = pick("季末站点:类型与状态", "Stations at the quarter's end by type and status")
    return ReportTable(pick("站点", "Stations"), title, headings, rows, row(pick("合计", "Total"), list(StationType)))


def _events(report: QuarterlyReport, language: Language) -> ReportTable:
    pick = language.pick
    headings = [
        pick("日期", "Day"), pick("事项", "Event"), pick("代码", "Code"), pick("名称", "Name"), pick("类型", "Type"),
        pick("区划", "Area"),
    ]  # fmt: skip
    rows: list[Row] = [
        [
            event.day.isoformat(), pick("新开", "Opened") if event.has_opened else pick("关闭", "Closed"), event.code,
            event.name, pick(StationType(event.type).title_zh, StationType(event.type).title_en),
            event.area_name or "",
        ]
        for event in report.events
    ]  # fmt: skip
    title = pick("本季新开与关闭的站点", "Stations that opened or closed in the quarter")
    return ReportTable(pick("新开与关闭", "Opened, closed"), title, headings, rows)


def _shares(
    report: QuarterlyReport, language: Language, name: str, title: str, words: type[CourseKind] | type[TargetGroup],
    shares: Sequence[Share],
) -> ReportTable:  # fmt: skip
    pick, whole = language.pick, report.whole.visits
    all_visits = whole.quarter.trainee_visits
    headings = [
        name, pick("班次", "Sessions"), pick("人次", "Visits"), pick("学时", "Hours"), pick("取证", "Certificates"),
        pick("上季人次", "Visits before"), pick("本年人次", "Visits, year"), pick("累计人次", "Visits, plan"),
        pick("人次占比", "Share of visits"),
    ]  # fmt: skip
    rows = [
        [
            pick(words(share.code).title_zh, words(share.code).title_en), *_visits(share.visits),
            share.visits.quarter.trainee_visits / all_visits if all_visits else 0.0,
        ]
        for share in shares
    ]  # fmt: skip
    total = [pick("合计", "Total"), *_visits(whole), 1.0 if all_visits else 0.0]
    return ReportTable(name, title, headings, rows, total, percents=(8,))


def _late(report: QuarterlyReport, language: Language) -> ReportTable:
    pick = language.pick
    headings = [
        pick("级别", "Level"), pick("代码", "Code"), pick("名称", "Name"), pick("状态", "State"),
        pick("时效", "In time?"), pick("应报日期", "Due"),
    ]  # fmt: skip
    rows: list[Row] = [
        [
            pick(s.level.title_zh, s.level.title_en), s.code, s.name or "", pick(s.state.title_zh, s.state.title_en),
            pick(s.timeliness.title_zh, s.timeliness.title_en), s.due_on.isoformat(),
        ]
        for s in report.late
    ]  # fmt: skip
    return ReportTable(pick("逾期与缺报", "Late"), pick("逾期与缺报", "Late and missing reports"), headings, rows)


def _warnings(report: QuarterlyReport, language: Language) -> ReportTable:
    pick = language.pick
    rows: list[Row] = [[pick(*WARNING_TITLES[code]), count] for code, count in report.warnings.items()]
    headings = [pick("存疑", "Doubt"), pick("处数", "Count")]
    return ReportTable(pick("存疑", "Doubts"), pick("数据存疑", "Doubts about the figures"), headings, rows)


def _coverage(report: QuarterlyReport, language: Language) -> ReportTable:
    pick = language.pick
    headings = [
        pick("代码", "Code"), pick("区划", "Area"), pick("居民", "Residents"), pick("15分钟内", "Within 15 minutes"),
        pick("覆盖率", "Coverage"),
    ]  # fmt: skip
    rows: list[Row] = [[c.code, c.name, c.population, c.covered, c.rate] for c in report.coverage]
    title = pick("季末15分钟步行覆盖", "15-minute walking coverage at the quarter's end")
    note = pick(f"运行编号 {report.coverage_run}", f"Run {report.coverage_run}")
    return ReportTable(pick("覆盖", "Coverage"), title, headings, rows, percents=(4,), note=note)


def notes_of(report: QuarterlyReport, notice: str | None, language: Language) -> list[str]:
    """What has to be said below the tables: when it was known, what is missing, what the data is."""
    pick = language.pick
    moment = report.known_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    said = [
        pick(
            f"数据以 {_local(report.known_at)}(北京时间)所知为准;以 known_at={moment} 再次生成,数字相同。",
            f"As was known at {_local(report.known_at)} (China): with known_at={moment} the figures are always these.",
        )
    ]
    if report.coverage_gap is not None:
        said.append(pick(f"未含覆盖数据:{report.coverage_gap[0]}", f"Without coverage: {report.coverage_gap[1]}"))
    if notice is not None:
        said.append(notice)
    return said


def maker_of(report: QuarterlyReport, made_at: datetime, language: Language) -> str:
    """Who made it and when: what is another each time."""
    day = _local(made_at)
    return language.pick(f"制表:{report.made_by},{day}(北京时间)。", f"Made by {report.made_by}, {day} (China).")


def _local(moment: datetime) -> str:
    return moment.astimezone(TIME_ZONE).strftime("%Y-%m-%d %H:%M:%S")
