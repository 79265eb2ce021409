"""CodeBuild: builds that go through their phases, write log lines, and end as a test wants it."""

import json
import time
from typing import Any

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
        if polls > knobs.build_polls:
            end(region, build, knobs.build_status)
        else:
            phase = PHASES[min(LAST_RUNNING, LAST_RUNNING * polls // (knobs.build_polls + 1) + 1)]
            log(region, build, f"[Container] Entering phase {phase}\n")
            build.update(currentPhase=phase, buildStatus="IN_PROGRESS", phases=phases(build, phase, "IN_PROGRESS"))

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
        """moto forgets the variables that a build is started with."""
        value = json.loads(old())
        changes = self._get_param("environmentVariablesOverride") or []
        backend = self.codebuild_backend
        build = next(one for builds in backend.build_metadata_history.values() for one in builds if one["id"] == value["build"]["id"])
        build["environment"] = {**build["environment"], "environmentVariables": changes}
        value["build"]["environment"] = build["environment"]
        return json.dumps(value)

    @replace_method(CodeBuildResponse)
    def batch_get_builds(old, self) -> str:  # noqa: F811
        return with_missing(old(), self._get_param("ids"))


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
        build["logs"] |= {"groupName": group, "streamName": stream}
    event = {"timestamp": int(time.time() * 1000), "message": message}
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])


def ignore_existing(logs: Any, create: Any) -> None:
    try:
        create()
    except logs.exceptions.ResourceAlreadyExistsException:
        pass


def shown(build: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in build.items() if name != "polls"}
