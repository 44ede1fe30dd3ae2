"""Scenarios that planners keep, share and compare. For who is signed in; a link opens one to others."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api import quality
from app.api.answers import encode, personal
from app.api.deps import LanguageDep, SessionDep
from app.api.described import answers, created, problems
from app.api.idempotency import IdempotencyKey, once
from app.api.identity import ActorDep
from app.api.method import MethodQuery
from app.api.parameters import CursorQuery, Within
from app.api.quality import READS, WRITES
from app.api.scenario_answers import answer_to, comparison
from app.api.scenario_asked import changes_of, query_of
from app.api.schemas import scenarios as schemas
from app.api.schemas.nearest import MeantMoment
from app.models.vocabularies import AreaLevel
from app.repositories.scenarios import ScenarioRecord
from app.services import saved_scenarios
from app.services.saved_scenarios import ScenarioFacts, Sharing

router = APIRouter(prefix="/scenarios", tags=["scenarios"])
MOST_COMPARED = 8
Id = Annotated[int, Path(ge=1, le=schemas.MAX_ID, description="方案编号 · Id", examples=[1])]
Key = Annotated[
    str,
    Path(
        min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$", description="链接中的钥匙 · The key in the link",
        examples=["demo-scenario-merge"],
    ),
]  # fmt: skip


@router.get(
    "/saved",
    operation_id="listScenarios",
    summary="保存的方案 · Scenarios that are kept",
    response_model=schemas.ScenarioList,
    responses={**answers("一页方案 · A page"), **READS},
)
def list_scenarios(
    request: Request, session: SessionDep, actor: ActorDep,
    limit: Annotated[int, Query(ge=1, le=200, description="每页条数 · Rows per page", examples=[50])] = 50,
    cursor: CursorQuery = None,
) -> Response:  # fmt: skip
    """自己的和同事共享的,最新的在前 · One's own and those that others share, the newest first."""
    after = quality.read_position(request, cursor, quality.whole)
    rows = saved_scenarios.list_scenarios(session, actor, before=after[0] if after else None, limit=limit + 1)
    return quality.page(
        request, rows, limit, lambda row: (row.id,),
        lambda held, following: schemas.ScenarioList(next_cursor=following, scenarios=[_out(row) for row in held]),
    )  # fmt: skip


@router.post(
    "/saved",
    operation_id="saveScenario",
    summary="保存方案 · Keep a scenario",
    response_model=schemas.SavedScenario,
    status_code=201,
    responses={**created("已保存 · Kept"), **WRITES},
)
def save_scenario(
    request: Request, session: SessionDep, actor: ActorDep, asked: schemas.ScenarioAsked, key: IdempotencyKey = None
) -> Response:
    """保存的是改变与问题,不是数字:每次查看都按当时的数据重新计算。

    What is kept are the changes and the question, not the figures: they are computed anew with the data of the day.
    """

    def make() -> Response:
        return personal(request, _out(saved_scenarios.add_scenario(session, actor, _facts(asked))), status=201)

    return once(request, session, actor, key, encode(asked), make)


@router.get(
    "/saved/{id}",
    operation_id="getScenario",
    summary="一个方案及其结果 · A scenario, and what it comes to",
    response_model=schemas.ScenarioWithAnswer,
    responses={**answers("方案与结果 · With its figures"), **READS},
)
def get_scenario(request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: Id) -> Response:
    """修改时请带上 `version` · Name `version` when you change it."""
    (held,) = saved_scenarios.get_scenarios(session, actor, [id])
    return _with_answer(request, held, language)


@router.put(
    "/saved/{id}",
    operation_id="changeScenario",
    summary="修改方案 · Change a scenario",
    response_model=schemas.SavedScenario,
    responses={**answers("方案 · The scenario"), **WRITES},
)
def change_scenario(
    request: Request, session: SessionDep, actor: ActorDep, id: Id, asked: schemas.ScenarioChanged
) -> Response:
    """只有本人(共享的另有系统管理员)· Its owner alone; a shared one also administrators."""
    return personal(request, _out(saved_scenarios.change_scenario(session, actor, id, _facts(asked), asked.version)))


@router.delete(
    "/saved/{id}",
    operation_id="removeScenario",
    summary="删除方案 · Remove a scenario",
    status_code=204,
    response_model=None,
    responses={204: {"description": "已删除 · Removed"}, **problems(401, 403, 404, 409)},
)
def remove_scenario(
    session: SessionDep, actor: ActorDep, id: Id,
    version: Annotated[int, Query(ge=1, le=schemas.MAX_ID, description="读取时的版本 · As read", examples=[1])],
) -> Response:  # fmt: skip
    """只有本人(共享的另有系统管理员)· Its owner alone; a shared one also administrators."""
    saved_scenarios.remove_scenario(session, actor, id, version)
    return Response(status_code=204)


@router.get(
    "/compare",
    operation_id="compareScenarios",
    summary="并列比较方案 · Scenarios side by side",
    response_model=schemas.ScenarioComparison,
    responses={**answers("并列 · Side by side"), **READS},
)
def compare_scenarios(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    method: MethodQuery,
    id: Annotated[
        list[Annotated[int, Query(ge=1, le=schemas.MAX_ID)]],
        Query(min_length=1, max_length=MOST_COMPARED, description="方案编号,可重复 · Repeatable", examples=[[1, 2]]),
    ],
    level: Annotated[AreaLevel, Query(description="级别 · Level", examples=["district"])] = AreaLevel.DISTRICT,
    within: Within = None,
    open_at: Annotated[
        MeantMoment | None,
        Query(
            description="只计此刻开放的站点 · Only stations open at that moment", examples=["2026-12-02T19:30:00+08:00"]
        ),
    ] = None,
) -> Response:
    """各方案都从同一覆盖出发:分钟数等取自此处的参数,不取各方案自己的。

    All start from the same coverage: minutes, profile and so on are those of this call, not the scenarios' own.
    """
    held = saved_scenarios.get_scenarios(session, actor, id)
    return personal(request, comparison(request, held, method, open_at, level, within, language))


@router.get(
    "/shared/{key}",
    operation_id="getSharedScenario",
    summary="凭链接查看方案,不需登录 · A scenario by its link",
    response_model=schemas.ScenarioWithAnswer,
    responses={**answers("方案与结果 · With its figures"), **problems(404)},
)
def get_shared_scenario(request: Request, language: LanguageDep, session: SessionDep, key: Key) -> Response:
    """主人收回共享后即为 404 · 404 once its owner no longer shares it by link."""
    return _with_answer(request, saved_scenarios.scenario_of_link(session, key), language)


def _facts(asked: schemas.ScenarioAsked) -> ScenarioFacts:
    """Raises InvalidInput for changes that do not hold together."""
    query_of(asked.question)
    changes_of(asked.question)
    question = asked.question.model_dump(mode="json", exclude_defaults=True)
    return ScenarioFacts(asked.name, asked.note, asked.shared, question)


def _out(row: ScenarioRecord) -> schemas.SavedScenario:
    link = f"/v1/scenarios/shared/{row.share_key}" if row.shared == Sharing.LINK else None
    return schemas.SavedScenario(
        id=row.id, name=row.name, note=row.note, owner=row.owner, shared=Sharing(row.shared), link=link,
        question=schemas.ScenarioQuestion.model_validate(row.question), version=row.version,
        created_at=row.created_at, updated_at=row.updated_at,
    )  # fmt: skip


def _with_answer(request: Request, held: ScenarioRecord, language: LanguageDep) -> Response:
    answer = answer_to(request, schemas.ScenarioQuestion.model_validate(held.question), language)
    return personal(request, {"scenario": _out(held), "answer": answer})
