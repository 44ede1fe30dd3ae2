"""What siting has found, as it is told: by the call that waits for it, and by the job."""

from __future__ import annotations

from typing import Any

from app.geo.crs import Crs, from_wgs84
from app.services.area_table import AreaInfo
from app.services.siting import ChosenSite, SitingAnswer
from app.services.siting_question import SitingQuestion

PEOPLE_DECIMALS, RATE_DECIMALS, COORDINATE_DECIMALS = 1, 6, 7


def siting_facts(asked: SitingQuestion, answer: SitingAnswer, crs: Crs) -> dict[str, Any]:
    """A mapping that JSON can hold, without the walking method and the notice; see ``SitingAnswerOut`` of the API."""
    proven, told = answer.proven, answer.robustness
    lng, lat = from_wgs84([s.lng for s in answer.chosen], [s.lat for s in answer.chosen], crs)
    times = [None] * len(answer.chosen) if told is None else told.chosen_in
    return {
        "coverage_run_id": answer.coverage_run_id,
        "objective": asked.objective,
        "crs": crs.value,
        "candidates": answer.candidates,
        "sites": [
            _site(k + 1, *parts)
            for k, parts in enumerate(zip(answer.chosen, lng.tolist(), lat.tolist(), times, strict=True))
        ],
        "gained": round(answer.gained, PEOPLE_DECIMALS),
        "proof": proven.proof,
        "value": round(proven.value, PEOPLE_DECIMALS),
        "bound": None if proven.bound is None else round(proven.bound, PEOPLE_DECIMALS),
        "gap": None if proven.gap is None else round(proven.gap, RATE_DECIMALS),
        "at_least": proven.at_least,
        "lowest_rate": None if proven.lowest is None else round(proven.lowest, RATE_DECIMALS),
        "lowest_rate_bound": None if proven.lowest_bound is None else round(proven.lowest_bound, RATE_DECIMALS),
        "areas": [
            {
                "code": one.area.code, "name": one.area.name, "level": one.area.level, "population": one.population,
                "covered_before": one.covered_before, "covered_after": one.covered_after,
                "gained": one.covered_after - one.covered_before, "rate_before": one.rate_before,
                "rate_after": one.rate_after, "sites": one.sites,
            }
            for one in answer.areas
        ],
        "stages": [
            {
                "stage": one.stage, "sites": one.sites, "gained": round(one.gained, PEOPLE_DECIMALS),
                "bound": None if one.bound is None else round(one.bound, PEOPLE_DECIMALS),
            }
            for one in answer.stages
        ],
        "robustness": None if told is None else {"scenarios": [vars(one) for one in told.scenarios]},
    }  # fmt: skip


def _site(rank: int, site: ChosenSite, lng: float, lat: float, chosen_in: int | None) -> dict[str, Any]:
    return {
        "rank": rank, "id": site.id, "name": site.name, "lng": round(lng, COORDINATE_DECIMALS),
        "lat": round(lat, COORDINATE_DECIMALS), "snap_m": site.snap_m, "district": _area(site.district),
        "town": _area(site.town), "adds": round(site.adds, PEOPLE_DECIMALS),
        "lost_without": round(site.lost_without, PEOPLE_DECIMALS), "forced": site.is_forced, "stage": site.stage,
        "chosen_in": chosen_in,
    }  # fmt: skip


def _area(area: AreaInfo | None) -> dict[str, str] | None:
    return None if area is None else {"code": area.code, "name": area.name}
