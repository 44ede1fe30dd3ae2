"""Walking profiles: how fast, and over steps or not."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.errors import ErrorItem, InvalidInput

MIN_SPEED_KMH, MAX_SPEED_KMH = 1.0, 7.0
DEFAULT_PROFILE = "adult"


@dataclass(frozen=True)
class WalkingProfile:
    """``speed_kmh`` along streets and on the way to them; ``step_free`` leaves out every street with steps."""

    name: str
    title_zh: str
    title_en: str
    speed_kmh: float
    step_free: bool = False


PROFILES = {
    profile.name: profile
    for profile in (
        WalkingProfile("adult", "成年人", "Adult", 4.8),
        WalkingProfile("senior", "老年人", "Senior", 3.2),
        WalkingProfile("wheelchair", "轮椅(无台阶)", "Wheelchair, no steps", 3.6, step_free=True),
        # GB 50180-2018: the 15-minute living circle is a walk of 1,000 m
        WalkingProfile("gb50180", "国标 15 分钟生活圈(1000 米)", "National standard, 1,000 m in 15 minutes", 4.0),
    )
}


def resolve_profile(name: str = DEFAULT_PROFILE, speed_kmh: float | None = None) -> WalkingProfile:
    """The profile of that name, at another speed if one is given.

    Raises InvalidInput for an unknown name or a speed outside MIN_SPEED_KMH to MAX_SPEED_KMH.
    """
    profile = PROFILES.get(name)
    if profile is None:
        known = ", ".join(PROFILES)
        item = ErrorItem(
            "profile", "没有这种步行方式", "no such profile", value=name,
            remedy_zh=f"可用:{known}", remedy_en=f"one of {known}",
        )  # fmt: skip
        raise InvalidInput(f"步行方式 {name} 不存在。", f"There is no profile {name}.", errors=[item])
    if speed_kmh is None:
        return profile
    if not MIN_SPEED_KMH <= speed_kmh <= MAX_SPEED_KMH:
        item = ErrorItem(
            "speed_kmh", "步行速度超出合理范围", "not a walking speed", value=str(speed_kmh),
            remedy_zh=f"请用 {MIN_SPEED_KMH:g} 到 {MAX_SPEED_KMH:g} 公里/小时",
            remedy_en=f"use {MIN_SPEED_KMH:g} to {MAX_SPEED_KMH:g} km/h",
        )  # fmt: skip
        raise InvalidInput("步行速度有误。", "The walking speed is wrong.", errors=[item])
    return replace(profile, speed_kmh=speed_kmh)
