"""Ansible callback plugin: looks at every task of a play that Ansible has loaded, and runs nothing.

Prints a JSON object on standard error, behind an ASCII record separator: a name, the number of tasks, and an error for
each mistake, with file, line and column. Only what is certain counts: a value with a template is known only when the
play runs.
"""
import difflib
import json
import os
import re
import shlex
import sys

import yaml
from ansible.errors import AnsibleError
from ansible.playbook.handler import Handler
from ansible.playbook.helpers import load_list_of_blocks
from ansible.playbook.role_include import IncludeRole
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import fragment_loader, module_loader
from ansible.utils.plugin_docs import get_plugin_docs

DOCUMENTATION = """
name: dss_check
type: notification
short_description: A check of tasks for the dss builder
description: Writes the mistakes of a play to standard error and ends Ansible before it runs anything.
"""

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# The folders in which Ansible looks for the files of a task.
FOLDERS = {"copy": "files", "script": "files", "unarchive": "files", "template": "templates", "include_vars": "vars"}
# Modules that take arguments which their documentation does not list.
OPEN = {"add_host", "gather_facts", "meta", "package", "service", "set_fact", "set_stats"}
# The name of a package without a version: `htop`, `libc6:amd64`, `fsspec[s3]`.
PLAIN = re.compile(r"[A-Za-z0-9][\w.+-]*(:\w+)?(\[[\w, -]+\])?")
# The keys of a task's arguments that are not arguments.
INTERNAL = {"_raw_params", "_uses_shell"}


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "dss_check"

    def v2_playbook_on_play_start(self, play):
        # Ansible only warns of an exception in a callback plugin.
        try:
            result = Check(play).result()
        except Exception as error:
            sys.exit(f"[ERROR]: cannot check the tasks: {type(error).__name__}: {error}")
        sys.stderr.write("\x1e" + json.dumps(result) + "\n")
        sys.exit(0)


class Check:
    def __init__(self, play):
        self.play = play
        self.count = 0
        self.errors = []
        # Files that are not there, unless a task on this host makes them.
        self.missing = []
        self.has_local_tasks = False
        self.seen = set()
        self.known = {}
        # The names and topics of all handlers; None if only the run knows some of them.
        self.handlers = set()
        self.notified = []

    def result(self):
        self.blocks(self.play.compile() + self.play.handlers + self.play.compile_roles_handlers())
        self.notifications()
        errors = self.errors + ([] if self.has_local_tasks else self.missing)
        return {"name": "tasks", "count": self.count, "errors": errors}

    def blocks(self, items):
        for item in items:
            if hasattr(item, "block"):
                self.blocks(item.block + item.rescue + item.always)
            elif item.get_path() not in self.seen:
                # A helper role is loaded once for each role that imports it.
                self.seen.add(item.get_path())
                self.task(item)

    def task(self, task):
        name = re.sub(r"^ansible\.(builtin|legacy)\.", "", task.action)
        self.has_local_tasks |= task.delegate_to is not None or task.connection == "local" or name == "fetch"
        self.notified += [(task, handler) for handler in listed(task.notify) if is_fixed(handler)]
        if isinstance(task, Handler):
            self.handler(task)
        if isinstance(task, TaskInclude):
            return self.include(task)
        if name == "meta":
            return
        self.count += 1
        arguments = {key: value for key, value in task.args.items() if key not in INTERNAL}
        if name not in OPEN and "_variable_params" not in arguments:
            self.arguments(task, arguments)
        if name in FOLDERS:
            self.source(task, name)
        if name in ("apt", "pip") and os.environ.get("DSS_CHECK_VERSIONS"):
            self.version(task, name)

    def include(self, task):
        """Looks into a role or a file of tasks that Ansible would load when the play runs."""
        loader, variables = self.play._loader, self.play._variable_manager
        name = task._role_name if isinstance(task, IncludeRole) else task.args.get("_raw_params", task.args.get("file"))
        if not is_fixed(name):
            # A role may bring handlers.
            self.handlers = None if isinstance(task, IncludeRole) else self.handlers
            return
        try:
            if isinstance(task, IncludeRole):
                tasks, handlers = task.get_block_list(self.play, variables, loader)
                blocks = tasks + handlers
            else:
                file = loader.path_dwim_relative_stack(task.get_search_path(), "tasks", name, bool(task._role))
                blocks = load_list_of_blocks(
                    loader.load_from_file(file), play=self.play, parent_block=task.build_parent_block(),
                    role=task._role, variable_manager=variables, loader=loader)
        except AnsibleError as error:
            # The message goes on with all folders in which there is no such role.
            return self.add(task, name, str(error).strip().splitlines()[0].split(" in ")[0])
        self.blocks(blocks)

    def handler(self, handler):
        names = [handler.name, handler.get_name(), *listed(handler.listen)]
        if isinstance(handler, TaskInclude) or not all(is_fixed(name) for name in names if name):
            self.handlers = None
        elif self.handlers is not None:
            self.handlers.update(names)

    def notifications(self):
        """Finds tasks that notify a handler which no role and no play has."""
        for task, handler in self.notified if self.handlers is not None else ():
            if handler not in self.handlers:
                close = difflib.get_close_matches(handler, filter(None, self.handlers), 1)
                hint = f"; did you mean '{close[0]}'?" if close else ""
                self.add(task, handler, f"there is no handler '{handler}'{hint}")

    def arguments(self, task, arguments):
        options = self.options(task.action)
        if options is None:
            return
        names = {name for option, value in options.items() for name in (option, *value.get("aliases", ()))}
        for key in arguments:
            if is_fixed(key) and key not in names:
                self.add(task, key, f"{task.action} has no argument '{key}'")
        if task.module_defaults or "_raw_params" in task.args:
            return
        for option, value in options.items():
            if value.get("required") is True and not {option, *value.get("aliases", ())} & set(arguments):
                self.add(task, task.action, f"{task.action} requires the argument '{option}'")

    def options(self, action):
        """The documented arguments of a module; None if it has no documentation."""
        if action not in self.known:
            try:
                self.known[action] = documented_options(action)
            except Exception:
                self.known[action] = None
        return self.known[action]

    def source(self, task, name):
        arguments = task.args
        key = {"script": "cmd", "include_vars": "file"}.get(name, "src")
        value = arguments.get(key, arguments.get("_raw_params") if name in ("script", "include_vars") else None)
        is_remote = str(arguments.get("remote_src", "no")).lower() not in ("no", "false", "0", "off")
        if not is_fixed(value) or is_remote or "://" in value or may_fail(task):
            return
        path = shlex.split(value)[0] if name == "script" else value
        try:
            task._loader.path_dwim_relative_stack(task.get_search_path(), FOLDERS[name], path, bool(task._role))
        except AnsibleError:
            where = f" in the role '{task._role.get_name()}'" if task._role else ""
            self.missing.append(self.found(task, path, f"file '{path}' not found{where}"))

    def version(self, task, name):
        arguments = task.args
        if arguments.get("state") in ("absent", "build-dep") or arguments.get("version"):
            return
        # A file of constraints has the versions.
        if re.search(r"(^|\s)(-c|--constraint)\b", str(arguments.get("extra_args", ""))):
            return
        names = next((arguments[key] for key in ("name", "pkg", "package") if arguments.get(key)), None)
        for text in names if isinstance(names, list) else [names]:
            for package in map(str.strip, re.split(r",(?![^\[]*\])", text) if is_fixed(text) else ()):
                if PLAIN.fullmatch(package) and not package.endswith((".deb", ".whl", ".gz", ".zip")):
                    example = f"{package}{'==' if name == 'pip' else '='}VERSION"
                    self.add(task, package, f"{name} package '{package}' has no version, for example {example}")

    def add(self, task, word, message):
        self.errors.append(self.found(task, word, message))

    def found(self, task, word, message):
        """An error at the first place in a task where a word is."""
        path, _, line = task.get_path().rpartition(":")
        try:
            with open(path, encoding="utf-8") as file:
                lines = file.read().splitlines()[int(line) - 1 :]
        except (OSError, ValueError):
            lines = []
        for index, text in enumerate(lines):
            if found := re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text):
                line, column = int(line) + index, found.start() + 1
                break
        else:
            column = 1
        return f"{path}:{line}:{column}: error: {message}"


def documented_options(action):
    """The documented arguments of a module. Ansible's own function parses all of its Python, examples and return values,
    which takes a tenth of the whole check; it is asked only if the documentation is not where it is expected."""
    try:
        with open(module_loader.find_plugin(action), encoding="utf-8") as file:
            text = re.search(r"^DOCUMENTATION *= *r?('''|\"\"\")(.*?)\1", file.read(), re.DOTALL | re.MULTILINE)[2]
        document = yaml.load(text, Loader=LOADER)
        options = {}
        fragments = document.get("extends_documentation_fragment") or []
        for fragment in fragments if isinstance(fragments, list) else [fragments]:
            name, _, part = fragment.partition(".")
            source = getattr(fragment_loader.get(name), (part or "documentation").upper())
            options.update(yaml.load(source, Loader=LOADER).get("options") or {})
        for name, option in (document.get("options") or {}).items():
            options[name] = {**options.get(name, {}), **option}
        return options
    except Exception:
        document = get_plugin_docs(action, "module", module_loader, fragment_loader, False)[0]
        return document.get("options") or {}


def listed(value):
    """A value that Ansible takes as a list."""
    return value if isinstance(value, list) else [value] if value else []


def is_fixed(value):
    """Whether a value is a text without a template."""
    return isinstance(value, str) and not re.search(r"\{[{%#]", value)


def may_fail(task):
    """Whether the play goes on if the task fails."""
    item = task
    while item:
        if getattr(item, "ignore_errors", None) or getattr(item, "rescue", None):
            return True
        item = item._parent
    return False
