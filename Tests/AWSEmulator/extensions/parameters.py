"""SSM: the public parameters under which Canonical and Debian publish their newest images."""

import re
import time

from moto.ssm.models import Parameter, SimpleSystemManagerBackend

from catalogue import DEBIAN_RELEASES, RELEASES, newest

from .patching import replace_method

CANONICAL = re.compile(r"/aws/service/canonical/ubuntu/server/(?P<version>[\d.]+)/stable/current/(?P<short>amd64|arm64)/hvm/ebs-gp[23]/ami-id")
DEBIAN = re.compile(r"/aws/service/debian/release/(?P<version>\w+)/latest/(?P<short>amd64|arm64)")


def image_of(name: str) -> str | None:
    """The image that a public parameter names."""
    for pattern, releases in ((CANONICAL, RELEASES), (DEBIAN, DEBIAN_RELEASES)):
        match = pattern.fullmatch(name)
        for release, version in releases.items():
            if match and match["version"] in (release, version):
                return newest(release, match["short"])
    return None


def install(knobs) -> None:
    @replace_method(SimpleSystemManagerBackend)
    def get_parameter(old, self, name: str) -> Parameter | None:
        image = image_of(name)
        if not image:
            return old(name)
        return Parameter(
            account_id=self.account_id,
            name=name,
            value=image,
            parameter_type="String",
            description="",
            allowed_pattern=None,
            keyid=None,
            last_modified_date=time.time(),
            version=1,
            data_type="aws:ec2:image",
        )
