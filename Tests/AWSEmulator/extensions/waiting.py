"""How long something of AWS's takes: some looks at it, or, where a test says so, some time of the server's clock."""


class Wait:
    """Over after `polls` looks that find it under way; or, with `seconds`, when these have passed."""

    def __init__(self, knobs, name: str) -> None:
        self.knobs = knobs
        self.polls = self.looks = getattr(knobs, f"{name}_polls")
        self.seconds = knobs.seconds.get(name, 0)
        self.began = knobs.clock.now()

    def is_over(self) -> bool:
        """One look at it."""
        if self.seconds:
            return self.passed >= self.seconds
        self.looks -= 1
        return self.looks < 0

    @property
    def passed(self) -> float:
        return (self.knobs.clock.now() - self.began).total_seconds()

    @property
    def percent(self) -> int:
        """How far it seems to be."""
        if self.seconds:
            return int(100 * self.passed / self.seconds)
        return 100 * (self.polls - self.looks) // (self.polls + 1)
