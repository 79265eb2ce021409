"""The places where a machine finds its own credentials: instance metadata, containers, SSO, GitHub's OIDC.

They answer unsigned requests at paths of their own. What they hand out is registered with the keyring, so
that the front accepts it, with secret and session token, for as long as it is valid.
"""

import base64
import json
import re
import secrets
from dataclasses import dataclass
from typing import Callable

from .clock import Clock, iso_format
from .keyring import Credentials, Keyring
from .messages import Answer, Request, json_answer

ACCOUNT = "123456789012"
DEFAULT_LIFETIME = 3600
CALLER_ADDRESS = "198.51.100.7"
METADATA = "/latest/meta-data/"
ROLE_LIST = METADATA + "iam/security-credentials"


@dataclass(frozen=True)
class Identity:
    name: str
    answer: Callable[[Request], Answer]


class Identities:
    def __init__(self, knobs, keyring: Keyring, clock: Clock) -> None:
        self.knobs, self.keyring, self.clock = knobs, keyring, clock
        self.routes = [
            (re.compile(r"/latest/api/token"), "MetadataToken", self.metadata_token),
            (re.compile(r"/latest/(meta-data|dynamic)/.*"), "Metadata", self.metadata),
            (re.compile(r"/container-credentials"), "ContainerCredentials", self.container_credentials),
            (re.compile(r"/v2/credentials/[^/]+"), "ContainerCredentials", self.container_credentials),
            (re.compile(r"/federation/credentials"), "GetRoleCredentials", self.role_credentials),
            (re.compile(r"/token"), "CreateToken", self.create_token),
            (re.compile(r"/github-oidc"), "GitHubToken", self.github_token),
            (re.compile(r"/checkip"), "CheckIP", self.check_ip),
        ]
        self.clear()

    def clear(self) -> None:
        self.metadata_tokens: set[str] = set()

    def find(self, request: Request) -> Identity | None:
        """The identity service at this path; a signed request is never for one of them, but for a bucket."""
        if request.access_key:
            return None
        for pattern, name, answer in self.routes:
            if pattern.fullmatch(request.path):
                return Identity(name, answer)
        return None

    def check_ip(self, request: Request) -> Answer:
        """As checkip.amazonaws.com tells everybody their address."""
        return Answer(200, [("Content-Type", "text/plain")], f"{CALLER_ADDRESS}\n".encode())

    # Instance metadata, version 2 only

    def metadata_token(self, request: Request) -> Answer:
        seconds = request.headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
        if not self.knobs.imds_enabled:
            return Answer(403)
        if request.method != "PUT":
            return Answer(405)
        if not seconds.isdigit() or not 1 <= int(seconds) <= 21600:
            return Answer(400)
        token = secrets.token_urlsafe(40)
        self.metadata_tokens.add(token)
        headers = [("Content-Type", "text/plain"), ("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", seconds)]
        return Answer(200, headers, token.encode())

    def metadata(self, request: Request) -> Answer:
        if not self.knobs.imds_enabled:
            return Answer(403)
        if request.headers.get("x-aws-ec2-metadata-token") not in self.metadata_tokens:
            return Answer(401, [("Content-Type", "text/html")], b"<h1>401 - Unauthorized</h1>")
        role, region = self.knobs.instance_role, self.knobs.instance_region
        texts = {
            METADATA + "placement/region": region,
            METADATA + "placement/availability-zone": region + "a",
            METADATA + "instance-id": "i-0123456789abcdef0",
        }
        path = request.path
        if path in texts:
            return plain(texts[path])
        if path == "/latest/dynamic/instance-identity/document":
            return json_answer({"region": region, "accountId": ACCOUNT, "instanceId": "i-0123456789abcdef0"})
        if role and path.rstrip("/") == ROLE_LIST:
            return plain(role)
        if role and path == f"{ROLE_LIST}/{role}":
            return json_answer(self.instance_document(role))
        return Answer(404, [("Content-Type", "text/html")], b"<h1>404 - Not Found</h1>")

    def instance_document(self, role: str) -> dict[str, str]:
        issued = self.issue("instance-metadata", role, "i-0123456789abcdef0")
        return {
            "Code": "Success",
            "LastUpdated": iso_format(self.clock.now()),
            "Type": "AWS-HMAC",
            "AccessKeyId": issued.access_key,
            "SecretAccessKey": issued.secret_key,
            "Token": issued.token,
            "Expiration": iso_format(issued.expires),
        }

    # Containers: CodeBuild, ECS, EKS

    def container_credentials(self, request: Request) -> Answer:
        wanted = self.knobs.container_authorization
        if wanted and request.headers.get("authorization") != wanted:
            return json_answer({"code": "Unauthorized", "message": "wrong Authorization header"}, 401)
        issued = self.issue("container", "emulator-container-role", "container")
        return json_answer(
            {
                "RoleArn": role_arn("emulator-container-role"),
                "AccessKeyId": issued.access_key,
                "SecretAccessKey": issued.secret_key,
                "Token": issued.token,
                "Expiration": iso_format(issued.expires),
            }
        )

    # IAM Identity Center

    def role_credentials(self, request: Request) -> Answer:
        if request.headers.get("x-amz-sso_bearer_token") != self.knobs.sso_token:
            return portal_error(401, "UnauthorizedException", "Session token not found or invalid")
        role, account = request.query.get("role_name"), request.query.get("account_id")
        if not role or not account:
            return portal_error(400, "InvalidRequestException", "role_name and account_id are needed")
        issued = self.issue("sso", f"AWSReservedSSO_{role}", "emulator-user", account)
        return json_answer(
            {
                "roleCredentials": {
                    "accessKeyId": issued.access_key,
                    "secretAccessKey": issued.secret_key,
                    "sessionToken": issued.token,
                    "expiration": int(issued.expires.timestamp() * 1000),
                }
            }
        )

    def create_token(self, request: Request) -> Answer:
        """SSO's OIDC endpoint, as far as a refresh needs it."""
        wish = json.loads(request.body or b"{}")
        if wish.get("grantType") != "refresh_token" or not wish.get("refreshToken"):
            return portal_error(400, "InvalidGrantException", "only a refresh_token is taken")
        lifetime = int(self.knobs.credential_lifetime or DEFAULT_LIFETIME)
        return json_answer(
            {
                "accessToken": self.knobs.sso_token,
                "tokenType": "Bearer",
                "expiresIn": lifetime,
                "refreshToken": wish["refreshToken"],
            }
        )

    # GitHub Actions

    def github_token(self, request: Request) -> Answer:
        if request.headers.get("authorization", "").removeprefix("bearer ").removeprefix("Bearer ") != self.knobs.oidc_bearer:
            return json_answer({"message": "Bad credentials"}, 401)
        now = int(self.clock.now().timestamp())
        claims = {
            "iss": "https://token.actions.githubusercontent.com",
            "aud": request.query.get("audience", "https://github.com/emulator"),
            "sub": "repo:emulator/emulator:ref:refs/heads/main",
            "iat": now,
            "exp": now + int(self.knobs.credential_lifetime or 300),
            "jti": secrets.token_hex(8),
        }
        self.keyring.issued["github-oidc"] = self.keyring.issued.get("github-oidc", 0) + 1
        return json_answer({"count": 1, "value": web_token(claims)})

    def issue(self, source: str, role: str, session: str, account: str = ACCOUNT) -> Credentials:
        lifetime = DEFAULT_LIFETIME if self.knobs.credential_lifetime is None else self.knobs.credential_lifetime
        return self.keyring.assume(role_arn(role, account), session, lifetime, source)


def role_arn(name: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:iam::{account}:role/{name}"


def plain(text: str) -> Answer:
    return Answer(200, [("Content-Type", "text/plain")], text.encode())


def portal_error(status: int, code: str, message: str) -> Answer:
    return json_answer({"message": message, "__type": code}, status).with_headers(x_amzn_errortype=code)


def web_token(claims: dict) -> str:
    """A JSON web token with no valid signature: who reads it here has no key to check it."""
    parts = [json.dumps({"alg": "none", "typ": "JWT"}).encode(), json.dumps(claims).encode(), b"unsigned"]
    return ".".join(base64.urlsafe_b64encode(one).decode().rstrip("=") for one in parts)
