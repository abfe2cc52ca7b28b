#!/usr/bin/env bash
# Clippy and the compiler have nothing to say about any target with any feature.
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
need_libclang
cargo clippy --workspace --all-targets --all-features -- -D warnings
