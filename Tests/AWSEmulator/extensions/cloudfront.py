"""CloudFront: a distribution says which origin access control its origins have, which moto forgets, and an
invalidation takes its time, and is `Completed` in the end as AWS writes it."""

from moto.cloudfront.models import CloudFrontBackend, Invalidation, Origin

from .patching import replace_method


def install(knobs) -> None:
    @replace_method(Origin)
    def __init__(old, self, origin: dict) -> None:
        old(origin)
        self.origin_access_control_id = origin.get("OriginAccessControlId", "")

    @replace_method(Invalidation)
    def __init__(old, self, *arguments, **named) -> None:
        old(*arguments, **named)
        self.status = "InProgress"

    @replace_method(CloudFrontBackend)
    def get_invalidation(old, self, *arguments, **named):
        invalidation = old(*arguments, **named)
        seen = invalidation.__dict__.get("seen", 0)
        invalidation.seen = seen + 1
        invalidation.status = "Completed" if seen else "InProgress"
        return invalidation
