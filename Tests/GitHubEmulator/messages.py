"""A request as it came, and an answer before it is sent."""

import json
from dataclasses import dataclass, field
from typing import Any

DOCUMENTATION = "https://docs.github.com/rest"


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    # Where this server is, with what was before the path: links lead back there.
    base: str

    @property
    def token(self) -> str:
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme.lower() in ("bearer", "token") else ""


@dataclass
class Answer:
    status: int
    content: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    # How it is spoiled on its way: `reset` or `truncate`.
    spoiled: str | None = None
    raw: bytes | None = None

    @property
    def body(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return b"" if self.content is None else json.dumps(self.content).encode()


def refusal(status: int, message: str, headers: dict[str, str] | None = None, errors: list | None = None) -> Answer:
    content = {"message": message, "documentation_url": DOCUMENTATION, "status": str(status)}
    if errors:
        content["errors"] = errors
    return Answer(status, content, headers or {})
