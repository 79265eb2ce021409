#!/bin/sh
# Checks the CloudFormation templates with cfn-lint, checkov and parliament; tools/template-allowances.txt lists the
# accepted findings. Checks the workflows in .github against their schema and zizmor's rules.
# 'tools/setup.sh --tests' installs the tools in .venv-templates.
set -eu
unset CDPATH PYTHONHOME PYTHONPATH
cd "$(dirname "$0")/.."

python=.venv-templates/bin/python
if [ ! -x "$python" ]; then
    echo "$python is missing; run 'tools/setup.sh --tests' to install it" >&2
    exit 69
fi
.venv-templates/bin/cfn-lint --non-zero-exit-code informational -- Sources/*/Templates/*.yaml
"$python" tools/lint-templates.py tools/template-allowances.txt Sources/*/Templates/*.yaml
.venv-templates/bin/zizmor --offline --quiet .github/workflows
