"""What moto finds out anew with every request and never changes: its services, and the methods of its classes."""

import functools

from moto import backends
from moto.core import responses


def install(knobs) -> None:
    modules = list(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: modules
    responses.method_names_from_class = functools.cache(responses.method_names_from_class)
