"""botocore's models, loaded once."""

from functools import cache

import botocore.session
from botocore.model import ServiceModel

session = botocore.session.Session()


@cache
def service_model(service: str) -> ServiceModel:
    return session.get_service_model(service)


def protocol(service: str) -> str:
    return service_model(service).resolved_protocol
