"""CloudFront: a distribution says which origin access control its origins have; moto forgets it."""

from moto.cloudfront.models import Origin

from .patching import replace_method


def install(knobs) -> None:
    @replace_method(Origin)
    def __init__(old, self, origin: dict) -> None:
        old(origin)
        self.origin_access_control_id = origin.get("OriginAccessControlId", "")
