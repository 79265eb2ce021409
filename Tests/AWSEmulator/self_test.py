"""Shows that the front refuses what it must: the other tests rely on it.

Requests are signed by botocore, whose signer shares no code with the front's check.
"""

import base64
import datetime
import hashlib
import unittest

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as SigningKeys
from front.checksums import checksum, composite
from front.clock import Clock
from front.keyring import STATIC_ACCESS_KEY, STATIC_SECRET_KEY, Credentials, Keyring
from front.messages import Request
from front.operations import operation_of
from front.signature import Refusal, verify

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def signed(
    service="ec2",
    method="POST",
    target="/",
    body=b"Action=DescribeRegions&Version=2016-11-15",
    secret=STATIC_SECRET_KEY,
    token=None,
    headers=FORM,
    access_key=STATIC_ACCESS_KEY,
):
    """A request as botocore signs it: method, target, headers and body."""
    request = AWSRequest(method, f"http://127.0.0.1{target}", {**headers, "Host": "127.0.0.1"}, body)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(SigningKeys(access_key, secret, token), service, "eu-central-1").add_auth(request)
    return method, target, dict(request.headers.items()), body


class SignatureTest(unittest.TestCase):
    def setUp(self):
        self.clock = Clock()
        self.keyring = Keyring(self.clock)

    def reason(self, parts, service="ec2"):
        """Why the front refuses it; None if it does not."""
        method, target, headers, body = parts
        try:
            verify(Request(method, target, headers.items(), body), service, self.keyring, self.clock)
        except Refusal as refusal:
            return refusal.reason
        return None

    def test_accepts_what_botocore_signs(self):
        self.assertIsNone(self.reason(signed()))
        odd = "/bucket/a%20b/%C3%BC%2B~%2A?prefix=a%2Fb&empty=&a=2&a=1"
        self.assertIsNone(self.reason(signed("s3", "PUT", odd, b"data", headers={}), "s3"))

    def test_refuses_a_wrong_secret(self):
        self.assertEqual(self.reason(signed(secret="wrong")), "wrong signature")

    def test_refuses_an_unknown_key(self):
        self.assertEqual(self.reason(signed(access_key="AKIAUNKNOWN000000000")), "unknown key")

    def test_refuses_a_tampered_body(self):
        method, target, headers, _ = signed()
        self.assertEqual(self.reason((method, target, headers, b"Action=TerminateInstances")), "wrong signature")
        method, target, headers, _ = signed("s3", "PUT", "/bucket/key", b"data", headers={})
        self.assertEqual(self.reason((method, target, headers, b"tata"), "s3"), "wrong payload hash")

    def test_refuses_a_tampered_header_query_and_path(self):
        method, target, headers, body = signed()
        self.assertEqual(self.reason((method, target, headers | {"Host": "elsewhere"}, body)), "wrong signature")
        self.assertEqual(self.reason((method, "/?x=1", headers, body)), "wrong signature")
        self.assertEqual(self.reason((method, "/x", headers, body)), "wrong signature")

    def test_refuses_an_unsigned_header(self):
        method, target, headers, body = signed()
        self.assertEqual(self.reason((method, target, headers | {"X-Amz-Meta-A": "b"}, body)), "unsigned headers")

    def test_refuses_a_skewed_clock(self):
        parts = signed()
        for seconds, reason in ((1000, "skewed past"), (-1000, "skewed future"), (800, None), (-800, None)):
            self.clock.shift_seconds = seconds
            self.assertEqual(self.reason(parts), reason, seconds)

    def test_refuses_another_scope(self):
        self.assertEqual(self.reason(signed("sts")), "wrong scope")
        self.assertEqual(self.reason(signed("iam"), "iam"), "wrong scope")

    def test_refuses_no_signature(self):
        self.assertEqual(self.reason(("POST", "/", FORM, b"")), "no signature")

    def test_refuses_an_unsigned_payload(self):
        parts = signed("s3", "PUT", "/bucket/key", b"data", headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
        method, target, headers, body = parts
        headers["X-Amz-Content-SHA256"] = "UNSIGNED-PAYLOAD"
        self.assertEqual(self.reason((method, target, headers, body), "s3"), "payload not signed")

    def test_checks_session_tokens(self):
        self.keyring.add(Credentials("ASIASESSION000000000", "secret", "token", self.clock.after(60)))
        session = {"access_key": "ASIASESSION000000000", "secret": "secret"}
        self.assertIsNone(self.reason(signed(token="token", **session)))
        self.assertEqual(self.reason(signed(token="other", **session)), "wrong token")
        self.assertEqual(self.reason(signed(**session)), "wrong token")
        self.assertEqual(self.reason(signed(token="surplus")), "wrong token")
        self.keyring.expire(None)
        self.assertEqual(self.reason(signed(token="token", **session)), "expired token")

    def test_checks_presigned_urls(self):
        request = AWSRequest("GET", "http://127.0.0.1/bucket/a%20b", {"Host": "127.0.0.1"})
        S3SigV4QueryAuth(SigningKeys(STATIC_ACCESS_KEY, STATIC_SECRET_KEY), "s3", "eu-central-1", expires=60).add_auth(request)
        target = request.url.removeprefix("http://127.0.0.1")
        host = {"Host": "127.0.0.1"}
        self.assertIsNone(self.reason(("GET", target, host, b""), "s3"))
        self.assertEqual(self.reason(("PUT", target, host, b""), "s3"), "wrong signature")
        self.assertEqual(self.reason(("GET", target.replace("Expires=60", "Expires=600"), host, b""), "s3"), "wrong signature")
        self.clock.shift_seconds = 61
        self.assertEqual(self.reason(("GET", target, host, b""), "s3"), "presigned expired")


class OperationTest(unittest.TestCase):
    def test_names_rest_operations(self):
        copy = {"x-amz-copy-source": "a/b"}
        block = {"x-amz-Data-Length": "1", "x-amz-Checksum": "x", "x-amz-Checksum-Algorithm": "SHA256"}
        for service, method, target, headers, name in (
            ("s3", "PUT", "/bucket/key", {}, "PutObject"),
            ("s3", "PUT", "/bucket/key", copy, "CopyObject"),
            ("s3", "PUT", "/bucket/key?partNumber=1&uploadId=x", {}, "UploadPart"),
            ("s3", "PUT", "/bucket/key?partNumber=1&uploadId=x", copy, "UploadPartCopy"),
            ("s3", "POST", "/bucket/key?uploads", {}, "CreateMultipartUpload"),
            ("s3", "POST", "/bucket/key?uploadId=x", {}, "CompleteMultipartUpload"),
            ("s3", "GET", "/bucket/key?uploadId=x", {}, "ListParts"),
            ("s3", "GET", "/bucket?uploads", {}, "ListMultipartUploads"),
            ("s3", "GET", "/bucket?list-type=2&prefix=a", {}, "ListObjectsV2"),
            ("s3", "GET", "/bucket/a/b/c", {}, "GetObject"),
            ("s3", "POST", "/bucket?delete", {}, "DeleteObjects"),
            ("ebs", "POST", "/snapshots", {}, "StartSnapshot"),
            ("ebs", "PUT", "/snapshots/snap-1/blocks/7", block, "PutSnapshotBlock"),
            ("cloudfront", "POST", "/2020-05-31/distribution/E1/invalidation", {}, "CreateInvalidation"),
        ):
            request = Request(method, target, headers.items(), b"")
            self.assertEqual(operation_of(request, service), name, target)


class ChecksumTest(unittest.TestCase):
    def test_known_values(self):
        """The check value of CRC-64/NVME in the catalogue of CRCs."""
        self.assertEqual(base64.b64decode(checksum(b"123456789", "CRC64NVME")).hex(), "ae8b14860a799888")
        digest = hashlib.sha256(hashlib.sha256(b"a").digest() + hashlib.sha256(b"b").digest()).digest()
        parts = [checksum(b"a", "SHA256"), checksum(b"b", "SHA256")]
        self.assertEqual(composite(parts, "SHA256"), base64.b64encode(digest).decode() + "-2")


class ClockTest(unittest.TestCase):
    def test_shifts(self):
        clock = Clock()
        clock.shift_seconds = 3600
        ahead = clock.now() - datetime.datetime.now(datetime.timezone.utc)
        self.assertAlmostEqual(ahead.total_seconds(), 3600, delta=5)


if __name__ == "__main__":
    unittest.main()
