#!/usr/bin/env bash
# Rust is formatted as rustfmt.toml says.
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
cargo fmt --all --check
