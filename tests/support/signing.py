"""A service over a small city that may be written to, and what the tests of sign-in ask it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from app.db.engine import session_scope
from app.models import AuditEntry
from app.models.vocabularies import Role
from tests.api.conftest import TestClient
from tests.support.accounts import PASSWORD, add_user

CITY, DISTRICT, OTHER_DISTRICT, TOWN = "90", "9001", "9002", "900101"  # of load_known_city


def new_user(place: Engine, name: str, role: Role = Role.DISTRICT_OFFICER, area: str = DISTRICT, **more: Any) -> int:
    with session_scope(place) as writing:
        return add_user(writing, role, area, username=name, **more)


def ask_token(desk: TestClient, **form: str) -> Any:
    return desk.post("/v1/auth/token", data={"grant_type": "password", **form})


def sign_in(desk: TestClient, name: str, password: str = PASSWORD) -> dict[str, Any]:
    answer = ask_token(desk, username=name, password=password)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def me(desk: TestClient, token: str) -> tuple[int, str | None]:
    """Status and code of asking who one is."""
    answer = desk.get("/v1/auth/me", headers=bearer(token))
    return answer.status_code, answer.json().get("code")


def events(place: Engine, **wanted: str) -> list[AuditEntry]:
    with Session(place) as session:
        return list(session.scalars(select(AuditEntry).filter_by(**wanted).order_by(AuditEntry.id)))
