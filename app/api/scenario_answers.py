"""What a scenario comes to, as it is told: alone, and beside others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from starlette.requests import Request

from app.api.deps import snapshot_then
from app.api.language import Language
from app.api.method import method_json
from app.api.scenario_asked import changes_of, query_of
from app.api.schemas.scenarios import ScenarioQuestion
from app.api.summaries import snapshot_notice
from app.models.vocabularies import AreaLevel
from app.repositories.scenarios import ScenarioRecord
from app.services.changes import ChangesAnswer
from app.services.coverage import CoverageQuery
from app.services.scenario_changes import ChangeKind
from app.services.scenarios import ChangeResult, ScenarioAnswer, ScenarioQuery, ScenarioRow, State, evaluate
from app.services.snapshot import Snapshot


def answer_to(request: Request, asked: ScenarioQuestion, language: Language) -> dict[str, Any]:
    """See ``schemas.scenarios.ScenarioAnswer``. Raises what ``evaluate`` raises."""
    query = query_of(asked)
    proposed = changes_of(asked)
    snapshot = snapshot_then(request, query.coverage.day, None)
    answer = evaluate(snapshot, query, proposed, asked.level, asked.within)
    return {
        **method_json(answer.base_run_id, query.coverage, snapshot),
        "crs": asked.crs,
        "open_at": asked.open_at,
        "level": asked.level.value,
        "within": asked.within,
        "total": figures_json(answer),
        "rows": [{"code": row.area.code, "name": row.area.name, **figures_json(row)} for row in answer.rows],
        "changes": [_change(snapshot, change) for change in answer.changes],
        "data_notice": snapshot_notice(snapshot, language),
    }


def comparison(
    request: Request, held: Sequence[ScenarioRecord], method: CoverageQuery, open_at: datetime | None,
    level: AreaLevel, within: str | None, language: Language,
) -> dict[str, Any]:  # fmt: skip
    """See ``schemas.scenarios.ScenarioComparison``. Raises what ``evaluate`` raises."""
    snapshot = snapshot_then(request, method.day, method.known_at)
    query = ScenarioQuery(method, open_at)
    asked = [ScenarioQuestion.model_validate(one.question) for one in held]
    told = [evaluate(snapshot, query, changes_of(one), level, within) for one in asked]
    return {
        **method_json(told[0].base_run_id, method, snapshot),
        "open_at": open_at,
        "level": level.value,
        "within": within,
        "scenarios": [
            {"id": one.id, "name": one.name, "changes": len(answer.changes), **figures_json(answer)}
            for one, answer in zip(held, told, strict=True)
        ],
        "rows": [_compared(held, rows) for rows in zip(*(answer.rows for answer in told), strict=True)],
        "data_notice": snapshot_notice(snapshot, language, known_at=method.known_at),
    }


def _compared(held: Sequence[ScenarioRecord], rows: Sequence[ScenarioRow]) -> dict[str, Any]:
    first = rows[0]
    return {
        "code": first.area.code, "name": first.area.name, "population": first.population,
        "before": _state(first.before),
        "after": [
            {"id": one.id, **_state(row.after), "net": row.gained - row.lost}
            for one, row in zip(held, rows, strict=True)
        ],
    }  # fmt: skip


def figures_json(figures: ScenarioAnswer | ChangesAnswer | ScenarioRow) -> dict[str, Any]:
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
