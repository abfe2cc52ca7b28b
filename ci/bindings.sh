#!/usr/bin/env bash
# The tool's committed bindings are what bindgen makes of include/gilrt.h. GILRT_WRITE=1 ci/bindings.sh rewrites them.
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
need_libclang
cargo test -p gilrt-cli --features bindgen --test bindings
