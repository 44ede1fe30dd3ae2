"""A small cache that forgets what was not asked for longest."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

Held = TypeVar("Held")


class BoundedCache:
    """At most ``most`` values. What is missing is made outside of the lock: two may make it, one of them stays."""

    def __init__(self, most: int) -> None:
        self._most = most
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
            self._held[key] = value
            while len(self._held) > self._most:
                self._held.popitem(last=False)
        return value

    def held_keys(self) -> list[Hashable]:
        """What there is a value of, that asked for longest ago first."""
        with self._lock:
            return list(self._held)
