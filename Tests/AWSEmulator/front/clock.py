"""The server's clock, which a test may shift against the client's."""

import datetime


class Clock:
    def __init__(self) -> None:
        self.shift_seconds = 0.0

    def now(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.shift_seconds)

    def after(self, seconds: float) -> datetime.datetime:
        return self.now() + datetime.timedelta(seconds=seconds)


def basic_format(moment: datetime.datetime) -> str:
    """`20260102T030405Z`, as signatures and their errors write a time."""
    return moment.strftime("%Y%m%dT%H%M%SZ")


def iso_format(moment: datetime.datetime) -> str:
    """`2026-01-02T03:04:05Z`, as credentials write their expiry."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
