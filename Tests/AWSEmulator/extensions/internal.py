"""boto3 clients whose requests go straight to moto, for extensions that build on moto's own operations.

botocore checks every parameter on the way, so a template with a wrong property fails as it does at AWS.
"""

import functools
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from front.messages import Request

# Set once by `install`.
application = None


def install(moto) -> None:
    global application
    application = moto


@functools.cache
def client(service: str, region: str):
    made = boto3.client(
        service,
        region_name=region,
        endpoint_url="http://127.0.0.1",
        aws_access_key_id="AKIAEMULATORINTERNAL",
        aws_secret_access_key="internal",
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )
    made.meta.events.register("before-send", answer_from_moto)
    return made


def answer_from_moto(request, **_) -> AWSResponse:
    parts = urlsplit(request.url)
    body = request.body or b""
    if hasattr(body, "read"):
        body = body.read()
    headers = {name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()}
    headers["host"] = parts.netloc
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    answer = application(Request(request.method, target, headers.items(), body.encode() if isinstance(body, str) else body))
    response = AWSResponse(request.url, answer.status, dict(answer.headers), None)
    response._content = answer.body
    return response
