"""The reference page, and where addresses without a page of their own lead."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.api.docs_page import POLICY, render

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def get_docs(request: Request) -> Response:
    """The reference as HTML."""
    page: str | None = getattr(request.app.state, "docs_page", None)
    if page is None:
        page = request.app.state.docs_page = render(request.app.openapi())
    return HTMLResponse(page, headers={"Content-Security-Policy": POLICY, "Cache-Control": "public, max-age=300"})


@router.get("/")
async def get_root() -> Response:
    """To the reference, until there is a web page."""
    return RedirectResponse("/docs", status_code=307)


@router.get("/problems/{code}")
async def get_problem(code: Annotated[str, Path(pattern=r"^[a-z_]{1,64}$")]) -> Response:
    """The ``type`` of a problem leads to its line in the reference."""
    return RedirectResponse(f"/docs#problem-{code}", status_code=303)
