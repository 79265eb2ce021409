"""The name of the operation that a request calls.

For the query and JSON protocols the request says it; for the REST ones it follows from method, path, query
and headers, by the same models that clients are made from.
"""

import re
from dataclasses import dataclass
from functools import cache

from .messages import Request
from .services import protocol_of

PLACEHOLDER = re.compile(r"\{(\w+)(\+?)\}")


@dataclass(frozen=True)
class Route:
    """One REST operation: what a request must have to be it."""

    name: str
    method: str
    path: re.Pattern[str]
    literals: frozenset[tuple[str, str]]
    required_query: frozenset[str]
    required_headers: frozenset[str]

    def matches(self, request: Request, path: str) -> bool:
        return (
            self.method == request.method
            and self.path.fullmatch(path) is not None
            and all(request.query.get(name, None if value else "") == value for name, value in self.literals)
            and all(name in request.query for name, _ in self.literals)
            and self.required_query <= request.query.keys()
            and self.required_headers <= request.headers.keys()
        )

    @property
    def precision(self) -> int:
        """Of several routes that fit, the one that asks for most is meant: UploadPart is a PutObject with two more."""
        return len(self.literals) * 2 + len(self.required_query) + len(self.required_headers)


def operation_of(request: Request, service: str) -> str:
    target = request.headers.get("x-amz-target")
    if target:
        return target.rpartition(".")[2]
    action = request.form.get("Action") or request.query.get("Action")
    if action:
        return action
    if protocol_of(service) not in ("s3", "rest-xml", "rest-json"):
        return f"{request.method} {request.path}"
    path = s3_path(request) if service == "s3" else request.path
    fitting = [route for route in routes(service) if route.matches(request, path)]
    if not fitting:
        return f"{request.method} {request.path}"
    return max(fitting, key=lambda route: route.precision).name


def s3_path(request: Request) -> str:
    """The path with the bucket in it, also where the bucket is in the host's name."""
    bucket = re.match(r"(.+)\.s3[.-]", request.headers.get("host", ""))
    return f"/{bucket[1]}{request.path}" if bucket else request.path


@cache
def routes(service: str) -> list[Route]:
    import botocore.session

    model = botocore.session.get_session().get_service_model(service)
    return [route(model.operation_model(name)) for name in model.operation_names]


def route(operation) -> Route:
    path, _, query = operation.http["requestUri"].partition("?")
    literals = {tuple(one.partition("=")[::2]) for one in query.split("&") if one}
    literals = {(name, value) for name, value in literals if name != "x-id" and "{" not in value}
    required = {"querystring": set(), "header": set()}
    shape = operation.input_shape
    for name in shape.required_members if shape else []:
        member = shape.members[name]
        location = member.serialization.get("location")
        if location in required:
            required[location].add(member.serialization["name"])
    return Route(
        operation.name,
        operation.http["method"],
        path_pattern(path),
        frozenset(literals),
        frozenset(required["querystring"]),
        frozenset(name.lower() for name in required["header"]),
    )


def path_pattern(path: str) -> re.Pattern[str]:
    pattern, position = "", 0
    for match in PLACEHOLDER.finditer(path):
        pattern += re.escape(path[position : match.start()]) + (".+" if match[2] else "[^/]+")
        position = match.end()
    return re.compile(pattern + re.escape(path[position:]) + "/?", re.DOTALL)
