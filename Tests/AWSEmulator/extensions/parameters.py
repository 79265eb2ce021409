"""SSM: the public parameters under which Canonical publishes its newest images."""

import re
import time

from moto.ssm.models import Parameter, SimpleSystemManagerBackend

from catalogue import RELEASES, newest

from .patching import replace_method

CANONICAL = re.compile(r"/aws/service/canonical/ubuntu/server/(?P<version>[\d.]+)/stable/current/(?P<short>amd64|arm64)/hvm/ebs-gp[23]/ami-id")


def install(knobs) -> None:
    @replace_method(SimpleSystemManagerBackend)
    def get_parameter(old, self, name: str) -> Parameter | None:
        match = CANONICAL.fullmatch(name)
        release = match and next((one for one, version in RELEASES.items() if version == match["version"]), None)
        if not release:
            return old(name)
        return Parameter(
            account_id=self.account_id,
            name=name,
            value=newest(release, match["short"]),
            parameter_type="String",
            description="",
            allowed_pattern=None,
            keyid=None,
            last_modified_date=time.time(),
            version=1,
            data_type="aws:ec2:image",
        )
