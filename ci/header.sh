#!/usr/bin/env bash
# include/gilrt.h is what cbindgen makes of the sources. GILRT_WRITE=1 ci/header.sh rewrites it.
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
cargo test --test header
