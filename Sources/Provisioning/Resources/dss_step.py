"""Ansible callback plugin: reduces a play to one step of a build.

A step is a group of roles. Selecting them here and not by tags keeps tags free for the user, and a role or task without
a tag is built like any other. Roles of other steps are not removed from the play, because Ansible gives their variables
and handlers to all roles.
"""
import json
import sys

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: dss_step
type: notification
short_description: One step of a play for the dss builder
description: Runs pre_tasks, the roles of the step, in the last step tasks and post_tasks, and a trailing role tidy.
options:
  roles:
    description: The names of the roles of the step; without them, the whole play runs.
    type: list
    elements: str
    env: [{name: ANSIBLE_DSS_ROLES}]
  tasks:
    description: Whether tasks and post_tasks are part of the step.
    type: bool
    default: true
    env: [{name: ANSIBLE_DSS_TASKS}]
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "dss_step"

    def v2_playbook_on_play_start(self, play):
        # Ansible only warns of an exception in a callback plugin, and would run the whole play.
        try:
            self.select(play)
        except Exception as error:
            sys.exit(f"cannot select the step: {error}")
        # Without this line, dss takes nothing that ran for the step.
        sys.stderr.write("\x1e" + json.dumps({"event": "plugin-loaded", "name": self.CALLBACK_NAME}) + "\n")
        sys.stderr.flush()

    def select(self, play):
        names = self.get_option("roles")
        if names is None:
            return
        roles = [role for role in play.roles if not role.from_include]
        unknown = set(names) - {role.get_name() for role in roles}
        if unknown:
            raise ValueError(f"the play has no role {', '.join(sorted(unknown))}")
        selected = [role for role in roles if role.get_name() in names]
        play._compile_roles = lambda: [block for role in selected for block in role.compile(play=play)]
        if not self.get_option("tasks"):
            play.tasks, play.post_tasks = [], []
        if roles and roles[-1].get_name() == "tidy" and "tidy" not in names:
            play.post_tasks = play.post_tasks + roles[-1].compile(play=play)
