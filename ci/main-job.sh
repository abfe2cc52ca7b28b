#!/usr/bin/env bash
# `cargo run --release`, the README's first command, ends well where nothing but Rust and a C compiler is known to it.
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
cargo run --release
