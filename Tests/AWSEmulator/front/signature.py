"""Signature Version 4, checked from the bytes that arrived.

Written from AWS's description and without botocore, which the tests use on the client's side: two
implementations that share code cannot catch each other's mistakes.
"""

import datetime
import hashlib
import hmac
import posixpath
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from .clock import Clock, basic_format
from .keyring import Keyring
from .messages import Request
from .services import GLOBAL_SERVICES

ALGORITHM = "AWS4-HMAC-SHA256"
TOLERANCE = datetime.timedelta(minutes=15)
LONGEST_PRESIGNED = 7 * 24 * 3600
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=(?P<credential>[^,\s]+),\s*SignedHeaders=(?P<headers>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]{{64}})"
)
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
UNRESERVED = "-_.~"


class Refusal(Exception):
    """A request that AWS would not have accepted: `reason` is a key of `errors.REFUSALS`."""

    def __init__(self, reason: str, message: str = "", **details: str) -> None:
        super().__init__(message or reason)
        self.reason = reason
        self.message = message
        self.details = details


@dataclass(frozen=True)
class Claim:
    """What the request says about its own signature."""

    access_key: str
    day: str
    region: str
    service: str
    signed_headers: list[str]
    signature: str
    date: str
    token: str | None
    lifetime: int | None

    @property
    def scope(self) -> str:
        return f"{self.day}/{self.region}/{self.service}/aws4_request"

    @property
    def is_presigned(self) -> bool:
        return self.lifetime is not None


def verify(request: Request, service: str, keyring: Keyring, clock: Clock) -> None:
    """Returns if the request is signed as AWS demands, else raises a `Refusal`."""
    claim = read_claim(request)
    credentials = keyring.find(claim.access_key)
    if credentials is None:
        raise Refusal("unknown key", access_key=claim.access_key)
    check_scope(claim, service)
    check_time(claim, clock)
    check_signed_headers(claim, request)
    payload_hash = payload_hash_of(request, claim)
    canonical = canonical_request(request, claim, payload_hash)
    to_sign = string_to_sign(claim, canonical)
    if not hmac.compare_digest(sign(credentials.secret_key, claim, to_sign), claim.signature):
        raise Refusal(
            "wrong signature",
            access_key=claim.access_key,
            canonical_request=canonical,
            string_to_sign=to_sign,
            signature=claim.signature,
        )
    if not keyring.has_right_token(credentials, claim.token):
        raise Refusal("wrong token")
    if keyring.is_expired(credentials):
        raise Refusal("expired token")
    check_body(request, payload_hash)


def read_claim(request: Request) -> Claim:
    if request.is_presigned:
        return read_presigned_claim(request)
    if "authorization" not in request.headers:
        raise Refusal("no signature")
    match = AUTHORIZATION.fullmatch(request.headers["authorization"])
    if not match:
        raise Refusal("malformed", "Authorization header is not of the form AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…")
    date = request.headers.get("x-amz-date", "")
    if not re.fullmatch(r"\d{8}T\d{6}Z", date):
        raise Refusal("malformed", "Date in ISO8601 basic format must be in the 'x-amz-date' header.")
    return Claim(
        *split_credential(match["credential"]),
        match["headers"].split(";"),
        match["signature"],
        date,
        request.headers.get("x-amz-security-token"),
        None,
    )


def read_presigned_claim(request: Request) -> Claim:
    query = request.query
    names = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature")
    missing = [name for name in names if name not in query]
    if missing or query["X-Amz-Algorithm"] != ALGORITHM or not re.fullmatch(r"\d{8}T\d{6}Z", query["X-Amz-Date"]):
        raise Refusal("malformed", f"Query-string authentication needs {', '.join(missing or names)}")
    lifetime = int(query["X-Amz-Expires"])
    if not 0 < lifetime <= LONGEST_PRESIGNED:
        raise Refusal("malformed", "X-Amz-Expires must be between 1 second and a week")
    return Claim(
        *split_credential(query["X-Amz-Credential"]),
        query["X-Amz-SignedHeaders"].split(";"),
        query["X-Amz-Signature"],
        query["X-Amz-Date"],
        query.get("X-Amz-Security-Token"),
        lifetime,
    )


def split_credential(credential: str) -> tuple[str, str, str, str]:
    parts = credential.split("/")
    if len(parts) != 5 or parts[4] != "aws4_request":
        raise Refusal("malformed", f"Credential must be <key>/<day>/<region>/<service>/aws4_request: {credential}")
    return parts[0], parts[1], parts[2], parts[3]


def check_scope(claim: Claim, service: str) -> None:
    if claim.service != service:
        raise Refusal("wrong scope", f"Credential should be scoped to correct service: '{service}'. ")
    if not REGION.fullmatch(claim.region) or (service in GLOBAL_SERVICES and claim.region != "us-east-1"):
        raise Refusal("wrong scope", f"Credential should be scoped to a valid region, not '{claim.region}'. ")
    if claim.day != claim.date[:8]:
        raise Refusal("wrong scope", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP. ")


def check_time(claim: Claim, clock: Clock) -> None:
    now = clock.now()
    signed_at = datetime.datetime.strptime(claim.date, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    if claim.is_presigned:
        ends = signed_at + datetime.timedelta(seconds=claim.lifetime)
        if now > ends or signed_at > now + TOLERANCE:
            raise Refusal("presigned expired", lifetime=str(claim.lifetime), ends=ends.isoformat(), now=now.isoformat())
    elif abs(now - signed_at) > TOLERANCE:
        raise skewed(claim.date, signed_at, now)


def skewed(date: str, signed_at: datetime.datetime, now: datetime.datetime) -> Refusal:
    """The refusal of a request whose time is off, in the words AWS has for it."""
    if signed_at < now:
        edge = basic_format(now - TOLERANCE)
        text = f"Signature expired: {date} is now earlier than {edge} ({basic_format(now)} - 15 min.)"
    else:
        edge = basic_format(now + TOLERANCE)
        text = f"Signature not yet current: {date} is still later than {edge} ({basic_format(now)} + 15 min.)"
    return Refusal("skewed past" if signed_at < now else "skewed future", text, date=date, now=now.isoformat())


def check_signed_headers(claim: Claim, request: Request) -> None:
    signed = claim.signed_headers
    if signed != sorted(signed) or any(name != name.lower() for name in signed):
        raise Refusal("malformed", "SignedHeaders must be lower-case and sorted")
    needed = {"host"} | {name for name in request.headers if name.startswith("x-amz-")}
    missing = sorted(needed - set(signed))
    if missing:
        raise Refusal("unsigned headers", f"There were headers present in the request which were not signed: {', '.join(missing)}")
    absent = [name for name in signed if name not in request.headers]
    if absent:
        raise Refusal("malformed", f"Signed headers that were not sent: {', '.join(absent)}")


def payload_hash_of(request: Request, claim: Claim) -> str:
    """The hash that was signed; whether it is the body's is checked after the signature, as S3 does."""
    claimed = request.headers.get("x-amz-content-sha256")
    if claim.service != "s3":
        return hashlib.sha256(request.body).hexdigest()
    if claim.is_presigned:
        return claimed or UNSIGNED_PAYLOAD
    if claimed is None:
        raise Refusal("no payload hash")
    if not re.fullmatch(r"[0-9a-f]{64}", claimed):
        raise Refusal("payload not signed", f"The payload must be signed; x-amz-content-sha256 is {claimed}")
    return claimed


def check_body(request: Request, payload_hash: str) -> None:
    real = hashlib.sha256(request.body).hexdigest()
    claimed = request.headers.get("x-amz-content-sha256", payload_hash)
    if claimed not in (real, UNSIGNED_PAYLOAD):
        raise Refusal("wrong payload hash", claimed=claimed, real=real)


def canonical_request(request: Request, claim: Claim, payload_hash: str) -> str:
    headers = "".join(f"{name}:{request.headers[name]}\n" for name in claim.signed_headers)
    return "\n".join(
        (
            request.method,
            canonical_path(request.raw_path, claim.service),
            canonical_query(request.query_pairs),
            headers,
            ";".join(claim.signed_headers),
            payload_hash,
        )
    )


def canonical_path(raw_path: str, service: str) -> str:
    """S3 encodes a path once and takes it as it is; the others tidy it and encode what was sent once more."""
    if service == "s3":
        return encode(unquote(raw_path, errors="surrogateescape"), safe="/") or "/"
    tidy = posixpath.normpath(raw_path or "/").replace("//", "/")
    if raw_path.endswith("/") and tidy != "/":
        tidy += "/"
    return encode(tidy, safe="/")


def canonical_query(pairs: list[tuple[str, str]]) -> str:
    encoded = sorted((encode(name), encode(value)) for name, value in pairs if name != "X-Amz-Signature")
    return "&".join(f"{name}={value}" for name, value in encoded)


def encode(text: str, safe: str = "") -> str:
    return quote(text, safe=safe + UNRESERVED, errors="surrogateescape")


def string_to_sign(claim: Claim, canonical: str) -> str:
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return "\n".join((ALGORITHM, claim.date, claim.scope, digest))


def sign(secret_key: str, claim: Claim, to_sign: str) -> str:
    key = f"AWS4{secret_key}".encode()
    for part in (claim.day, claim.region, claim.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()
