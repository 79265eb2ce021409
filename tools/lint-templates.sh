#!/bin/sh
# Holds the CloudFormation templates against cfn-lint, checkov and parliament; what they may find stands in
# tools/template-allowances.txt. Holds the workflows of .github against their schema and zizmor's rules. The tools are
# in .venv-templates, which 'tools/setup.sh --tests' makes.
set -eu
cd "$(dirname "$0")/.."

python=.venv-templates/bin/python
if [ ! -x "$python" ]; then
    echo "$python is missing; 'tools/setup.sh --tests' sets it up" >&2
    exit 69
fi
.venv-templates/bin/cfn-lint --non-zero-exit-code informational -- Sources/*/Templates/*.yaml
"$python" tools/lint-templates.py tools/template-allowances.txt Sources/*/Templates/*.yaml
.venv-templates/bin/zizmor --offline --quiet .github/workflows
