"""What is said of a walking route: one sentence a step, and what the reader should know about its ends."""

from __future__ import annotations

from app.api.language import Language
from app.geo.directions import Compass, Side, StepKind, Turn
from app.services.islands import passes_over
from app.services.routes import RouteAnswer, RouteStep

COMPASS = {
    Compass.NORTH: ("北", "north"), Compass.NORTH_EAST: ("东北", "north-east"), Compass.EAST: ("东", "east"),
    Compass.SOUTH_EAST: ("东南", "south-east"), Compass.SOUTH: ("南", "south"),
    Compass.SOUTH_WEST: ("西南", "south-west"), Compass.WEST: ("西", "west"),
    Compass.NORTH_WEST: ("西北", "north-west"),
}  # fmt: skip
TURNS = {
    Turn.STRAIGHT: ("直行", "Go straight on"), Turn.SLIGHT_LEFT: ("向左前方", "Bear left"),
    Turn.LEFT: ("左转", "Turn left"), Turn.SHARP_LEFT: ("向左后方转弯", "Turn sharp left"),
    Turn.SLIGHT_RIGHT: ("向右前方", "Bear right"), Turn.RIGHT: ("右转", "Turn right"),
    Turn.SHARP_RIGHT: ("向右后方转弯", "Turn sharp right"), Turn.U_TURN: ("掉头", "Turn back"),
}  # fmt: skip
SIDES = {
    Side.LEFT: ("在道路左侧", "on the left"), Side.RIGHT: ("在道路右侧", "on the right"),
    Side.AHEAD: ("在前方", "straight ahead"),
}  # fmt: skip
DISTANCE_FROM_M = 20  # a station nearer to the street than this is simply beside it


def step_texts(steps: list[RouteStep], station_name: str, language: Language) -> list[str]:
    """One sentence for each step."""
    said, street = [], None
    for step in steps:
        if step.kind is StepKind.DEPART:
            said.append(_depart(step, language))
        elif step.kind is StepKind.ARRIVE:
            said.append(_arrive(step, station_name, language))
        else:
            said.append(_walk(step, street, language))
            street = step.name
    return said


def route_message(answer: RouteAnswer, language: Language) -> str | None:
    """What the reader should be told beside the steps; None where there is nothing."""
    said = []
    if not answer.is_open_today:
        said.append(language.pick("该站点今天不对外开放。", "This station is not open to the public today."))
    if not answer.inside_area:
        said.append(language.pick("该位置在已载入的区域之外。", "This position is outside the areas that are loaded."))
    for end, zh, en in ((answer.start, "该位置", "this position"), (answer.goal, "该站点", "this station")):
        if passes_over(end.snap.snap_m, end.island_m):
            snap_m = f"{end.snap.snap_m:.0f}"
            said.append(
                language.pick(
                    f"{zh}旁的道路不与路网相连,按 {snap_m} 米外最近的相连道路计算,实际走法请现场确认。",
                    f"The street beside {en} is joined to no other: the way is measured by the nearest one that is, "
                    f"{snap_m} m away. Check on the spot.",
                )
            )
    return language.pick("", " ").join(said) or None


def distance(metres: float, language: Language) -> str:
    """Whole metres (one at least), and kilometres from one on."""
    if metres < 999.5:
        return f"{max(round(metres), 1)} {language.pick('米', 'm')}"
    return f"{metres / 1e3:.1f} {language.pick('公里', 'km')}"


def _depart(step: RouteStep, language: Language) -> str:
    zh, en = _direction(step)
    far = distance(step.walk_m, language)
    to_zh, to_en = (f"到{step.name}", f" to {step.name}") if step.name else ("到道路上", " to the street")
    return language.pick(f"{zh}步行 {far}{to_zh}", f"Walk {far}{en}{to_en}")


def _walk(step: RouteStep, street_before: str | None, language: Language) -> str:
    """``street_before`` is the street walked before this one, None at the first or where it has no name."""
    far, (through_zh, through_en) = distance(step.walk_m, language), _through(step)
    if step.turn is None:
        zh, en = _direction(step)
        along_zh, along_en = (f"沿{step.name}", f" along {step.name}") if step.name else ("", "")
        return language.pick(
            f"{along_zh}{zh}步行 {far}{through_zh}", f"Walk{en}{along_en} for {far}{through_en}"
        )  # fmt: skip
    turn_zh, turn_en = TURNS[step.turn]
    if step.name is None:
        into_zh, into_en = "", ""
    elif step.name == street_before:
        into_zh, into_en = f",继续沿{step.name}", f" to stay on {step.name}"
        return language.pick(f"{turn_zh}{into_zh}步行 {far}{through_zh}", f"{turn_en}{into_en} for {far}{through_en}")
    else:
        into_zh, into_en = f"进入{step.name}", f" into {step.name}"
    return language.pick(
        f"{turn_zh}{into_zh},步行 {far}{through_zh}", f"{turn_en}{into_en} and walk {far}{through_en}"
    )  # fmt: skip


def _arrive(step: RouteStep, station_name: str, language: Language) -> str:
    zh, en = f"到达:{station_name}", f"Arrive at {station_name}"
    far = distance(step.walk_m, language)
    if step.side is not None:
        side_zh, side_en = SIDES[step.side]
        zh, en = f"{zh},{side_zh}", f"{en}, {side_en}"
        if step.walk_m >= DISTANCE_FROM_M:
            zh, en = f"{zh} {far}", f"{en}, {far} from the street"
    elif step.walk_m >= DISTANCE_FROM_M:
        zh, en = f"{zh},距道路 {far}", f"{en}, {far} from the street"
    return language.pick(zh, en)


def _direction(step: RouteStep) -> tuple[str, str]:
    if step.direction is None:
        return "", ""
    zh, en = COMPASS[step.direction]
    return f"向{zh}", f" {en}"


def _through(step: RouteStep) -> tuple[str, str]:
    """Stairs, bridges and tunnels on the way, in brackets."""
    kinds = [
        pair
        for held, pair in (
            (step.has_steps, ("台阶", "steps")), (step.is_bridge, ("过桥", "bridge")),
            (step.is_tunnel, ("隧道", "tunnel")),
        )
        if held
    ]  # fmt: skip
    if not kinds:
        return "", ""
    return f"({'、'.join(zh for zh, _ in kinds)})", f" ({', '.join(en for _, en in kinds)})"
