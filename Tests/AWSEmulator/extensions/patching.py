"""How moto's methods are replaced."""

import functools
from typing import Any, Callable


def replace_method(owner: type) -> Callable:
    """A decorator: the function takes the place of the method of its name and gets the old one as first argument."""

    def install(replacement: Callable) -> Callable:
        original = getattr(owner, replacement.__name__, None)

        @functools.wraps(replacement)
        def method(self, *arguments: Any, **named: Any) -> Any:
            bound = functools.partial(original, self) if original else None
            return replacement(bound, self, *arguments, **named)

        setattr(owner, replacement.__name__, method)
        return replacement

    return install


def add_method(owner: type) -> Callable:
    """A decorator: the function becomes a method of that class."""

    def install(function: Callable) -> Callable:
        setattr(owner, function.__name__, function)
        return function

    return install
