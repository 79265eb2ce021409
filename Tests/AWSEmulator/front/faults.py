"""Faults that a test orders: which calls they hit, and what happens to those."""

import os
import re
import select
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable

from .clock import Clock, basic_format
from .errors import FAULTS, error_answer, fault_error, refusal_answer
from .messages import Answer, Delivery, Request
from .signature import Refusal, TOLERANCE, skewed

APPLIED = "applied-then-"
CAPTIVE_PORTAL = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body><p>Please log in to use this network.</p></body></html>"
KINDS = {"throttle", "500", "503", "denied", "expired", "skew", "slow", "hang", "reset", "truncate", "html", "raw", "kill"}


@dataclass
class Fault:
    """One order: `after` calls pass first, then `times` calls are hit, for ever if `times` is null."""

    kind: str
    service: str = ".*"
    action: str = ".*"
    access_key: str = ".*"
    times: int | None = 1
    after: int = 0
    seconds: float = 1.0
    status: int = 200
    type: str = "text/html"
    body: str = ""
    headers: dict[str, str] | None = None
    pidfile: str = ""

    def __post_init__(self) -> None:
        if self.kind.removeprefix(APPLIED) not in KINDS:
            raise ValueError(f"unknown kind of fault: {self.kind}")

    def concerns(self, service: str, action: str, access_key: str | None) -> bool:
        wanted = ((self.service, service), (self.action, action), (self.access_key, access_key or ""))
        return all(re.fullmatch(pattern, value) for pattern, value in wanted)


class Faults:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.orders: list[Fault] = []

    def add(self, orders: list[dict[str, Any]]) -> None:
        self.orders += [Fault(**one) for one in orders]

    def clear(self) -> None:
        self.orders = []

    def withdraw(self, access_key: str) -> None:
        """Takes back what was ordered for one access key, and leaves what others have ordered."""
        self.orders = [order for order in self.orders if order.access_key != access_key]

    def take(self, service: str, action: str, access_key: str | None) -> Fault | None:
        """The fault that hits this call, counted down; the first that fits wins."""
        for fault in self.orders:
            if not fault.concerns(service, action, access_key):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.orders.remove(fault)
            return fault
        return None

    def answer(self, fault: Fault, request: Request, service: str, action: str, apply: Callable[[], Answer]) -> Answer:
        """The answer the client gets; `apply` hands the call to moto, for those kinds where it takes effect."""
        kind = fault.kind
        if kind == "slow":
            time.sleep(fault.seconds)
            return apply()
        real = apply() if kind.startswith(APPLIED) else None
        kind = kind.removeprefix(APPLIED)
        if kind in FAULTS:
            return error_answer(fault_error(kind, service, action), service, request.method)
        if kind == "expired":
            return refusal_answer(Refusal("expired token"), service, request.method)
        if kind == "skew":
            now = self.clock.now()
            return refusal_answer(skewed(basic_format(now - 2 * TOLERANCE), now - 2 * TOLERANCE, now), service, request.method)
        if kind == "slow":
            time.sleep(fault.seconds)
            return real
        if kind == "hang":
            return Answer(200, delivery=Delivery.HANG)
        if kind == "kill":
            end_process(fault.pidfile)
        if kind in ("reset", "kill"):
            return Answer(200, delivery=Delivery.RESET)
        if kind == "truncate":
            return truncated(real)
        if kind == "html":
            return Answer(200, [("Content-Type", "text/html; charset=utf-8")], CAPTIVE_PORTAL)
        headers = [("Content-Type", fault.type), *(fault.headers or {}).items()]
        return Answer(fault.status, headers, fault.body.encode())


def end_process(pidfile: str) -> None:
    """SIGKILL for the client, which has ended when this returns."""
    pid = int(Path(pidfile).read_text())
    handle = os.pidfd_open(pid)
    signal.pidfd_send_signal(handle, signal.SIGKILL)
    select.select([handle], [], [])
    os.close(handle)


def truncated(real: Answer | None) -> Answer:
    """Half of an answer whose head promises the whole."""
    if real is None:
        return Answer(200, [("Content-Type", "text/xml")], b"<half", Delivery.TRUNCATE)
    headers = [(name, value) for name, value in real.headers if name.lower() != "content-length"]
    return replace(real, headers=headers, body=real.body[: len(real.body) // 2], delivery=Delivery.TRUNCATE)
