"""Every call that came in, in order, for tests to look at."""

import threading
from typing import Any

from .clock import Clock


class Recorder:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def begin(self, service: str, region: str, action: str, access_key: str | None) -> dict[str, Any]:
        """Notes a call before it is answered; `status` stays null while it is under way."""
        call = {
            "time": self.clock.now().timestamp(),
            "service": service,
            "region": region,
            "action": action,
            "access_key": access_key,
            "status": None,
            "applied": False,
            "refused": None,
            "fault": None,
        }
        with self.lock:
            call["n"] = len(self.calls) + 1
            self.calls.append(call)
        return call

    def after(self, number: int, access_key: str = "") -> list[dict[str, Any]]:
        """The calls after the first `number`, of access keys that begin so."""
        return [call for call in self.calls[number:] if (call["access_key"] or "").startswith(access_key)]
