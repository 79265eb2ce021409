"""Requests as botocore signs them, at a given time."""

import base64
import datetime
from typing import Any
from unittest import mock

import dateutil.parser
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials


def sign(
    service: str,
    region: str,
    method: str,
    url: str,
    credentials: dict[str, str],
    time: str,
    headers: dict[str, str] | None = None,
    body_base64: str = "",
    kind: str = "header",
    expires: int = 3600,
) -> dict[str, Any]:
    request = AWSRequest(method, url, headers or {}, base64.b64decode(body_base64))
    # S3's payload is always signed here; botocore would leave it out over HTTPS where a checksum is there.
    request.context["client_config"] = Config(s3={"payload_signing_enabled": True})
    keys = Credentials(credentials["access_key"], credentials["secret_key"], credentials.get("token"))
    if kind == "presign":
        signer = (S3SigV4QueryAuth if service == "s3" else SigV4QueryAuth)(keys, service, region, expires=expires)
    else:
        signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(keys, service, region)
    moment = dateutil.parser.isoparse(time).astimezone(datetime.timezone.utc).replace(tzinfo=None)
    with mock.patch("botocore.auth.get_current_datetime", lambda *_, **__: moment):
        signer.add_auth(request)
    return {"headers": dict(request.headers.items()), "url": request.url}
