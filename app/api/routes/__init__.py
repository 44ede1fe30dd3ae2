"""All routes. Everything below ``/v1`` and ``/ogc`` refuses unknown and repeated query parameters."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from app.api.parameters import refuse_unknown_parameters
from app.api.routes import (
    areas,
    audit,
    auth,
    calendar,
    capacity,
    cells,
    changes,
    courses,
    coverage,
    coverage_runs,
    datasets,
    health,
    isochrones,
    jobs,
    ledger_attendance,
    ledger_courses,
    ledger_organisations,
    ledger_report_documents,
    ledger_reports,
    ledger_stations,
    ledger_training,
    ledger_workbooks,
    nearest,
    ogc,
    pages,
    quality_appraisals,
    quality_complaints,
    quality_inspections,
    quality_ratings,
    saved_scenarios,
    scenarios,
    search,
    served_by,
    sign_ups,
    siting,
    station_route,
    stations,
    targets,
    tiles,
    vocabularies,
)


def routers() -> list[APIRouter]:
    """The routers of the application; a new subject is added to one of the lists here."""
    versioned = APIRouter(prefix="/v1", dependencies=[Depends(refuse_unknown_parameters)])
    # they are looked through one by one for every request, so those asked for most stand first; nearest stands before
    # stations, which would take it for a code
    public = (search, nearest, stations, station_route, isochrones, coverage, served_by, cells, areas, datasets, auth)
    planning = (capacity, changes, scenarios, saved_scenarios, siting)
    maps = (tiles,)
    training = (calendar, courses, sign_ups)
    officers = (
        jobs,
        coverage_runs,
        vocabularies,
        targets,
        audit,
        ledger_stations,
        ledger_organisations,
        ledger_courses,
        ledger_attendance,
        ledger_training,
        ledger_reports,
        ledger_report_documents,
        ledger_workbooks,
    )
    supervision = (quality_inspections, quality_ratings, quality_complaints, quality_appraisals)
    for subject in (*public, *planning, *maps, *training, *officers, *supervision):
        versioned.include_router(subject.router)
    return [versioned, ogc.router, health.router, pages.router]
