"""S3 checksums: kept, computed where none was given, answered and compared as S3 does since 2024.

The front has already compared a body with the checksums in its head; here they are stored.
"""

import re
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from moto.s3.exceptions import InvalidPart, PreconditionFailed, S3ClientError
from moto.s3.models import FakeKey, FakeMultipart
from moto.s3.responses import S3Response
from werkzeug.datastructures import Headers

from front.checksums import DEFAULT, HEADER, checksum, composite, given_checksum

from .patching import replace_method


class BadDigest(S3ClientError):
    code = "BadDigest"

    def __init__(self, algorithm: str) -> None:
        super().__init__("BadDigest", f"The {algorithm} you specified did not match the calculated checksum.")


@dataclass(frozen=True)
class Sum:
    algorithm: str
    value: str
    kind: str

    def headers(self) -> dict[str, str]:
        return {HEADER + self.algorithm.lower(): self.value, "x-amz-checksum-type": self.kind}


def install(knobs) -> None:
    @replace_method(S3Response)
    def put_object(old, self) -> Any:
        answer = old()
        algorithm, value = given_checksum(lowered(self.headers)) or (DEFAULT, None)
        key = self.backend.get_object(self.bucket_name, self.parse_key_name())
        keep(key, Sum(algorithm, value or checksum(key.value, algorithm), "FULL_OBJECT"))
        return with_headers(answer, sum_of(key).headers())

    @replace_method(S3Response)
    def upload_part(old, self) -> Any:
        answer = old()
        upload = uploads_of(self)[self._get_param("uploadId")]
        part = upload.parts[self._get_int_param("partNumber")]
        given = given_checksum(lowered(self.headers))
        algorithm = given[0] if given else algorithm_of(upload)
        keep(part, Sum(algorithm, given[1] if given else checksum(part.value, algorithm), "FULL_OBJECT"))
        return with_headers(answer, {HEADER + algorithm.lower(): sum_of(part).value})

    @replace_method(S3Response)
    def copy_object(old, self) -> Any:
        answer = old()
        key = self.backend.get_object(self.bucket_name, self.parse_key_name())
        algorithm = self.headers.get("x-amz-checksum-algorithm") or DEFAULT
        keep(key, Sum(algorithm, checksum(key.value, algorithm), "FULL_OBJECT"))
        value = sum_of(key)
        status, headers, body = answer
        body = with_element(body, "CopyObjectResult", checksum_elements(value))
        return status, {**headers, "content-length": str(len(body))}, body

    @replace_method(S3Response)
    def _key_response_post(old, self, request: Any, body: bytes, bucket_name: str, query: dict, key_name: str) -> Any:
        upload_id = query.get("uploadId", [None])[0]
        upload = uploads_of(self).get(upload_id) if upload_id else None
        wanted = completed_sum(upload, body, lowered(self.headers)) if upload else None
        answer = old(request, body, bucket_name, query, key_name)
        if "uploads" in query:
            return answer
        if upload_id is None or answer[0] != 200:
            return answer
        key = self.backend.get_object(bucket_name, key_name)
        if wanted:
            keep(key, wanted)
        status, headers, text = answer
        text = with_element(text, "CompleteMultipartUploadResponse", checksum_elements(sum_of(key)))
        return status, {**headers, "content-length": str(len(text))}, text

    @replace_method(S3Response)
    def list_parts(old, self) -> Any:
        status, headers, body = old()
        for part in uploads_of(self)[self._get_param("uploadId")].parts.values():
            value = sum_of(part)
            mark = f"<PartNumber>{part.name}</PartNumber>"
            body = as_text(body).replace(mark, mark + element(value.algorithm, value.value), 1)
        return status, {**headers, "content-length": str(len(body))}, body

    @replace_method(S3Response)
    def get_object(old, self) -> Any:
        whole = whole_of_part(self, self.headers)
        if whole:
            self.headers = unconditional(self.headers)
            return part_answer(self, only_part(old(), whole, int(self._get_param("partNumber"))), whole, self.headers)
        answer = old()
        if self.headers.get("x-amz-checksum-mode") != "ENABLED" or answer[0] not in (200, 206):
            return without_checksums(answer)
        key = self.backend.get_object(self.bucket_name, self.parse_key_name(), version_id=self._get_param("versionId"))
        return with_headers(without_checksums(answer), sum_of(key).headers())

    @replace_method(S3Response)
    def head_object(old, self, bucket_name: str, query: dict, key_name: str, headers: dict) -> Any:
        whole = whole_of_part(self, headers)
        if whole:
            return part_answer(self, old(bucket_name, query, key_name, unconditional(headers)), whole, headers)
        answer = without_checksums(old(bucket_name, query, key_name, headers))
        if headers.get("x-amz-checksum-mode") != "ENABLED" or answer[0] != 200 or "range" in headers:
            return answer
        key = self.backend.get_object(bucket_name, key_name, version_id=query.get("versionId", [None])[0])
        return with_headers(answer, sum_of(key).headers())


def whole_of_part(self, headers: dict) -> FakeKey | None:
    """The object, where one of its parts is asked for; its tag is compared here, since moto takes the part's."""
    if not self._get_param("partNumber"):
        return None
    key = self.backend.get_object(self.bucket_name, self.parse_key_name())
    if key is None or not key.multipart:
        return None
    wanted = headers.get("If-Match")
    if wanted and wanted != key.etag:
        raise PreconditionFailed("If-Match")
    return key


def unconditional(headers: Any) -> Headers:
    return Headers([(name, value) for name, value in headers.items() if name.lower() != "if-match"])


def only_part(answer: Any, whole: FakeKey, number: int) -> Any:
    """moto answers with the whole object."""
    parts = whole.multipart.parts
    first = sum(parts[earlier].size for earlier in range(1, number))
    value = whole.value[first : first + parts[number].size]
    head = {"content-range": f"bytes {first}-{first + len(value) - 1}/{whole.size}", "content-length": str(len(value))}
    return 206, with_headers(answer, head)[1], value


def part_answer(self, answer: Any, whole: FakeKey, headers: dict) -> Any:
    """A part has the tag of the whole, the number of parts, and a checksum of its own."""
    answer = with_headers(
        without_checksums(answer), {"ETag": whole.etag, "x-amz-mp-parts-count": str(len(whole.multipart.parts))}
    )
    part = whole.multipart.parts[int(self._get_param("partNumber"))]
    if headers.get("x-amz-checksum-mode") == "ENABLED" and sum_of(whole).kind == "COMPOSITE":
        answer = with_headers(answer, {**sum_of(part).headers(), "x-amz-checksum-type": "COMPOSITE"})
    return answer


def completed_sum(upload: FakeMultipart, body: bytes, headers: dict[str, str]) -> Sum:
    """The checksum of the object that the parts make; refuses one in the request that is another."""
    parts = [upload.parts.get(number) for number in part_numbers(body)]
    if None in parts:
        raise InvalidPart()
    compare_parts(parts, body)
    algorithm = algorithm_of(upload)
    kind = upload.metadata.get("x-amz-checksum-type") or ("FULL_OBJECT" if algorithm == DEFAULT else "COMPOSITE")
    if kind == "COMPOSITE":
        value = composite([part_sum(one, algorithm) for one in parts], algorithm)
    else:
        value = checksum(b"".join(one.value for one in parts), algorithm)
    given = given_checksum(headers)
    if given and given[1].split("-")[0] != value.split("-")[0]:
        raise BadDigest(given[0])
    return Sum(algorithm, value, kind)


def part_sum(part: FakeKey, algorithm: str) -> str:
    value = sum_of(part)
    return value.value if value.algorithm == algorithm else checksum(part.value, algorithm)


def compare_parts(parts: list[FakeKey], body: bytes) -> None:
    """A part's checksum in the list must be the one that was uploaded."""
    for part, given in zip(parts, part_elements(body)):
        value = sum_of(part)
        stated = given.findtext(f"{{*}}Checksum{value.algorithm}")
        if stated and stated != value.value:
            raise InvalidPart()


def part_elements(body: bytes) -> list:

    return ElementTree.fromstring(body).findall("{*}Part")


def part_numbers(body: bytes) -> list[int]:
    return [int(one.findtext("{*}PartNumber")) for one in part_elements(body)]


def algorithm_of(upload: FakeMultipart) -> str:
    return upload.metadata.get("x-amz-checksum-algorithm") or DEFAULT


def uploads_of(response: S3Response) -> dict[str, FakeMultipart]:
    return response.backend.get_bucket(response.bucket_name).multiparts


def keep(key: FakeKey, value: Sum) -> None:
    key.checksum_sum = value
    # moto's own notion of it, which GetObjectAttributes answers.
    key.checksum_algorithm, key.checksum_value, key.checksum_type = value.algorithm, value.value, value.kind


def sum_of(key: FakeKey) -> Sum:
    """What is kept, or what S3 would have computed itself for an object that moto made (an export, say)."""
    if not hasattr(key, "checksum_sum"):
        keep(key, Sum(DEFAULT, checksum(key.value, DEFAULT), "FULL_OBJECT"))
    return key.checksum_sum


def lowered(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def with_headers(answer: Any, more: dict[str, str]) -> Any:
    status, headers, body = answer
    taken = {name.lower() for name in more}
    return status, {name: value for name, value in headers.items() if name.lower() not in taken} | more, body


def without_checksums(answer: Any) -> Any:
    status, headers, body = answer
    return status, {name: value for name, value in headers.items() if not name.lower().startswith(HEADER)}, body


def element(algorithm: str, value: str) -> str:
    return f"<Checksum{algorithm}>{value}</Checksum{algorithm}>"


def checksum_elements(value: Sum) -> str:
    return element(value.algorithm, value.value) + f"<ChecksumType>{value.kind}</ChecksumType>"


def with_element(body: Any, root: str, more: str) -> str:
    """The document with more elements at its end, and none of moto's own checksums."""

    text = re.sub(r"<Checksum\w+>.*?</Checksum\w+>", "", as_text(body))
    return text.replace(f"</{root}>", f"{more}</{root}>")


def as_text(body: Any) -> str:
    return body.decode() if isinstance(body, bytes) else body


