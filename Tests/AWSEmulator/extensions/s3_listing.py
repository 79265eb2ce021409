"""S3 details that moto has differently: pages of unfinished uploads, copy ranges, a missing upload."""

import datetime
from typing import Any
from urllib.parse import unquote

from moto.core.responses import ActionResult
from moto.s3.exceptions import NoSuchUpload, S3ClientError
from moto.s3.models import S3Backend
from moto.s3.responses import S3Response

from .patching import replace_method

PAGE = 1000


def install(knobs) -> None:
    @replace_method(S3Backend)
    def create_multipart_upload(old, self, *arguments: Any, **named: Any) -> Any:
        upload = old(*arguments, **named)
        upload.initiated = datetime.datetime.now(datetime.timezone.utc)
        return upload

    @replace_method(S3Backend)
    def delete_object(old, self, bucket_name: str, *arguments: Any, **named: Any) -> Any:
        """moto knows no old versions any more where versioning is suspended."""
        bucket = self.get_bucket(bucket_name)
        if bucket.versioning_status != "Suspended" or not (named.get("version_id") or arguments[1:2]):
            return old(bucket_name, *arguments, **named)
        bucket.versioning_status = "Enabled"
        try:
            return old(bucket_name, *arguments, **named)
        finally:
            bucket.versioning_status = "Suspended"

    @replace_method(S3Response)
    def list_multipart_uploads(old, self) -> Any:
        """moto answers one page with a made-up date."""
        query = {name: values[0] for name, values in self.querystring.items()}
        size = min(int(query.get("max-uploads") or knobs.page_size or PAGE), PAGE)
        uploads = sorted(self.backend.get_bucket(self.bucket_name).multiparts.values(), key=lambda one: (one.key_name, one.id))
        uploads = [one for one in uploads if one.key_name.startswith(query.get("prefix", ""))]
        after = (query.get("key-marker", ""), query.get("upload-id-marker") or "\U0010ffff")
        if query.get("key-marker"):
            uploads = [one for one in uploads if (one.key_name, one.id) > after]
        shown = uploads[:size]
        result = {
            "Bucket": self.bucket_name,
            "KeyMarker": query.get("key-marker", ""),
            "UploadIdMarker": query.get("upload-id-marker", ""),
            "MaxUploads": size,
            "IsTruncated": len(uploads) > size,
            "Uploads": [description(one) for one in shown],
        }
        if len(uploads) > size:
            result |= {"NextKeyMarker": shown[-1].key_name, "NextUploadIdMarker": shown[-1].id}
        self.data["Action"] = "ListMultipartUploads"
        return self.serialized(ActionResult(result))

    @replace_method(S3Response)
    def get_bucket_versioning(old, self) -> Any:
        """moto names the document after the operation."""
        return with_root(old(), "GetBucketVersioningResponse", "VersioningConfiguration")

    @replace_method(S3Response)
    def list_object_versions(old, self) -> Any:
        if knobs.page_size:
            self.querystring.setdefault("max-keys", [str(knobs.page_size)])
        return with_root(old(), "ListObjectVersionsResponse", "ListVersionsResult")

    @replace_method(S3Response)
    def upload_part(old, self) -> Any:
        refuse_unknown_upload(self)
        return old()

    @replace_method(S3Response)
    def upload_part_copy(old, self) -> Any:
        refuse_unknown_upload(self)
        check_range(self)
        return old()

    @replace_method(S3Response)
    def _key_response_post(old, self, request: Any, body: bytes, bucket_name: str, query: dict, key_name: str) -> Any:
        upload_id = query.get("uploadId", [None])[0]
        existing = self.backend.get_object(bucket_name, key_name) if upload_id else None
        done_before = existing is not None and existing.multipart and existing.multipart.id == upload_id
        if upload_id and not done_before and upload_id not in self.backend.get_bucket(bucket_name).multiparts:
            raise NoSuchUpload(upload_id=upload_id)
        return old(request, body, bucket_name, query, key_name)


def with_root(answer: Any, found: str, wanted: str) -> Any:
    status, headers, body = answer
    text = body.decode() if isinstance(body, bytes) else body
    return status, headers, text.replace(f"<{found}", f"<{wanted}", 1).replace(f"</{found}>", f"</{wanted}>")


def description(upload: Any) -> dict[str, Any]:
    owner = {"ID": "emulator", "DisplayName": "emulator"}
    return {
        "Key": upload.key_name,
        "UploadId": upload.id,
        "Initiator": owner,
        "Owner": owner,
        "StorageClass": upload.storage or "STANDARD",
        "Initiated": upload.initiated.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "ChecksumAlgorithm": upload.metadata.get("x-amz-checksum-algorithm"),
        "ChecksumType": upload.metadata.get("x-amz-checksum-type"),
    }


def refuse_unknown_upload(response: S3Response) -> None:
    upload_id = response._get_param("uploadId")
    if upload_id not in response.backend.get_bucket(response.bucket_name).multiparts:
        raise NoSuchUpload(upload_id=upload_id)


def check_range(response: S3Response) -> None:
    """A copy range must lie inside the source; moto copies what there is and says nothing."""
    text = response.headers.get("x-amz-copy-source-range")
    if not text:
        return

    bucket, _, key = unquote(response.headers["x-amz-copy-source"].partition("?")[0]).lstrip("/").partition("/")
    source = response.backend.get_object(bucket, key)
    first, _, last = text.removeprefix("bytes=").partition("-")
    if source and (int(last) >= source.size or int(first) > int(last)):
        raise S3ClientError("InvalidArgument", f"Range specified is not valid for source object of size: {source.size}")
