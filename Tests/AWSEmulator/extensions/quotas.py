"""Service Quotas: the few that the project asks for; a test may lower one by the knob `quotas`."""

from moto.servicequotas.exceptions import NoSuchResource
from moto.servicequotas.models import ServiceQuotasBackend

from .patching import replace_method

# Service code and quota code → name and AWS's default.
DEFAULTS = {
    ("ec2", "L-1216C47A"): ("Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 32.0),
    ("ec2", "L-0E3CBAB9"): ("Public AMIs", 5.0),
    ("ec2", "L-B665C33B"): ("AMIs", 50000.0),
    ("ebs", "L-309BACF6"): ("Snapshots per Region", 100000.0),
    ("ebs", "L-7A658B76"): ("Storage for General Purpose SSD (gp3) volumes, in TiB", 50.0),
    ("vpc", "L-E79EC296"): ("VPC security groups per Region", 2500.0),
    ("cloudformation", "L-0485CB21"): ("Stack count", 2000.0),
}


def install(knobs) -> None:
    @replace_method(ServiceQuotasBackend)
    def get_service_quota(old, self, service_code: str, quota_code: str) -> dict:
        if (service_code, quota_code) not in DEFAULTS:
            raise NoSuchResource
        name, value = DEFAULTS[service_code, quota_code]
        return {
            "ServiceCode": service_code,
            "ServiceName": service_code.upper(),
            "QuotaArn": f"arn:aws:servicequotas:{self.region_name}:{self.account_id}:{service_code}/{quota_code}",
            "QuotaCode": quota_code,
            "QuotaName": name,
            "Value": knobs.quotas.get(quota_code, value),
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
        }
