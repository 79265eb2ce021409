"""Checksums of S3 objects, as request headers promise them."""

import base64
import binascii
import hashlib
from typing import Callable

from awscrt import checksums as crt

from .errors import ServiceError
from .messages import Request

ALGORITHMS: dict[str, Callable[[bytes], bytes]] = {
    "CRC64NVME": lambda data: crt.crc64nvme(data).to_bytes(8, "big"),
    "CRC32C": lambda data: crt.crc32c(data).to_bytes(4, "big"),
    "CRC32": lambda data: binascii.crc32(data).to_bytes(4, "big"),
    "SHA1": lambda data: hashlib.sha1(data).digest(),
    "SHA256": lambda data: hashlib.sha256(data).digest(),
}
DEFAULT = "CRC64NVME"
HEADER = "x-amz-checksum-"


def checksum(data: bytes, algorithm: str) -> str:
    return base64.b64encode(ALGORITHMS[algorithm](data)).decode()


def composite(parts: list[str], algorithm: str) -> str:
    """The checksum of the parts' checksums, with their number, as S3 writes it."""
    joined = b"".join(base64.b64decode(one) for one in parts)
    return f"{checksum(joined, algorithm)}-{len(parts)}"


def given_checksum(headers: dict[str, str]) -> tuple[str, str] | None:
    """Algorithm and value of the checksum that the request carries."""
    for algorithm in ALGORITHMS:
        value = headers.get(HEADER + algorithm.lower())
        if value:
            return algorithm, value
    return None


def body_error(request: Request) -> ServiceError | None:
    """What is wrong with the body, by the checksums in the head; None if they fit."""
    given = given_checksum(request.headers)
    if given:
        algorithm, value = given
        if checksum(request.body, algorithm) != value:
            return ServiceError(400, "BadDigest", f"The {algorithm} you specified did not match the calculated checksum.")
    md5 = request.headers.get("content-md5")
    if md5 and base64.b64encode(hashlib.md5(request.body).digest()).decode() != md5:
        return ServiceError(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
    return None
