"""What moto lacks and the project needs, added to moto's own classes.

Every module here has one subject and a function `install`; it runs once, before the first request.
"""

from . import (
    bucket_policies,
    builds,
    change_sets,
    cloudfront,
    ebs_direct,
    exports,
    images,
    instances,
    internal,
    machines,
    paging,
    parameters,
    public_access,
    quotas,
    s3_checksums,
    s3_listing,
    sessions,
    simulation,
    snapshots,
    speed,
    stack_events,
    stack_machines,
    stack_resources,
)


def install(moto, knobs, keyring, clock) -> None:
    internal.install(moto)
    sessions.install(knobs, keyring, clock)
    for module in (
        speed,
        images,
        snapshots,
        public_access,
        instances,
        machines,
        exports,
        ebs_direct,
        bucket_policies,
        s3_checksums,
        s3_listing,
        stack_resources,
        stack_machines,
        stack_events,
        change_sets,
        builds,
        cloudfront,
        parameters,
        quotas,
        simulation,
        # Last, so that it finds the lists as the others have made them.
        paging,
    ):
        module.install(knobs)
