"""The credentials that the stand-in knows: static ones, and those its identity services handed out."""

import datetime
import hmac
from dataclasses import dataclass
from typing import Callable

from .clock import Clock

STATIC_ACCESS_KEY = "AKIAEMULATOR00000001"
STATIC_SECRET_KEY = "emulatorSecretKey/0000000000000000000001"


@dataclass
class Credentials:
    access_key: str
    secret_key: str
    token: str | None = None
    expires: datetime.datetime | None = None


class Keyring:
    """Finds a key's secret and says whether its session token is right and still valid."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        # Takes role, session name, lifetime and source; moto's STS puts itself here, so that GetCallerIdentity
        # knows whose credentials these are.
        self.assume: Callable[[str, str, float, str], Credentials] | None = None
        self.reset()

    def reset(self) -> None:
        self.known: dict[str, Credentials] = {}
        self.issued: dict[str, int] = {}
        self.add(Credentials(STATIC_ACCESS_KEY, STATIC_SECRET_KEY))

    def add(self, credentials: Credentials) -> None:
        self.known[credentials.access_key] = credentials

    def issue(self, source: str, credentials: Credentials) -> None:
        """Adds credentials that were handed out, and counts them by source, so that a test sees each refresh."""
        self.add(credentials)
        self.issued[source] = self.issued.get(source, 0) + 1

    def find(self, access_key: str) -> Credentials | None:
        return self.known.get(access_key)

    @property
    def secrets(self) -> list[str]:
        """All secrets and session tokens, for tests that make sure that nobody prints them."""
        return [text for one in self.known.values() for text in (one.secret_key, one.token) if text]

    def has_right_token(self, credentials: Credentials, token: str | None) -> bool:
        return hmac.compare_digest(credentials.token or "", token or "")

    def is_expired(self, credentials: Credentials) -> bool:
        return credentials.expires is not None and credentials.expires <= self.clock.now()

    def expire(self, access_keys: list[str] | None) -> None:
        """Ends these temporary credentials now, or all of them."""
        for one in self.known.values():
            if one.token and (access_keys is None or one.access_key in access_keys):
                one.expires = self.clock.now() - datetime.timedelta(seconds=1)
