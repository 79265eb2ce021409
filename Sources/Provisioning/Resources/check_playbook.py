"""Checks the files of a playbook without running it.

The argument is the folder of the playbook. Prints a JSON list of what was looked at: its name, the number of files, and
an error for each mistake, with file, line and column. Exits with 69 if YAML or Jinja2 is not installed.
"""

import json
import re
import sys
from ast import literal_eval
from pathlib import Path

try:
    import yaml
    from jinja2 import Environment, TemplateSyntaxError
except ImportError as error:
    sys.exit(print(f"{sys.executable} has no module {error.name}", file=sys.stderr) or 69)

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
ENVIRONMENT = Environment()
# Keys of tasks whose values are expressions without braces.
CONDITIONS = {"when", "failed_when", "changed_when", "until", "that"}


def mistake(path, line, column, message):
    return f"{path}:{line}:{column}: error: {message}"


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
        return list(check_node(path, text, root, False)) if root else []
    except RecursionError:
        return [mistake(path, 1, 1, "invalid YAML: an alias contains itself")]


def check_node(path, text, node, is_condition):
    """The mistakes in the Jinja2 expressions of a node; Ansible keeps !unsafe and !vault as they are."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                # What YAML makes of `dest: {{ folder }}`.
                mark = key.start_mark
                yield mistake(path, mark.line + 1, mark.column + 1, "a value that begins with {{ must be in quotes")
                continue
            is_task = {"tasks", "handlers"} & set(path.parts)
            yield from check_node(path, text, value, bool(is_task) and key.value in CONDITIONS)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from check_node(path, text, item, is_condition)
    elif node.tag not in ("!unsafe", "!vault", "!vault-encrypted"):
        is_template = any(mark in node.value for mark in ("{{", "{%", "{#"))
        if is_template or is_condition and node.value:
            try:
                ENVIRONMENT.parse(node.value if is_template else "{{ " + node.value + " }}")
            except TemplateSyntaxError as error:
                # The lines of a literal block are those of the file.
                line = node.start_mark.line + 1 + (error.lineno if node.style == "|" else 0)
                column = indentation(text, line) if node.style == "|" else node.start_mark.column + 1
                yield mistake(path, line, column, f"invalid Jinja2: {error.message}")


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
        environment.parse(text)
    except TemplateSyntaxError as error:
        return [mistake(path, error.lineno, indentation(text, error.lineno), f"invalid Jinja2: {error.message}")]
    return []


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
    folder = Path(sys.argv[1])
    files = [
        path
        for part in ("roles/*/tasks", "roles/*/handlers", "roles/*/defaults", "roles/*/vars", "roles/*/meta", "*_vars")
        for end in ("yml", "yaml")
        for path in folder.glob(f"{part}/**/*.{end}")
    ]
    checks = [
        check("YAML files", files, check_yaml),
        check("templates", folder.glob("roles/*/templates/**/*.j2"), check_template),
        check("notebooks", folder.glob("roles/*/files/**/*.ipynb"), check_notebook),
    ]
    print(json.dumps(checks))


main()
