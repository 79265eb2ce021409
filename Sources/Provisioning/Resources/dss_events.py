"""Ansible callback plugin: one JSON object per finished task on standard error, behind an ASCII record separator.

Ansible's own output stays on standard output, so that it can be shown as it is.
"""
import json
import shlex
import sys
import time

from ansible import context
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: dss_events
type: notification
short_description: JSON lines for the dss builder
description: Writes one JSON object per finished task to standard error.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "dss_events"

    def __init__(self):
        super().__init__()
        self.index = 0
        self.count = None
        self.started = time.monotonic()

    def v2_playbook_on_play_start(self, play):
        self.play = play

    def v2_playbook_on_task_start(self, task, is_conditional):
        # When the play starts, the plugin dss_step may not have reduced it yet.
        if self.count is None:
            self.count = sum(1 for task in planned(self.play))
        self.index += 1
        self.started = time.monotonic()
        emit(event="task-started", **self.describe(task))

    def v2_playbook_on_handler_task_start(self, task):
        self.v2_playbook_on_task_start(task, False)

    def v2_runner_on_ok(self, result):
        self.finish(result, "changed" if result.is_changed() else "ok")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.finish(result, "ignored" if ignore_errors else "failed")

    def v2_runner_on_skipped(self, result):
        self.finish(result, "skipped")

    def v2_runner_on_unreachable(self, result):
        self.finish(result, "unreachable")

    def v2_playbook_on_no_hosts_matched(self):
        emit(event="no-hosts-matched")

    def v2_playbook_on_stats(self, stats):
        totals = [stats.summarize(host) for host in stats.processed]
        names = ("ok", "changed", "failures", "unreachable", "skipped")
        hosts = sorted(stats.processed)
        emit(event="stats", hosts=hosts, **{name: sum(total[name] for total in totals) for name in names})

    def finish(self, result, status):
        task = result._task
        answer = result._result
        message = None
        if status in ("failed", "unreachable", "ignored"):
            message = "message hidden because of no_log" if answer.get("_ansible_no_log") else reason(answer)
        emit(
            event="task-finished",
            status=status,
            seconds=round(time.monotonic() - self.started, 3),
            module=task.action,
            message=message,
            **self.describe(task),
        )

    def describe(self, task):
        role = task._role.get_name() if task._role else None
        return {"index": self.index, "count": self.count, "role": role, "name": task.name or task.action}


def planned(play):
    """The tasks selected by the tags on the command line, as far as they are known before the run."""
    only, skip = context.CLIARGS.get("tags") or ["all"], context.CLIARGS.get("skip_tags") or []

    def walk(items):
        for item in items:
            if hasattr(item, "block"):
                yield from walk(item.block)
            elif item.action not in ("meta", "ansible.builtin.meta") and item.evaluate_tags(only, skip, {}):
                yield item

    yield from walk(play.compile())


def reason(answer):
    """The reason of a failure: the module's message, and the last lines that its program printed."""
    items = [item for item in answer.get("results", []) if isinstance(item, dict) and item.get("failed")]
    if items:
        return "\n".join(reason(item) for item in items)
    parts = [str(answer.get("msg", ""))]
    if answer.get("rc") and answer.get("cmd"):
        command = answer["cmd"] if isinstance(answer["cmd"], str) else shlex.join(map(str, answer["cmd"]))
        parts.append(f"exit code {answer['rc']} of: {command}")
    for stream in ("module_stderr", "stderr", "stdout"):
        lines = str(answer.get(stream, "")).strip().splitlines()
        # What apt's message only counts ("held broken packages"), it has explained on standard output.
        lines = [line for line in lines[-8:] if line not in parts[0]]
        parts += lines
        if lines:
            break
    return "\n".join(part for part in parts if part)


def emit(**fields):
    sys.stderr.write("\x1e" + json.dumps(fields) + "\n")
    sys.stderr.flush()
