"""Scenarios: coverage before and after stations are added, moved, closed, or open at other hours."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import personal
from app.api.deps import LanguageDep, snapshot_then
from app.api.described import answers, problems
from app.api.method import method_json
from app.api.scenario_asked import changes_of, query_of
from app.api.schemas.scenarios import ScenarioAnswer, ScenarioQuestion
from app.api.summaries import snapshot_notice
from app.services import scenarios
from app.services.scenario_changes import ChangeKind
from app.services.scenarios import ChangeResult, ScenarioRow, State
from app.services.snapshot import Snapshot

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
    query = query_of(asked)
    proposed = changes_of(asked)
    snapshot = snapshot_then(request, query.coverage.day, None)
    answer = scenarios.evaluate(snapshot, query, proposed, asked.level, asked.within)
    body = {
        **method_json(answer.base_run_id, query.coverage, snapshot),
        "crs": asked.crs,
        "open_at": asked.open_at,
        "level": asked.level.value,
        "within": asked.within,
        "total": _figures(answer),
        "rows": [{"code": row.area.code, "name": row.area.name, **_figures(row)} for row in answer.rows],
        "changes": [_change(snapshot, change) for change in answer.changes],
        "data_notice": snapshot_notice(snapshot, language),
    }
    return personal(request, body)


def _figures(figures: scenarios.ScenarioAnswer | ScenarioRow) -> dict[str, Any]:
    """See ``schemas.scenarios.ScenarioFigures``."""
    return {
        "population": figures.population,
        "off_network": figures.off_network,
        "before": _state(figures.before),
        "after": _state(figures.after),
        "gained": figures.gained,
        "lost": figures.lost,
    }


def _state(state: State) -> dict[str, Any]:
    return {"covered": state.covered, "rate": state.rate, "stations": state.stations}


def _change(snapshot: Snapshot, change: ChangeResult) -> dict[str, Any]:
    """See ``schemas.scenarios.ScenarioChangeResult``."""
    asked, position = change.proposed, change.proposed.position
    return {
        "kind": asked.kind.value, "code": asked.code, "name": asked.name,
        "type": asked.type if asked.kind is ChangeKind.ADD else None,
        "lng": position.given_lng if position is not None else None,
        "lat": position.given_lat if position is not None else None,
        "opening_hours": asked.opening_hours, "gained": change.gained, "lost": change.lost,
        "net": change.gained - change.lost,
        "areas": [{"code": code, "name": snapshot.areas.get(code).name} for code in change.area_codes],
        "snap_m": change.snap_m,
    }  # fmt: skip
