"""How long something of AWS's takes: some looks at it, or, where a test says so, some time of the server's clock."""


class Wait:
    """Over after as many looks as the knob `NAME_polls` says by then, or when as many seconds have passed."""

    def __init__(self, knobs, name: str) -> None:
        self.knobs, self.name = knobs, name
        self.looks = 0
        self.began = knobs.clock.now()

    @property
    def is_needed(self) -> bool:
        return bool(self.seconds or self.polls)

    def is_over(self) -> bool:
        """One look at it."""
        self.looks += 1
        return self.passed >= self.seconds if self.seconds else self.looks > self.polls

    @property
    def percent(self) -> int:
        """How far it seems to be."""
        return int(100 * self.passed / self.seconds) if self.seconds else 100 * self.looks // (self.polls + 1)

    @property
    def polls(self) -> int:
        return getattr(self.knobs, f"{self.name}_polls")

    @property
    def seconds(self) -> float:
        return self.knobs.seconds.get(self.name, 0)

    @property
    def passed(self) -> float:
        return (self.knobs.clock.now() - self.began).total_seconds()
