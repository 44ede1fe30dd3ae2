"""Accounts to try the demonstration city with: one for every role, with random passwords that are shown once."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.db.engine import session_scope
from app.demo.load import SOURCE
from app.models.vocabularies import Role
from app.repositories.accounts import count_users, lock_accounts
from app.repositories.datasets import list_datasets
from app.services.accounts import GivenPassword, NewUser, add_user
from app.services.actors import of_system

CITY = "4401"
ACCOUNTS = (
    NewUser("admin", Role.ADMINISTRATOR, CITY, "系统管理员(演示)"),
    NewUser("city", Role.CITY_OFFICER, CITY, "市级经办(演示)"),
    NewUser("tianhe", Role.DISTRICT_OFFICER, "440106", "天河区经办(演示)"),
    NewUser("yuexiu", Role.DISTRICT_OFFICER, "440104", "越秀区经办(演示)"),
    NewUser("tianhenan", Role.TOWN_OFFICER, "440106008", "天河南街经办(演示)"),
    NewUser("viewer", Role.VIEWER, CITY, "查看人员(演示)"),
)


@dataclass(frozen=True)
class AccountState:
    """What a start has to say: accounts that were made just now, or that there is none."""

    made: tuple[GivenPassword, ...] = ()
    is_any: bool = True


def make_demo_accounts(engine: Engine, *, wanted: bool = True) -> AccountState:
    """Make the accounts if the demonstration city is loaded and there is no account at all.

    A database without the demonstration city gets none: whoever runs it makes the first administrator. Two starts at
    once make them once.
    """
    with session_scope(engine) as session:
        if count_users(session) > 0:
            return AccountState()
        if not (wanted and is_demo(session)):
            return AccountState(is_any=False)
        lock_accounts(session)
        if count_users(session) > 0:
            return AccountState()
        wanted_users = (replace(user, must_change_password=False) for user in ACCOUNTS)
        return AccountState(tuple(add_user(session, of_system("demonstration"), user) for user in wanted_users))


def is_demo(session: Session) -> bool:
    """Is the demonstration city loaded?"""
    return any(dataset.source == SOURCE for dataset in list_datasets(session))
