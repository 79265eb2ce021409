"""Operations written as requests, and answers read as values, by botocore."""

import base64
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import create_request_object, prepare_request_dict
from botocore.compat import HTTPHeaders
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from .services import protocol, service_model
from .values import from_json, to_json

PLACE = "https://example.invalid"


def serialize(service: str, operation: str, params: dict[str, Any]) -> dict[str, Any]:
    """Before signing and without what a client adds: no user agent, no invented client token."""
    model = service_model(service).operation_model(operation)
    serializer = create_serializer(protocol(service), include_validation=True)
    written = serializer.serialize_to_request(from_json(params), model)
    prefix = written.get("host_prefix")
    prepare_request_dict(written, endpoint_url=PLACE, context={})
    request = create_request_object(written).prepare()
    body = request.body or b""
    if hasattr(body, "read"):
        body = body.read()
    parts = urlsplit(request.url.removeprefix(PLACE)) if not prefix else urlsplit(request.url)
    return {
        "method": request.method,
        "url": parts.path + (f"?{parts.query}" if parts.query else ""),
        "headers": {name: text(value) for name, value in request.headers.items()},
        "body_base64": base64.b64encode(body if isinstance(body, (bytes, bytearray)) else body.encode()).decode(),
        "host_prefix": prefix,
    }


def parse(service: str, operation: str, status: int, headers: dict[str, str], body_base64: str = "") -> dict[str, Any]:
    model = service_model(service).operation_model(operation)
    named = HTTPHeaders()
    for name, value in headers.items():
        named[name] = value
    answer = {"status_code": status, "headers": named, "body": base64.b64decode(body_base64), "context": {"operation_name": operation}}
    return {"parsed": to_json(create_parser(protocol(service)).parse(answer, model.output_shape))}


def text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
