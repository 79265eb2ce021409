"""The small ways in which moto's S3 answers differ from S3's on the wire."""

import re

from .messages import Answer

# moto names the document after the operation; S3 has names of its own.
ROOTS = {
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "ListParts": "ListPartsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "DeleteObjects": "DeleteResult",
    "ListObjectsV2": "ListBucketResult",
    "ListObjects": "ListBucketResult",
    "ListBuckets": "ListAllMyBucketsResult",
}
ROOT = re.compile(rb"(<\?xml[^>]*\?>\s*)?<(\w+)( [^>]*)?>")


def as_s3_sends_it(answer: Answer, action: str) -> Answer:
    request_id = (answer.header("x-amzn-requestid") or "0" * 16).upper()
    dropped = {"x-amzn-requestid"}
    if answer.header("x-amz-version-id") == "null":
        dropped.add("x-amz-version-id")
    if not answer.body and (answer.header("content-type") or "").startswith("text/html"):
        dropped.add("content-type")
    headers = [one for one in answer.headers if one[0].lower() not in dropped]
    headers += [("x-amz-request-id", request_id[:16]), ("x-amz-id-2", request_id)]
    answer = Answer(answer.status, headers, answer.body, answer.delivery)
    root = ROOTS.get(action)
    return answer.with_body(renamed(answer.body, root)) if root and answer.status == 200 and answer.body else answer


def renamed(body: bytes, root: str) -> bytes:
    """The document under its right name; what is no document, or one already named so, stays."""
    match = ROOT.match(body)
    if not match or match[2] == root.encode():
        return body
    old, new = match[2], root.encode()
    start = (match[1] or b"") + b"<" + new + (match[3] or b"") + b">"
    rest = body[match.end() :]
    end = b"</" + old + b">"
    return start + (rest.removesuffix(end) + b"</" + new + b">" if rest.endswith(end) else rest)
