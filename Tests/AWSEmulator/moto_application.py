"""moto as a function from request to answer, without a server of its own."""

import io
import os
import threading
from urllib.parse import unquote_to_bytes

from catalogue import write_catalogue

# moto reads these when it is imported.
os.environ.update(
    MOTO_AMIS_PATH=write_catalogue(),
    MOTO_ENABLE_AMI_VALIDATION="1",
    MOTO_ENABLE_KEYPAIR_VALIDATION="1",
    MOTO_S3_DEFAULT_KEY_BUFFER_SIZE=str(64 << 20),
    AWS_EC2_METADATA_DISABLED="true",
)

from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends

from front.identities import ACCOUNT
from front.messages import Answer, Request
from front.services import region_of


class MotoApplication:
    """Hands requests to moto, one at a time: its models are not made for threads, and a lock keeps them whole.

    The lock is one that the same thread may take twice, since extensions call moto while it answers.
    """

    def __init__(self) -> None:
        self.application = DomainDispatcherApplication(create_backend_app)
        self.lock = threading.RLock()

    def __call__(self, request: Request) -> Answer:
        status_and_headers = []

        def start(status: str, headers: list[tuple[str, str]], _=None) -> None:
            status_and_headers[:] = [int(status.split()[0]), headers]

        with self.lock:
            chunks = self.application(environment(request), start)
            body = b"".join(chunks)
            if hasattr(chunks, "close"):
                chunks.close()
        status, headers = status_and_headers
        return Answer(status, [one for one in headers if one[0].lower() not in CROSS_ORIGIN], body)

    def bucket_region(self, name: str) -> str | None:
        bucket = s3_backends[ACCOUNT]["aws"].buckets.get(name)
        return bucket.region_name if bucket else None

    def lose_bucket(self, name: str) -> None:
        """Removes it with all that is in it, as somebody else would."""
        with self.lock:
            backend = s3_backends[ACCOUNT]["aws"]
            backend.buckets[name].keys.clear()
            backend.delete_bucket(name)

    def reset(self) -> None:
        with self.lock:
            moto_api_backend.reset()


CROSS_ORIGIN = {"access-control-allow-origin", "access-control-allow-methods", "access-control-allow-headers", "access-control-expose-headers"}


def environment(request: Request) -> dict:
    """The request as WSGI has it."""
    variables = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(request.raw_path).decode("latin-1"),
        "QUERY_STRING": request.raw_query,
        "RAW_URI": request.target,
        "REQUEST_URI": request.target,
        "CONTENT_LENGTH": str(len(request.body)),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    headers = dict(request.headers)
    # Not a region hint in the user agent but the signature's scope shall say the region.
    headers["user-agent"] = "emulator"
    if request.is_presigned and request.scope:
        key, day, region, service = request.scope
        headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={key}/{day}/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        if name == "content-type":
            variables[key] = value
        elif name not in ("content-length", "transfer-encoding"):
            variables[f"HTTP_{key}"] = value
    return variables
