"""Which service a request is for, judged by what it asks, not by what its signature claims."""

from .messages import Request

VERSIONS = {
    "2016-11-15": "ec2",
    "2010-05-15": "cloudformation",
    "2010-05-08": "iam",
    "2011-06-15": "sts",
}
TARGETS = {
    "CodeBuild_20161006": "codebuild",
    "Logs_20140328": "logs",
    "AmazonSSM": "ssm",
    "ServiceQuotasV20190624": "servicequotas",
}
PROTOCOLS = {
    "ec2": "ec2",
    "cloudformation": "query",
    "iam": "query",
    "sts": "query",
    "s3": "s3",
    "cloudfront": "rest-xml",
    "ebs": "rest-json",
}
# These have one endpoint for the whole world, signed as us-east-1.
GLOBAL_SERVICES = {"iam", "cloudfront"}
CLOUDFRONT_VERSION = "/2020-05-31/"


def service_of(request: Request) -> str:
    """The signing name of the service; `s3` is what remains, since its paths can be anything."""
    version = request.form.get("Version") or request.query.get("Version")
    if version in VERSIONS:
        return VERSIONS[version]
    target = request.headers.get("x-amz-target", "").split(".")[0]
    if target in TARGETS:
        return TARGETS[target]
    claimed = request.scope[3] if request.scope else ""
    if claimed in ("s3", "ebs", "cloudfront"):
        return claimed
    if request.path.startswith(CLOUDFRONT_VERSION):
        return "cloudfront"
    # Other services are answered by moto too; nothing is known here that the signature could contradict.
    return claimed or "s3"


def protocol_of(service: str) -> str:
    return PROTOCOLS.get(service, "json")


def region_of(request: Request) -> str:
    return request.scope[2] if request.scope else "us-east-1"
