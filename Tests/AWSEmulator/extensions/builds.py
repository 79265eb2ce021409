"""CodeBuild: builds that go through their phases, write log lines, and end as a test wants it."""

import json
import re
import time
from typing import Any
from urllib.parse import quote

from moto.codebuild.exceptions import InvalidInputException
from moto.codebuild.models import CodeBuildBackend
from moto.codebuild.responses import CodeBuildResponse

from . import internal
from .patching import replace_method

PHASES = (
    "SUBMITTED",
    "QUEUED",
    "PROVISIONING",
    "DOWNLOAD_SOURCE",
    "INSTALL",
    "PRE_BUILD",
    "BUILD",
    "POST_BUILD",
    "FINALIZING",
    "COMPLETED",
)
LAST_RUNNING = PHASES.index("FINALIZING")
FAILURE = [{"statusCode": "COMMAND_EXECUTION_ERROR", "message": "Error while executing command: make release. Reason: exit status 1"}]


def install(knobs) -> None:
    def advance(region: str, build: dict[str, Any]) -> None:
        """One look at a build is one step of it."""
        if build.get("buildComplete"):
            return
        polls = build["polls"] = build.get("polls", 0) + 1
        fate = knobs.build_statuses.get(asset_id(build), knobs.build_status)
        if polls > knobs.build_polls:
            end(region, build, fate)
        else:
            # A failed build still goes through what comes after its commands, one that is cut off does not.
            last = PHASES.index("BUILD") if fate in ("FAULT", "TIMED_OUT", "STOPPED") else LAST_RUNNING
            phase = PHASES[min(last, LAST_RUNNING * polls // (knobs.build_polls + 1) + 1)]
            log(region, build, f"[Container] Entering phase {phase}\n")
            for line in knobs.build_lines[polls - 1 : polls]:
                log(region, build, f"{line}\n")
            build.update(currentPhase=phase, buildStatus="IN_PROGRESS", phases=phases(build, phase, fate))

    @replace_method(CodeBuildBackend)
    def batch_get_builds(old, self, ids: list[str]) -> list[dict[str, Any]]:
        found = [one for builds in self.build_metadata_history.values() for one in builds if one["id"] in ids]
        for one in found:
            advance(self.region_name, one)
        return [shown(one) for one in found]

    @replace_method(CodeBuildBackend)
    def stop_build(old, self, build_id: str) -> dict[str, Any]:
        build = next(one for builds in self.build_metadata_history.values() for one in builds if one["id"] == build_id)
        if not build.get("buildComplete"):
            end(self.region_name, build, "STOPPED")
        return shown(build)

    @replace_method(CodeBuildBackend)
    def start_build(old, self, *arguments: Any, **named: Any) -> dict[str, Any]:
        build = old(*arguments, **named)
        build["startTime"] = time.time()
        for one in build["phases"]:
            one.update({name: time.time() for name in ("startTime", "endTime") if name in one})
        build["buildComplete"] = False
        return shown(build)

    @replace_method(CodeBuildResponse)
    def start_build(old, self) -> str:  # noqa: F811
        """moto forgets the variables and other wishes that a build is started with."""
        changes = self._get_param("environmentVariablesOverride") or []
        check_variables(changes)
        check_machine(self._get_param("environmentTypeOverride"), self._get_param("computeTypeOverride"))
        value = json.loads(old())
        backend = self.codebuild_backend
        build = next(one for builds in backend.build_metadata_history.values() for one in builds if one["id"] == value["build"]["id"])
        build["environment"] = environment(backend.codebuild_projects[build["projectName"]], build, changes)
        value["build"]["environment"] = build["environment"]
        return json.dumps(value)

    @replace_method(CodeBuildResponse)
    def batch_get_builds(old, self) -> str:  # noqa: F811
        return with_missing(old(), self._get_param("ids"))


def check_variables(variables: list[dict[str, str]]) -> None:
    """What CodeBuild refuses of variables that a build is started with."""
    for one in variables:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", one.get("name", "")) or one["name"].startswith("CODEBUILD_"):
            raise InvalidInputException(f"Invalid environment variable name: {one.get('name')}")
        if one.get("type", "PLAINTEXT") not in ("PLAINTEXT", "PARAMETER_STORE", "SECRETS_MANAGER"):
            raise InvalidInputException(f"Invalid environment variable type: {one['type']}")
        if one.get("type") == "SECRETS_MANAGER" and not re.fullmatch(r"[A-Za-z0-9/_+=.@:-]+", one["value"]):
            raise InvalidInputException(f"Invalid secret for the environment variable {one['name']}")
    names = [one["name"] for one in variables]
    if len(set(names)) < len(names):
        raise InvalidInputException("Duplicate environment variable names")


def check_machine(kind: str | None, compute: str | None) -> None:
    if kind not in (None, "LINUX_CONTAINER", "LINUX_GPU_CONTAINER", "ARM_CONTAINER"):
        raise InvalidInputException(f"Invalid environment type: {kind}")
    if compute and not compute.startswith("BUILD_GENERAL1_"):
        raise InvalidInputException(f"Invalid compute type: {compute}")


def environment(project: Any, build: dict[str, Any], changes: list[dict[str, str]]) -> dict[str, Any]:
    """The project's variables, and those of the build over them."""
    own = {one["name"]: one for one in project.project_metadata["environment"].get("environmentVariables") or []}
    over = {one["name"]: {"type": "PLAINTEXT", **one} for one in changes}
    return {**build["environment"], "environmentVariables": list((own | over).values())}


def asset_id(build: dict[str, Any]) -> str:
    variables = {one["name"]: one["value"] for one in build["environment"]["environmentVariables"]}
    return variables.get("DSS_ASSET_ID") or variables.get("ASSET_ID") or ""


def with_missing(answer: str, ids: list[str]) -> str:

    value = json.loads(answer)
    found = {one["id"] for one in value["builds"]}
    value["buildsNotFound"] = [one for one in ids if one not in found]
    return json.dumps(value)


def end(region: str, build: dict[str, Any], status: str) -> None:
    log(region, build, f"[Container] Build ended: {status}\n")
    build.update(
        currentPhase="COMPLETED",
        buildComplete=True,
        buildStatus=status,
        endTime=time.time(),
        phases=phases(build, "COMPLETED", status),
    )


def phases(build: dict[str, Any], current: str, status: str) -> list[dict[str, Any]]:
    return [phase(build, name, current, status) for name in PHASES[: PHASES.index(current) + 1]]


def phase(build: dict[str, Any], name: str, current: str, status: str) -> dict[str, Any]:
    value: dict[str, Any] = {"phaseType": name, "startTime": build["startTime"]}
    if name == current:
        return value
    value |= {"phaseStatus": "SUCCEEDED", "endTime": time.time(), "durationInSeconds": 1}
    if name == "BUILD" and status in ("FAILED", "FAULT", "TIMED_OUT"):
        value |= {"phaseStatus": status, "contexts": FAILURE}
    if name == "BUILD" and status == "STOPPED":
        value |= {"phaseStatus": "STOPPED"}
    return value


def log(region: str, build: dict[str, Any], message: str) -> None:
    group, stream = f"/aws/codebuild/{build['projectName']}", build["id"].split(":")[1]
    logs = internal.client("logs", region)
    if "groupName" not in build["logs"]:
        ignore_existing(logs, lambda: logs.create_log_group(logGroupName=group))
        ignore_existing(logs, lambda: logs.create_log_stream(logGroupName=group, logStreamName=stream))
        link = f"https://console.aws.amazon.com/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{quote(quote(group, safe=''))}/log-events/{stream}"
        build["logs"] |= {"groupName": group, "streamName": stream, "deepLink": link}
    event = {"timestamp": int(time.time() * 1000), "message": message}
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])


def ignore_existing(logs: Any, create: Any) -> None:
    try:
        create()
    except logs.exceptions.ResourceAlreadyExistsException:
        pass


def shown(build: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in build.items() if name != "polls"}
