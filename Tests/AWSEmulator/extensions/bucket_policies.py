"""Bucket policies: moto takes a statement for one without conditions; here those that cannot hold are left out."""

import json
from typing import Any

from moto.iam.access_control import IAMPolicy
from moto.s3.models import FakeBucket

from .patching import replace_method


def install(knobs) -> None:
    @replace_method(FakeBucket)
    def get_permission(old, self, action: str, resource: str) -> Any:
        if self.policy is None:
            return old(action, resource)
        policy = json.loads(self.policy.decode())
        statements = [one for one in policy["Statement"] if may_hold(one)]
        return IAMPolicy(json.dumps({**policy, "Statement": statements})).is_action_permitted(action, resource)



def may_hold(statement: dict[str, Any]) -> bool:
    """Loopback stands for TLS, and whoever calls is an account and no service of AWS's."""
    conditions = statement.get("Condition", {})
    insecure = str(conditions.get("Bool", {}).get("aws:SecureTransport", "")).lower() == "false"
    old_protocol = any("s3:TlsVersion" in one for one in conditions.values())
    principal = statement.get("Principal")
    return not insecure and not old_protocol and not (isinstance(principal, dict) and "Service" in principal)
