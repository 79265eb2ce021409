"""What a test orders to go wrong."""

import re
import time
from typing import Any, Callable

from messages import Answer, Request, refusal


class Faults:
    def __init__(self) -> None:
        self.orders: list[dict[str, Any]] = []

    def take(self, request: Request, repository: str | None) -> dict[str, Any] | None:
        for order in self.orders:
            if order.get("repository") not in (None, repository) or order.get("method") not in (None, request.method):
                continue
            if not re.search(order.get("path", ""), request.path):
                continue
            order["times"] = order.get("times", 1) - 1
            if order["times"] <= 0:
                self.orders.remove(order)
            return order
        return None


def spoil(order: dict[str, Any], do: Callable[[], Answer]) -> tuple[Answer, bool]:
    """The answer, and whether the request was done."""
    kind = order["kind"]
    if kind == "lose":
        return Answer(0, spoiled="reset"), False
    if kind == "status":
        return refusal(order["status"], order.get("message", "ordered"), order.get("headers")), False
    if kind == "primary":
        reset = int(time.time()) + order.get("seconds", 0)
        headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}
        return refusal(403, "API rate limit exceeded for user ID 1.", headers), False
    if kind == "secondary":
        headers = {"Retry-After": str(order["seconds"])} if "seconds" in order else {}
        return refusal(order.get("status", 403), "You have exceeded a secondary rate limit.", headers), False
    answer = do()
    if kind == "lose-answer":
        answer.spoiled = "reset"
    elif kind == "truncate":
        answer.spoiled = "truncate"
    elif kind == "not-json":
        answer.raw = b"<html>Log in to this network first</html>"
    elif kind == "elsewhere":
        answer.headers["Link"] = '<https://api.example.com/repos/a/b/releases?page=2>; rel="next"'
    return answer, True
