"""Quarterly reports: lists, steps, reminders. For officers."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import encode, personal
from app.api.deps import LanguageDep, SessionDep, resources_of
from app.api.described import answers, problems
from app.api.idempotency import IdempotencyKey, once
from app.api.identity import ActorDep
from app.api.paging import link_to_next, next_cursor, read_cursor
from app.api.parameters import PLAIN_TEXT, CursorQuery, KnownAt
from app.api.routes.ledger_training import KINDS, QuarterQuery
from app.api.schemas import ledger_reports as schemas
from app.api.schemas.common import Notice
from app.api.schemas.ledger_training import QUARTER, WarningOut
from app.models.vocabularies import AreaLevel, ReportLevel, ReportState, ReportTimeliness
from app.repositories.scope import Scope
from app.services.dataset_reads import data_notice
from app.services.moments import check_known_at
from app.services.plausibility import plausibility_warnings
from app.services.quarters import read_quarter
from app.services.reminders import reminders
from app.services.report_tree import LEVELS
from app.services.reports import StepQuestion, list_reports, take_step, view_report
from app.settings import report_settings

router = APIRouter(prefix="/ledger/reports", tags=["ledger"])
AREA_LEVELS = {ReportLevel.TOWN: AreaLevel.TOWN, ReportLevel.DISTRICT: AreaLevel.DISTRICT}


@router.get(
    "",
    operation_id="listReports",
    summary="季度报表 · Quarterly reports",
    response_model=schemas.ReportList,
    responses={**answers("一页报表 · A page"), **problems(401, 403)},
)
def get_reports(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    quarter: QuarterQuery,
    level: Annotated[
        list[ReportLevel],
        Query(max_length=3, description="级别,可重复 · Levels", examples=[["town"]]),
    ] = [],  # noqa: B006
    state: Annotated[
        list[ReportState],
        Query(max_length=4, description="状态,可重复 · States", examples=[["submitted"]]),
    ] = [],  # noqa: B006
    timeliness: Annotated[
        list[ReportTimeliness],
        Query(max_length=4, description="时效,可重复:missing 为逾期未报 · missing: overdue", examples=[["missing"]]),
    ] = [],  # noqa: B006
    known_at: KnownAt = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="每页条数 · Rows per page", examples=[100])] = 100,
    cursor: CursorQuery = None,
) -> Response:  # fmt: skip
    """管辖范围之内应报的站点、镇街与区,没有报送过的也在其中 · All who are to report in the account's scope."""
    moment = check_known_at(resources_of(request).engine, known_at)
    found = [
        subject
        for subject in list_reports(session, actor, read_quarter(quarter), report_settings(), moment)
        if (not level or subject.level in level)
        and (not state or subject.state in state)
        and (not timeliness or subject.timeliness in timeliness)
    ]
    after = read_cursor(request, cursor)
    rest = found if after is None else [subject for subject in found if subject.place > _place(after)]
    page = rest[:limit]
    following = next_cursor(request, "/".join(page[-1].key)) if limit < len(rest) else None
    counts = Counter([s.state.value for s in found] + [s.timeliness.value for s in found])
    body = schemas.ReportList(
        quarter=quarter, total=len(found), next_cursor=following,
        counts={one.value: counts[one.value] for one in (*ReportState, *ReportTimeliness)},
        data_notice=Notice.of(data_notice(session, KINDS), language),
        reports=[schemas.ReportOut.of(subject, quarter, language) for subject in page],
    )  # fmt: skip
    answer = personal(request, body)
    answer.headers.update(link_to_next(request, following))
    return answer


def _place(cursor: str) -> tuple[int, str]:
    """Where the page before ended: the reports after it, whatever has become of that one since."""
    level, _, code = cursor.partition("/")
    return next((k for k, known in enumerate(LEVELS) if known == level), len(LEVELS)), code


@router.get(
    "/reminders",
    operation_id="listReminders",
    summary="催报清单 · Reminders",
    response_model=schemas.ReminderList,
    responses={**answers("催报清单 · Reminders"), **problems(401, 403)},
)
def get_reminders(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    quarter: QuarterQuery,
    within_days: Annotated[
        int, Query(ge=0, le=90, description="将在几天内到期 · Due within so many days", examples=[3])
    ] = 3,
) -> Response:
    """逾期未报的,与即将到期的;最久的在前 · Overdue first, then due soon, with who answers for it."""
    found = reminders(session, actor, read_quarter(quarter), report_settings(), within_days)
    shown = [
        schemas.Reminder(
            report=schemas.ReportOut.of(one.subject, quarter, language), days_left=one.days_left,
            responsible=one.responsible,
        )
        for one in found
    ]  # fmt: skip
    return personal(request, schemas.ReminderList(quarter=quarter, reminders=shown))


@router.post(
    "/steps",
    operation_id="takeReportStep",
    summary="报送、退回、接收 · Submit, return, accept",
    response_model=schemas.StepTaken,
    responses={**answers("之后的报表 · The reports after it"), **problems(400, 401, 403, 404, 409, 413)},
)
def post_step(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    question: schemas.StepIn,
    key: IdempotencyKey = None,
) -> Response:
    """站点→镇街→区→市。报送时,下级须都已接收,或在 `missing` 中写明原因;退回须写原因,其上已报送的一并退回。

    From stations to towns, districts and the city. With a submission all below are accepted, or `missing` says why not.
    A return needs a reason, and what it went on to is returned with it: by who might submit that, or accept
    it where it is accepted.
    """

    def make() -> Response:
        quarter = read_quarter(question.quarter)
        asked = StepQuestion(
            question.step, question.level, list(dict.fromkeys(question.codes)), question.reason, question.versions,
            question.missing,
        )  # fmt: skip
        take_step(session, actor, quarter, asked, report_settings())
        after = {s.key: s for s in list_reports(session, actor, quarter, report_settings())}
        shown = [after[question.level.value, code] for code in asked.codes]
        return personal(
            request, schemas.StepTaken(reports=[schemas.ReportOut.of(s, question.quarter, language) for s in shown])
        )

    return once(request, session, actor, key, encode(question), make)


@router.get(
    "/{level}/{code}/{quarter}",
    operation_id="getReport",
    summary="一份报表 · One report",
    response_model=schemas.ReportDetail,
    responses={**answers("报表 · The report"), **problems(401, 403, 404)},
)
def get_report(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    level: Annotated[ReportLevel, Path(description="级别 · Level", examples=["town"])],
    code: Annotated[
        str,
        Path(
            min_length=1, max_length=64, pattern=PLAIN_TEXT, description="站点、镇街或区的代码 · Code of the subject",
            examples=["440106011"],
        ),
    ],
    quarter: Annotated[str, Path(pattern=QUARTER, description="季度 · Quarter", examples=["2026Q3"])],
    known_at: KnownAt = None,
) -> Response:  # fmt: skip
    """含下级报表、步骤、存疑,及与报送时不同的数据 · With those below, its steps, and doubts about its lines."""
    moment = check_known_at(resources_of(request).engine, known_at)
    asked = read_quarter(quarter)
    view = view_report(session, actor, asked, level, code, report_settings(), moment)
    within = Scope(AREA_LEVELS[level], code) if level in AREA_LEVELS else None
    station = code if level is ReportLevel.STATION else None
    doubts = plausibility_warnings(session, actor, asked, within=within, station_code=station, known_at=moment)
    notice = Notice.of(data_notice(session, KINDS), language)
    shown = [WarningOut.of(doubt, language) for doubt in doubts]
    return personal(request, schemas.ReportDetail.of(view, shown, moment, notice, language))
