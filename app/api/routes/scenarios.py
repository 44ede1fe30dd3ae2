"""Scenarios: coverage before and after stations are added, moved, closed, or open at other hours."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import personal
from app.api.deps import LanguageDep
from app.api.described import answers, problems
from app.api.scenario_answers import answer_to
from app.api.schemas.scenarios import ScenarioAnswer, ScenarioQuestion

router = APIRouter(prefix="/scenarios", tags=["scenarios"])


@router.post(
    "",
    operation_id="evaluateScenario",
    summary="方案:改变站点前后的覆盖 · Coverage before and after stations change",
    response_model=ScenarioAnswer,
    responses={**answers("改变前后 · Before and after"), **problems(400, 404, 413)},
)
def evaluate_scenario(request: Request, asked: ScenarioQuestion, language: LanguageDep) -> Response:
    """新增、迁移、撤销站点或改开放时间之后,各区划覆盖多少居民:与真的改了台账再统计,分毫不差。什么也不保存。

    每行恒有 `after.covered - before.covered = gained - lost`;各项改变的 `net` 之和即总数之差。

    What coverage would be after stations are added, moved, closed or open at other hours: to the person what it is once
    the change is in the ledger. Nothing is kept. In every row `after.covered - before.covered = gained - lost`, and the
    `net` of all changes add up to the difference of the total.
    """
    return personal(request, answer_to(request, asked, language))
