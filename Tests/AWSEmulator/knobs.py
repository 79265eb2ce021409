"""What a test may set about the stand-in's behaviour, through the control."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar

from front.clock import Clock


@dataclass
class Knobs:
    """How long things take, how they end, and what the identity services hand out.

    Waiting is counted in polls, not in seconds, so that tests need no clock: a build with `build_polls` 3
    is done at the fourth look. A test that has a clock names `seconds` instead, such as `{"ami": 600}`.
    """

    clock: ClassVar[Clock]

    seconds: dict[str, float] = field(default_factory=dict)
    ami_polls: int = 1
    ami_fail: str = ""
    snapshot_polls: int = 0
    image_public_access: str = "unblocked"
    snapshot_public_access: str = "unblocked"
    block_token_reads: int = 0
    export_polls: int = 3
    export_fail: str = ""
    export_size: int = 1 << 20
    instance_polls: int = 0
    instance_stop_polls: int = 0
    instance_terminate_polls: int = 0
    machine_room: str = ""
    real_disks: bool = False
    instance_host: str = ""
    console_output: str = ""
    stack_polls: int = 1
    stack_delete_polls: int = 0
    stack_fail: dict[str, str] = field(default_factory=dict)
    stack_rollback_fail: dict[str, str] = field(default_factory=dict)
    stack_delete_fail: dict[str, str] = field(default_factory=dict)
    stack_delete_failures: int | None = None
    change_set_polls: int = 0
    build_polls: int = 3
    build_status: str = "SUCCEEDED"
    build_statuses: dict[str, str] = field(default_factory=dict)
    build_lines: list[str] = field(default_factory=list)
    page_size: int = 0
    quotas: dict[str, float] = field(default_factory=dict)
    denied: list[str] = field(default_factory=list)
    credential_lifetime: int | None = None
    role_conditions: dict[str, dict[str, str]] = field(default_factory=dict)
    instance_role: str = "emulator-instance-role"
    instance_region: str = "eu-central-1"
    container_authorization: str = ""
    sso_token: str = "emulator-sso-token"
    oidc_bearer: str = "emulator-oidc-bearer"
    imds_enabled: bool = True

    def update(self, changes: dict[str, Any]) -> None:
        """Takes over the given knobs; an unknown name is a mistake in the test and refused."""
        known = {one.name for one in fields(self)}
        unknown = set(changes) - known
        if unknown:
            raise ValueError(f"unknown knobs: {', '.join(sorted(unknown))}")
        for name, value in changes.items():
            setattr(self, name, value)

    def reset(self) -> None:
        self.update(asdict(Knobs()))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
