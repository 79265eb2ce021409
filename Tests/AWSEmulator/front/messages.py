"""Requests and answers as plain values."""

import enum
import json
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Iterable
from urllib.parse import parse_qsl, unquote

SCOPE_IN_HEADER = re.compile(r"Credential=([^/,\s]+)/(\d+)/([^/]+)/([^/]+)/")


class Request:
    """One HTTP request as it came in, undecoded where a signature depends on it."""

    def __init__(self, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        self.method = method
        self.target = target
        self.raw_path, _, self.raw_query = target.partition("?")
        self.body = body
        self.headers: dict[str, str] = {}
        for name, value in headers:
            name, value = name.lower(), " ".join(value.split())
            self.headers[name] = f"{self.headers[name]},{value}" if name in self.headers else value

    @cached_property
    def path(self) -> str:
        return unquote(self.raw_path)

    @cached_property
    def query_pairs(self) -> list[tuple[str, str]]:
        """Names and values, decoded; a `+` stays a `+`, since SigV4 knows only `%20` for a space."""
        pairs = [one.partition("=") for one in self.raw_query.split("&") if one]
        return [(unquote(name), unquote(value)) for name, _, value in pairs]

    @cached_property
    def query(self) -> dict[str, str]:
        return dict(self.query_pairs)

    @cached_property
    def form(self) -> dict[str, str]:
        """The fields of a query-protocol request."""
        if not self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return {}
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    @cached_property
    def is_presigned(self) -> bool:
        return "X-Amz-Signature" in self.query or "X-Amz-Credential" in self.query

    @cached_property
    def scope(self) -> tuple[str, str, str, str] | None:
        """Access key, day, region and service that the request claims to be signed with."""
        text = self.headers.get("authorization", "")
        if self.is_presigned:
            text = f"Credential={self.query.get('X-Amz-Credential', '')}"
        match = SCOPE_IN_HEADER.search(text)
        return match.groups() if match else None

    @property
    def access_key(self) -> str | None:
        return self.scope[0] if self.scope else None


class Delivery(enum.Enum):
    """How much of an answer reaches the client."""

    WHOLE = "whole"
    TRUNCATE = "truncate"
    RESET = "reset"
    HANG = "hang"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    delivery: Delivery = Delivery.WHOLE

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def with_headers(self, **changes: str) -> "Answer":
        """The same answer with these headers set; underscores stand for hyphens."""
        new = {name.replace("_", "-").lower(): value for name, value in changes.items()}
        kept = [(name, value) for name, value in self.headers if name.lower() not in new]
        return replace(self, headers=kept + list(new.items()))

    def with_body(self, body: bytes) -> "Answer":
        return replace(self.with_headers(content_length=str(len(body))), body=body)


def json_answer(value: Any, status: int = 200) -> Answer:
    return Answer(status, [("Content-Type", "application/json")], json.dumps(value).encode())
