"""JSON has neither bytes nor times: `{"$blob": base64}` and `{"$time": ISO}` stand for them."""

import base64
import datetime
from typing import Any

import dateutil.parser
from botocore.response import StreamingBody


def from_json(value: Any) -> Any:
    if isinstance(value, list):
        return [from_json(one) for one in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"$blob"}:
        return base64.b64decode(value["$blob"])
    if value.keys() == {"$time"}:
        return dateutil.parser.isoparse(value["$time"])
    return {name: from_json(one) for name, one in value.items()}


def to_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): to_json(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(one) for one in value]
    if isinstance(value, (bytes, bytearray)):
        return {"$blob": base64.b64encode(value).decode()}
    if isinstance(value, datetime.datetime):
        return {"$time": iso(value)}
    if isinstance(value, StreamingBody):
        return to_json(value.read())
    return value


def iso(moment: datetime.datetime) -> str:
    """UTC, with a fraction only where there is one."""
    text = moment.astimezone(datetime.timezone.utc).isoformat(timespec="auto")
    return text.replace("+00:00", "Z")
