"""What the demonstration city is made from: the few numbers that shape it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property

import numpy as np

from app.errors import ErrorItem, InvalidInput

GENERATOR_VERSION = "3"  # raise when the same spec would give other rows
FULL_NODE_TARGET = 450_000
MIN_NODE_TARGET = 15_000
MAX_NODE_TARGET = 900_000
MIN_STATIONS = 50
MAX_STATIONS = 2_000


@dataclass(frozen=True)
class CitySpec:
    """Same spec, same city, bit for bit.

    ``node_target``: street nodes aimed at (reached within a few per cent). ``as_of``: the day that the station ledger
    describes; no clock is read.
    """

    seed: int = 2025
    node_target: int = FULL_NODE_TARGET
    stations: int = 300
    as_of: date = date(2026, 11, 20)

    def __post_init__(self) -> None:
        for name, low, high in (
            ("seed", 0, 2**32 - 1),
            ("node_target", MIN_NODE_TARGET, MAX_NODE_TARGET),
            ("stations", MIN_STATIONS, MAX_STATIONS),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise InvalidInput(
                    f"演示城市参数 {name}={value} 超出范围 {low}–{high}。",
                    f"demonstration city: {name}={value} is outside {low} to {high}",
                    errors=[
                        ErrorItem(
                            field=name,
                            value=str(value),
                            message_zh=f"须在 {low} 与 {high} 之间",
                            message_en=f"must lie between {low} and {high}",
                            remedy_zh="请改用范围内的数值",
                            remedy_en="choose a value within the range",
                        )
                    ],
                )

    @cached_property
    def scale(self) -> float:
        """Street spacing relative to the full city: small cities are coarser as well as sparser."""
        return float((FULL_NODE_TARGET / self.node_target) ** 0.15)

    def generator(self, part: int) -> np.random.Generator:
        """A random stream of its own for every part, so that a change in one leaves the others as they were."""
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, part])))

    def parameters(self) -> dict[str, str | int]:
        """The spec and the generator's version, as kept with every dataset."""
        return {
            "generator_version": GENERATOR_VERSION,
            **{k: v.isoformat() if isinstance(v, date) else v for k, v in asdict(self).items()},
        }
