"""Names of the files in which the AWS CLI and botocore keep credentials."""

import hashlib
from typing import Any

from botocore.credentials import AssumeRoleCredentialFetcher, SSOCredentialFetcher


def assume_role(role_arn: str, extra_args: dict[str, Any] | None = None) -> dict[str, str]:
    """`extra_args` as the API has them: RoleSessionName, ExternalId, SerialNumber, DurationSeconds."""
    fetcher = AssumeRoleCredentialFetcher(None, None, role_arn, extra_args=extra_args or {}, cache={})
    return {"key": fetcher._cache_key}


def sso(role_name: str, account_id: str, start_url: str, session_name: str | None = None, region: str = "us-east-1") -> dict[str, str]:
    """The key of the role's credentials and that of the token they come from."""
    fetcher = SSOCredentialFetcher(start_url, region, role_name, account_id, None, cache={}, sso_session_name=session_name)
    token = hashlib.sha1((session_name or start_url).encode()).hexdigest()
    return {"key": fetcher._cache_key, "token_key": token}
