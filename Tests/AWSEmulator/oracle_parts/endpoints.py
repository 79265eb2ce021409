"""Where botocore sends a service's requests, and what it signs them as."""

from functools import cache
from typing import Any

from botocore.credentials import Credentials

from .services import service_model, session

# An operation whose endpoint is the service's plain one.
PLAIN_OPERATION = {"s3": "ListBuckets"}


def resolve(service: str, region: str) -> dict[str, Any]:
    client = made(service, region)
    model = service_model(service)
    operation = model.operation_model(PLAIN_OPERATION.get(service, model.operation_names[0]))
    found = client._ruleset_resolver.construct_endpoint(operation, {}, {"client_config": client.meta.config})
    schemes = found.properties.get("authSchemes") or [{}]
    return {
        "url": found.url,
        "signing_region": schemes[0].get("signingRegion", region),
        "signing_name": schemes[0].get("signingName", model.signing_name),
    }


@cache
def made(service: str, region: str):
    session._credentials = Credentials("unused", "unused")
    return session.create_client(service, region)
