#!/usr/bin/env bash
# The documentation builds and none of its links is broken, those to private items included.
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items
