"""Checks the files of a playbook without running it.

The arguments are the folder of the playbook and, if its variables are to be checked as well, the names of those that it
is given, separated by commas. Prints a JSON list of what was looked at: its name, the number of files, and an error for
each mistake, with file, line and column. Exits with 69 if YAML or Jinja2 is not installed.
"""

import difflib
import json
import re
import sys
from ast import literal_eval
from importlib.util import find_spec
from pathlib import Path

try:
    import yaml
    from jinja2 import Environment, TemplateSyntaxError, nodes
except ImportError as error:
    sys.exit(print(f"{sys.executable} has no module {error.name}", file=sys.stderr) or 69)

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
ENVIRONMENT = Environment()
# Keys of tasks whose values are expressions without braces.
CONDITIONS = {"when", "failed_when", "changed_when", "until", "that"}
# Keys of tasks whose values are names of variables.
NAMING = {"register", "loop_var", "index_var"}
# The filters of Jinja2 that are given the name of another filter or of a test, and the place of that name.
APPLYING = {
    "map": (0, "filter"), "select": (0, "test"), "reject": (0, "test"), "selectattr": (1, "test"),
    "rejectattr": (1, "test"),
}
# Names that are known in every expression, besides those that begin with ansible_:
# https://docs.ansible.com/ansible/latest/reference_appendices/special_variables.html
# Also the globals of Jinja2 and Ansible, the variables of the module template, and facts without that prefix.
SPECIAL = set(
    "environment group_names groups hostvars inventory_dir inventory_file inventory_hostname inventory_hostname_short "
    "item omit play_hosts playbook_dir role_name role_names role_path vars "
    "caller cycler dict joiner kwargs lipsum loop namespace range self super varargs "
    "lookup now q query undef "
    "template_destpath template_fullpath template_host template_mtime template_path template_run_date template_uid "
    "mount_points packages services".split()
)


def mistake(path, line, column, message):
    return f"{path}:{line}:{column}: error: {message}"


class Variables:
    """Finds variables that nothing in the playbook can define.

    Every key of a YAML file may be the name of one, and the value of `register: result` and the like. A misspelled name
    is neither. What is tested for being defined, anywhere, may be undefined.
    """

    def __init__(self):
        self.defined = set(SPECIAL)
        self.tested = set()
        self.used = []
        # Whether variables come from somewhere else, so that nothing is known of them.
        self.is_open = False

    def see(self, template, path, lines, first):
        """Takes the names from a template whose first line is line `first` of a file."""
        for node in template.find_all(nodes.Name):
            if node.ctx == "load":
                self.used.append((node.name, path, lines, first + node.lineno - 1))
            else:
                self.defined.add(node.name)
        # What one template may give to another: lookup('template', 'a.j2', template_vars={'name': 1})
        self.defined |= {node.key for node in template.find_all(nodes.Keyword)}
        self.defined |= {str(node.value) for node in template.find_all(nodes.Const)}
        for node in template.find_all((nodes.Macro, nodes.Import, nodes.FromImport)):
            names = getattr(node, "names", [getattr(node, "name", getattr(node, "target", None))])
            self.defined |= {name[-1] if isinstance(name, tuple) else name for name in names}
        for node in template.find_all((nodes.Filter, nodes.Test)):
            if node.name in ("default", "d", "defined", "undefined") and node.node:
                names = [node.node, *node.node.find_all(nodes.Name)]
                self.tested |= {name.name for name in names if isinstance(name, nodes.Name)}

    def errors(self):
        if self.is_open:
            return
        for name, path, lines, line in dict.fromkeys(self.used):
            if name in self.defined or name in self.tested or name.startswith(("ansible_", "getent_")):
                continue
            place = find(name, lines, line)
            yield mistake(path, *place, f"variable '{name}' is not defined{hint(name, self.defined - SPECIAL)}")


VARIABLES = Variables()


class Plugins:
    """Finds filters and tests that neither Jinja2 nor Ansible has.

    Each one of Ansible has a file of its name, with its documentation. Ansible itself would take a second to load.
    """

    def __init__(self):
        self.known = {"filter": set(ENVIRONMENT.filters), "test": set(ENVIRONMENT.tests)}
        # The playbook, its roles, collections, and the host may have others.
        self.is_open = Path(FOLDER, "collections").exists() or find_spec("ansible_collections") is not None
        ansible = find_spec("ansible")
        for kind, known in self.known.items():
            for place in ansible.submodule_search_locations if ansible else ():
                known |= {path.stem for path in Path(place, "plugins", kind).glob("*.*")}
            self.is_open |= any(FOLDER.glob(f"**/{kind}_plugins"))
            self.is_open |= Path(f"/usr/share/ansible/plugins/{kind}").exists()
        self.is_open |= "bool" not in self.known["filter"]

    def errors(self, template, path, lines, first):
        if self.is_open:
            return
        for node in template.find_all((nodes.Filter, nodes.Test)):
            uses = [("filter" if isinstance(node, nodes.Filter) else "test", node.name)]
            index, kind = APPLYING.get(node.name, (0, None))
            if kind and len(node.args) > index and isinstance(node.args[index], nodes.Const):
                uses.append((kind, str(node.args[index].value)))
            for kind, name in uses:
                own = re.sub(r"^ansible\.(builtin|legacy)\.", "", name)
                if "." not in own and own not in self.known[kind]:
                    place = find(name, lines, first + node.lineno - 1, r"(\||\bis\b|['\"])\s*(not\s+)?")
                    yield mistake(path, *place, f"there is no {kind} '{name}'{hint(own, self.known[kind])}")


def find(name, lines, line, before=""):
    """The line and the column of a name: in line `line` or, since the lines of a folded text are not those of its
    template, after it."""
    for index, text in enumerate(lines[line - 1 :], line):
        if found := re.search(rf"{before}(?P<name>\b{re.escape(name)}\b)", text):
            return index, found.start("name") + 1
    return line, 1


def hint(name, known):
    close = difflib.get_close_matches(name, filter(str.isidentifier, known), 1)
    return f"; did you mean '{close[0]}'?" if close else ""


FOLDER = Path(sys.argv[1])
PLUGINS = Plugins()


def indentation(text, line):
    lines = text.splitlines()
    content = lines[line - 1] if 0 < line <= len(lines) else ""
    return len(content) - len(content.lstrip()) + 1


def check_yaml(path, text):
    try:
        root = yaml.compose(text, Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return [mistake(path, mark.line + 1, mark.column + 1, f"invalid YAML: {error.problem}")]
    except yaml.YAMLError as error:
        return [mistake(path, 1, 1, f"invalid YAML: {error}")]
    try:
        parts = path.relative_to(FOLDER).parts if path.is_relative_to(FOLDER) else ()
        # A list beside the roles is one of plays.
        is_play = len(parts) == 1 and isinstance(root, yaml.SequenceNode)
        has_tasks = is_play or parts[:1] == ("roles",) and parts[2] in ("tasks", "handlers", "meta")
        return list(check_node(path, text, root, has_tasks)) if root else []
    except RecursionError:
        return [mistake(path, 1, 1, "invalid YAML: an alias contains itself")]


def check_node(path, text, node, has_tasks, is_condition=False):
    """The mistakes in the Jinja2 expressions of a node; Ansible keeps !unsafe and !vault as they are."""
    if isinstance(node, yaml.MappingNode):
        see_sources(path, node)
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                # What YAML makes of `dest: {{ folder }}`.
                mark = key.start_mark
                yield mistake(path, mark.line + 1, mark.column + 1, "a value that begins with {{ must be in quotes")
                continue
            VARIABLES.defined.add(key.value)
            if key.value in NAMING and isinstance(value, yaml.ScalarNode):
                VARIABLES.defined.add(value.value)
            yield from check_node(path, text, value, has_tasks, has_tasks and key.value in CONDITIONS)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from check_node(path, text, item, has_tasks, is_condition)
    elif node.tag not in ("!unsafe", "!vault", "!vault-encrypted"):
        # The names in: set_fact: a=1
        VARIABLES.defined |= set(re.findall(r"\b\w+(?==)", node.value))
        is_template = any(mark in node.value for mark in ("{{", "{%", "{#"))
        # A condition may also be `yes`.
        if is_template or is_condition and node.value and node.tag == "tag:yaml.org,2002:str":
            try:
                template = ENVIRONMENT.parse(node.value if is_template else "{{ " + node.value + " }}")
                first = node.start_mark.line + (2 if node.style in ("|", ">") else 1)
                yield from see(template, path, text, first)
            except TemplateSyntaxError as error:
                # The lines of a literal block are those of the file.
                line = node.start_mark.line + 1 + (error.lineno if node.style == "|" else 0)
                column = indentation(text, line) if node.style == "|" else node.start_mark.column + 1
                yield mistake(path, line, column, f"invalid Jinja2: {error.message}")


def see(template, path, text, first):
    """Takes the variables from a template whose first line is line `first` of a file, and looks at its filters."""
    lines = tuple(text.splitlines())
    VARIABLES.see(template, path, lines, first)
    return PLUGINS.errors(template, path, lines, first)


def see_sources(path, node):
    """Looks for variables in files that are not looked at anyway."""
    for key, value in node.value:
        name = key.value.rpartition(".")[2] if isinstance(key, yaml.ScalarNode) else ""
        pairs = value.value if isinstance(value, yaml.MappingNode) else []
        arguments = {key.value: value for key, value in pairs if isinstance(key, yaml.ScalarNode)}
        if name == "include_vars":
            free = re.search(r"\bname=(\w+)", value.value) if isinstance(value, yaml.ScalarNode) else None
            if free or "name" in arguments:
                VARIABLES.defined.add(free[1] if free else arguments["name"].value)
            else:
                see_file(arguments.get("file", value), Path(path.parent.parent, "vars"))
        elif name == "vars_prompt" and isinstance(value, yaml.SequenceNode):
            for item in value.value:
                see_prompt(item)
        elif name == "set_fact":
            # A name that is a template may be any.
            VARIABLES.is_open |= any("{{" in argument for argument in arguments)
        elif name == "vars_files":
            for item in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                see_file(item, path.parent)
        elif name in ("add_host", "group_by"):
            VARIABLES.is_open = True


def see_prompt(node):
    for key, value in node.value if isinstance(node, yaml.MappingNode) else []:
        if isinstance(key, yaml.ScalarNode) and key.value == "name" and isinstance(value, yaml.ScalarNode):
            VARIABLES.defined.add(value.value)


def see_file(node, folder):
    """Takes the names from a file of variables, if it is written out where that is."""
    file = Path(folder, node.value) if isinstance(node, yaml.ScalarNode) else folder
    if file.is_file():
        check_yaml(file, file.read_text(encoding="utf-8", errors="replace"))
    else:
        VARIABLES.is_open = True


def check_template(path, text):
    environment = ENVIRONMENT
    # Ansible's own header, such as: #jinja2: variable_start_string: '[%', trim_blocks: False
    if header := re.match(r"#jinja2:(.*)\n", text):
        settings = (setting.split(":", 1) for setting in header[1].split(","))
        try:
            environment = Environment(**{name.strip(): literal_eval(value.strip()) for name, value in settings})
        except (ValueError, SyntaxError, TypeError) as error:
            return [mistake(path, 1, 1, f"invalid settings of Jinja2: {error}")]
    try:
        return list(see(environment.parse(text), path, text, 1))
    except TemplateSyntaxError as error:
        return [mistake(path, error.lineno, indentation(text, error.lineno), f"invalid Jinja2: {error.message}")]


def check_notebook(path, text):
    try:
        json.loads(text)["cells"]
    except json.JSONDecodeError as error:
        return [mistake(path, error.lineno, error.colno, f"the notebook is not JSON: {error.msg}")]
    except (TypeError, KeyError):
        return [mistake(path, 1, 1, "the notebook has no cells")]
    return []


def check(name, paths, function):
    paths = sorted(set(path for path in paths if path.is_file()))
    errors = []
    for path in paths:
        try:
            errors += function(path, path.read_text(encoding="utf-8"))
        except UnicodeDecodeError as error:
            line = path.read_bytes()[: error.start].count(b"\n") + 1
            errors.append(mistake(path, line, 1, "the line is not valid UTF-8"))
        except OSError as error:
            errors.append(mistake(path, 1, 1, f"cannot be read: {error.strerror}"))
    return {"name": name, "count": len(paths), "errors": errors}


def main():
    files = [*FOLDER.glob("*.yml")] + [
        path
        for part in ("roles/*/tasks", "roles/*/handlers", "roles/*/defaults", "roles/*/vars", "roles/*/meta", "*_vars")
        for end in ("yml", "yaml")
        for path in FOLDER.glob(f"{part}/**/*.{end}")
    ]
    checks = [
        check("YAML files", files, check_yaml),
        check("templates", FOLDER.glob("roles/*/templates/**/*.j2"), check_template),
        check("notebooks", FOLDER.glob("roles/*/files/**/*.ipynb"), check_notebook),
    ]
    if len(sys.argv) > 2:
        VARIABLES.defined |= set(sys.argv[2].split(","))
        # Plugins, collections, and modules that return facts may define any.
        VARIABLES.is_open |= any(FOLDER.glob("**/vars_plugins")) or Path(FOLDER, "collections").exists()
        modules = [path for part in ("library", "action_plugins") for path in FOLDER.glob(f"**/{part}/*.py")]
        VARIABLES.is_open |= any("ansible_facts" in path.read_text(errors="replace") for path in modules)
        count = len({name for name, *_ in VARIABLES.used})
        checks.append({"name": "variables", "count": count, "errors": list(VARIABLES.errors())})
    print(json.dumps(checks))


main()
