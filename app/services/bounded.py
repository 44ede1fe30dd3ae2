"""A small cache that forgets what was not asked for longest."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

Held = TypeVar("Held")


class BoundedCache:
    """At most ``most`` values, or as many as weigh so much. What is missing is made outside of the lock: two may make
    it, one of them stays.
    """

    def __init__(self, most: int, weight: Callable[[Any], int] = lambda value: 1) -> None:
        self._most = most
        self._weight = weight
        self._weighs = 0
        self._held: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Held]) -> Held:
        """The value of a key, made where there is none."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                found: Held = self._held[key]
                return found
        return self.put(key, make())

    def put(self, key: Hashable, value: Held) -> Held:
        """The value, which is the key's from now on."""
        with self._lock:
            if key in self._held:
                self._weighs -= self._weight(self._held.pop(key))
            self._held[key] = value
            self._weighs += self._weight(value)
            while self._weighs > self._most:
                self._weighs -= self._weight(self._held.popitem(last=False)[1])
        return value

    def held_keys(self) -> list[Hashable]:
        """What there is a value of, that asked for longest ago first."""
        with self._lock:
            return list(self._held)
