"""STS: issued credentials are real ones that the front checks, and roles may ask for more than a name."""

import base64
import json
from typing import Any

from moto.core.responses import ActionResult
from moto.sts.exceptions import STSClientError
from moto.sts.models import AssumedRole, STSBackend, sts_backends
from moto.sts.responses import TokenResponse

from front.identities import ACCOUNT
from front.keyring import Credentials

from .patching import replace_method

USER_NAME = "emulator"


def install(knobs, keyring, clock) -> None:
    def register(role: AssumedRole, lifetime: float, source: str) -> Credentials:
        role.expiration = clock.after(lifetime)
        issued = Credentials(role.access_key_id, role.secret_access_key, role.session_token, role.expiration)
        keyring.issue(source, issued)
        return issued

    assume_role_of_moto = STSBackend.assume_role

    def assume(role_arn: str, session: str, lifetime: float, source: str) -> Credentials:
        role = assume_role_of_moto(
            sts_backends[ACCOUNT]["aws"],
            region_name="us-east-1",
            role_session_name=session,
            role_arn=role_arn,
            policy="",
            duration=int(lifetime),
            external_id="",
        )
        return register(role, lifetime, source)

    @replace_method(STSBackend)
    def assume_role(old, self, **wish: Any) -> AssumedRole:
        role = old(**wish)
        lifetime = wish["duration"] if knobs.credential_lifetime is None else knobs.credential_lifetime
        register(role, lifetime, "sts")
        return role

    keyring.assume = assume

    @replace_method(TokenResponse)
    def assume_role(old, self):  # noqa: F811
        needed = knobs.role_conditions.get(self._get_param("RoleArn"), {})
        if "external_id" in needed and self._get_param("ExternalId") != needed["external_id"]:
            raise not_authorized(self, "AssumeRole")
        if "mfa_code" in needed:
            check_second_factor(self, needed["mfa_code"])
        if "denied" in needed:
            raise not_authorized(self, "AssumeRole")
        return old()

    @replace_method(TokenResponse)
    def assume_role_with_web_identity(old, self):
        check_web_identity(self._get_param("WebIdentityToken"), clock)
        needed = knobs.role_conditions.get(self._get_param("RoleArn"), {})
        if "web_identity_token" in needed and self._get_param("WebIdentityToken") != needed["web_identity_token"]:
            raise STSClientError("InvalidIdentityToken", "No OpenIDConnect provider found in your account for this token")
        if "denied" in needed:
            raise not_authorized(self, "AssumeRoleWithWebIdentity")
        return old()

    @replace_method(TokenResponse)
    def get_caller_identity(old, self):
        if self.backend.get_assumed_role_from_access_key(self.get_access_key()):
            return old()
        arn = f"arn:aws:iam::{self.current_account}:user/{USER_NAME}"
        return ActionResult({"UserId": "AIDAEMULATOR000000001", "Account": self.current_account, "Arn": arn})


def check_second_factor(response: TokenResponse, code: str) -> None:
    if not response._get_param("SerialNumber"):
        raise not_authorized(response, "AssumeRole")
    if response._get_param("TokenCode") != code:
        raise STSClientError("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. ")


def not_authorized(response: TokenResponse, action: str) -> STSClientError:
    user = f"arn:aws:iam::{response.current_account}:user/{USER_NAME}"
    return STSClientError("AccessDenied", f"User: {user} is not authorized to perform: sts:{action} on resource: {response._get_param('RoleArn')}")


def check_web_identity(token: str, clock) -> None:
    """A token that says when it ends is taken at its word; others are taken as they are."""
    if not token or len(token) < 4:
        raise STSClientError("InvalidIdentityToken", "The ID Token provided is not a valid JWT.")
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return
    if claims.get("exp", float("inf")) <= clock.now().timestamp():
        raise STSClientError("ExpiredTokenException", "Token expired")
