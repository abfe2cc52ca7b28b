#!/usr/bin/env bash
# The scripts of CI have none of the errors that shellcheck knows.
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
need shellcheck
shellcheck --external-sources --source-path=ci --source-path=. .ci/run ci/*.sh ci/lib/*.sh
