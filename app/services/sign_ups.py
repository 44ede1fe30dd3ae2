"""Signing up for a session, by a code and a phone number; the waiting list.

Seats are exact: whoever gives or takes one holds the lock of the session's row in ``session_seats``. A full session is
refused before that. Nothing here waits for the ledger's lock, so an import does not keep residents waiting.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from app.errors import AlreadySignedUp, Conflict, ErrorItem, InvalidInput, NotFound, SessionFull
from app.geo.opening_hours import TIME_ZONE
from app.models.vocabularies import CourseStatus, SessionStatus, SignUpState, TargetGroup
from app.repositories import offered_courses as offer_repo
from app.repositories import sign_ups as repo
from app.repositories.offered_courses import SessionFacts
from app.repositories.sign_ups import SignUpRow, Taken
from app.repositories.stations import StationFilter, list_stations
from app.services.sign_up_secrets import SignUpKeys, code_digest
from app.services.station_table import today
from app.services.visitors import Visitor, count_visit
from app.settings import SignUpSettings

SIGN_UPS = "sign_up"
MAINLAND = re.compile(r"(?:\+?86)?(1[3-9][0-9]{9})").fullmatch
ABROAD = re.compile(r"\+[1-9][0-9]{6,14}").fullmatch


@dataclass(frozen=True)
class SignUp:
    """A sign-up as its owner sees it. ``position`` on the waiting list counts from 1; ``phone`` is masked."""

    row: SignUpRow
    session: SessionFacts
    position: int | None
    phone: str | None


@dataclass(frozen=True)
class Wish:
    """Who wants to sign up: a number as typed, the group that one belongs to, whether waiting is all right."""

    phone: str
    group: TargetGroup = TargetGroup.GENERAL
    waiting: bool = False
    request_key: str | None = None  # the same wish sent again has the same


def sign_up(
    session: Session, visitor: Visitor, session_id: int, wish: Wish, keys: SignUpKeys, settings: SignUpSettings
) -> tuple[str, SignUp]:
    """Take a seat, or a place on the waiting list; the code by which it can be seen and cancelled, told only now.

    Raises NotFound, InvalidInput, SessionFull, AlreadySignedUp, Conflict, TooManyRequests.
    """
    phone = read_phone(wish.phone)
    code = keys.code_of(wish.request_key, session_id, phone)
    held = repo.by_code(session, code_digest(code)) if wish.request_key is not None else None
    if held is not None and held.session_id == session_id:
        return code, _shown(session, held, keys)
    about = _there(session, session_id)
    _check_open(session, about)
    mac, now = keys.mac_of(phone), datetime.now(UTC)
    _check_person(session, about, mac, now, settings)
    _place_for(about, repo.taken_of(session, session_id), wish, settings)  # most refusals need no lock
    repo.erase_phones(session, today())
    taken = repo.lock_seats(session, session_id)
    _check_person(session, about, mac, now, settings)
    state = _place_for(about, taken, wish, settings)
    count_visit(session, visitor, SIGN_UPS, settings.sign_ups_a_day)
    ends_on = about.ends_at.astimezone(TIME_ZONE).date()
    number = repo.insert_sign_up(session, {
        "session_id": session_id, "code_sha256": code_digest(code), "state": state.value,
        "target_group": wish.group.value, "phone_encrypted": keys.encrypted(phone), "phone_mac": mac,
        "erase_after": ends_on + timedelta(days=settings.sign_up_phone_days),
    })  # fmt: skip
    is_seat = state is SignUpState.CONFIRMED
    repo.set_taken(session, session_id, Taken(taken.taken + is_seat, taken.waiting + (not is_seat)))
    made = repo.by_code(session, code_digest(code))
    if made is None or made.id != number:
        raise NotFound("报名没有写入。", "The sign-up was not written.")
    return code, _shown(session, made, keys)


def look_up(session: Session, codes: Sequence[str], keys: SignUpKeys) -> dict[str, SignUp]:
    """The sign-ups of these codes; codes that there are none of are left out."""
    digests = {code: code_digest(code) for code in codes}
    rows = repo.by_codes(session, set(digests.values()))
    sessions = offer_repo.sessions_of_ids(session, {row.session_id for row in rows.values()})
    return {
        code: _view(session, rows[digest], sessions[rows[digest].session_id], keys)
        for code, digest in digests.items()
        if digest in rows
    }


def cancel(session: Session, code: str, keys: SignUpKeys) -> SignUp:
    """Give a seat back; the first who waits has it then. Cancelled twice is cancelled. Raises NotFound, Conflict."""
    held = _of_code(session, code)
    taken = repo.lock_seats(session, held.session_id)
    held = _of_code(session, code)  # it may have changed while we waited
    if held.state == SignUpState.CANCELLED:
        return _shown(session, held, keys)
    about = _there(session, held.session_id)
    if held.state not in repo.OPEN or about.starts_at <= datetime.now(UTC):
        item = ErrorItem(
            "code", "场次已经开始或结束", "the session has begun or is over", value=None,
            remedy_zh="不需取消", remedy_en="there is nothing to cancel",
        )  # fmt: skip
        raise Conflict("已不能取消。", "It can no longer be cancelled.", errors=[item])
    repo.set_state(session, [held.id], SignUpState.CANCELLED, forget=True)
    if held.state == SignUpState.CONFIRMED:
        taken = replace(taken, taken=taken.taken - 1)
    else:
        taken = replace(taken, waiting=taken.waiting - 1)
    _give_free_seats(session, about, taken)
    return _shown(session, _of_code(session, code), keys)


def give_free_seats(session: Session, session_id: int) -> None:
    """Let those who wait have the seats that are free, after a session was changed."""
    about = offer_repo.sessions_of_ids(session, [session_id]).get(session_id)
    if about is None or about.waiting == 0 or about.status != SessionStatus.PLANNED:
        return
    _give_free_seats(session, about, repo.lock_seats(session, session_id))


def _give_free_seats(session: Session, about: SessionFacts, taken: Taken) -> None:
    free = None if about.seats is None else max(0, about.seats - taken.taken)
    promoted = [] if taken.waiting == 0 or free == 0 else repo.first_waiting(session, about.id, free)
    repo.set_state(session, promoted, SignUpState.CONFIRMED)
    repo.set_taken(session, about.id, Taken(taken.taken + len(promoted), taken.waiting - len(promoted)))


def read_phone(text: str) -> str:
    """A number in one spelling. Raises InvalidInput, without the number."""
    plain = re.sub(r"[\s\-()]", "", text)
    mainland = MAINLAND(plain)
    if mainland is not None:
        return mainland[1]
    if ABROAD(plain) is not None and not plain.startswith("+86"):
        return plain
    item = ErrorItem(
        "phone", "不是手机号", "is no mobile number", remedy_zh="写 11 位手机号,境外号码以 + 和国家代码开头",
        remedy_en="write the 11 digits of a mainland number, others with + and the country code",
    )  # fmt: skip
    raise InvalidInput("手机号有误。", "The phone number is wrong.", errors=[item])


def masked(phone: str) -> str:
    """The number for its owner to recognise."""
    return f"{phone[:3]}****{phone[-4:]}"


def _there(session: Session, session_id: int) -> SessionFacts:
    found = offer_repo.sessions_of_ids(session, [session_id]).get(session_id)
    if found is None:
        item = ErrorItem(
            "id", "没有这个场次", "there is no such session", value=str(session_id),
            remedy_zh="场次见 /v1/sessions", remedy_en="sessions are at /v1/sessions",
        )  # fmt: skip
        raise NotFound(f"没有编号为 {session_id} 的场次。", f"There is no session {session_id}.", errors=[item])
    return found


def _of_code(session: Session, code: str) -> SignUpRow:
    found = repo.by_code(session, code_digest(code))
    if found is None:
        item = ErrorItem(
            "code", "没有这个报名码", "there is no such sign-up", remedy_zh="核对报名码;遗失请联系站点",
            remedy_en="check the code; ask the station where it is lost",
        )  # fmt: skip
        raise NotFound("没有这个报名码。", "There is no sign-up with this code.", errors=[item])
    return found


def _check_open(session: Session, about: SessionFacts) -> None:
    """Raises Conflict for what nobody can sign up for any more."""
    day = about.starts_at.astimezone(TIME_ZONE).date()
    if about.status == SessionStatus.CANCELLED:
        zh, en = "场次已取消", "it was cancelled"
    elif about.status == SessionStatus.HELD or about.starts_at <= datetime.now(UTC):
        zh, en = "场次已经开始或结束", "it has begun or is over"
    elif about.course.status == CourseStatus.ENDED:
        zh, en = "课程已停开", "the course has ended"
    elif not list_stations(session, StationFilter(codes=[about.course.station_code], open_on=day)):
        zh, en = "站点当日不对外开放", "the station is not open to the public on that day"
    else:
        return
    item = ErrorItem(
        "id", zh, en, value=str(about.id), remedy_zh="其他场次见 /v1/sessions",
        remedy_en="other sessions are at /v1/sessions",
    )  # fmt: skip
    raise Conflict(f"不能报名:{zh}。", f"Nobody can sign up: {en}.", errors=[item])


def _check_person(
    session: Session, about: SessionFacts, mac: bytes, now: datetime, settings: SignUpSettings
) -> None:  # fmt: skip
    """Raises AlreadySignedUp, and Conflict for a number with too many open sign-ups."""
    if repo.is_signed_up(session, about.id, mac):
        item = ErrorItem(
            "phone", "已报名此场次", "is signed up for this session", remedy_zh="用报名时得到的报名码查询或取消",
            remedy_en="use the code that was given then to look it up or cancel it",
        )  # fmt: skip
        raise AlreadySignedUp("此号码已报名该场次。", "This number is signed up for this session.", errors=[item])
    if repo.count_open(session, mac, now) >= settings.sign_ups_open:
        item = ErrorItem(
            "phone", f"已有 {settings.sign_ups_open} 个未参加的报名", f"has {settings.sign_ups_open} sign-ups to come",
            remedy_zh="先参加或取消其中之一", remedy_en="attend or cancel one of them first",
        )  # fmt: skip
        raise Conflict("此号码的报名太多。", "This number has too many sign-ups.", errors=[item])


def _place_for(about: SessionFacts, taken: Taken, wish: Wish, settings: SignUpSettings) -> SignUpState:
    """A seat, or a place to wait where that is wished. Raises SessionFull."""
    if about.seats is None or (taken.taken < about.seats and taken.waiting == 0):
        return SignUpState.CONFIRMED
    if wish.waiting and taken.waiting < settings.sign_up_waiting:
        return SignUpState.WAITING
    if not wish.waiting and taken.waiting < settings.sign_up_waiting:
        remedy = "带上 waiting=true 进入候补,或选其他场次", "send waiting=true to wait, or choose another session"
    else:
        remedy = "候补也已满,请选其他场次", "the waiting list is full, too: choose another session"
    item = ErrorItem(
        "id", f"{about.seats} 个名额已满", f"all {about.seats} seats are taken", value=str(about.id),
        remedy_zh=remedy[0], remedy_en=remedy[1],
    )  # fmt: skip
    raise SessionFull("场次已满。", "The session is full.", errors=[item])


def _shown(session: Session, row: SignUpRow, keys: SignUpKeys) -> SignUp:
    return _view(session, row, _there(session, row.session_id), keys)


def _view(session: Session, row: SignUpRow, about: SessionFacts, keys: SignUpKeys) -> SignUp:
    position = None
    if row.state == SignUpState.WAITING:
        position = repo.waiting_before(session, row.session_id, row.id) + 1
    phone = None if row.phone_encrypted is None else keys.decrypted(row.phone_encrypted)
    return SignUp(row, about, position, None if phone is None else masked(phone))
