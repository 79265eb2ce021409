"""The tests' own door, `/_control`: JSON in, JSON out; README.md describes it."""

import datetime
import json
from typing import Any

from .keyring import Credentials
from .messages import Answer, Request, json_answer


class Control:
    def __init__(self, front) -> None:
        self.front = front

    def answer(self, request: Request) -> Answer:
        try:
            if request.method == "DELETE":
                self.front.reset()
                return json_answer({})
            if request.method == "POST":
                self.apply(json.loads(request.body or b"{}"))
                return json_answer({})
            if "census" in request.query:
                return json_answer(self.front.census())
            return json_answer(self.front.state(int(request.query.get("after", 0)), request.query.get("access_key", "")))
        except (ValueError, TypeError, KeyError) as error:
            return json_answer({"error": f"{type(error).__name__}: {error}"}, 400)

    def apply(self, wish: dict[str, Any]) -> None:
        front = self.front
        known = {"reset", "knobs", "keys", "expire", "strict", "clock", "clear", "withdraw", "faults", "lose_bucket"}
        if set(wish) - known:
            raise ValueError(f"unknown: {', '.join(sorted(set(wish) - known))}")
        if wish.get("reset"):
            front.reset()
        if "clear" in wish:
            self.clear(wish["clear"])
        if "withdraw" in wish:
            front.faults.withdraw(wish["withdraw"])
        if "lose_bucket" in wish:
            front.moto.lose_bucket(wish["lose_bucket"])
        front.knobs.update(wish.get("knobs", {}))
        for key in wish.get("keys", []):
            front.keyring.add(self.credentials(**key))
        if "expire" in wish:
            front.keyring.expire(None if wish["expire"] == "all" else wish["expire"])
        front.strict = wish.get("strict", front.strict)
        front.clock.shift_seconds = wish.get("clock", front.clock.shift_seconds)
        front.faults.add(wish.get("faults", []))

    def clear(self, names: list[str]) -> None:
        parts = {"calls": self.front.recorder.clear, "faults": self.front.faults.clear}
        for name in names:
            parts[name]()

    def credentials(self, access_key: str, secret_key: str, token: str | None = None, lifetime: float | None = None) -> Credentials:
        expires: datetime.datetime | None = None if lifetime is None else self.front.clock.after(lifetime)
        return Credentials(access_key, secret_key, token, expires)
