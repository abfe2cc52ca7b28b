#!/usr/bin/env bash
# The protocols of the lock, of the counts and of channels hold in every interleaving that loom explores, and a rule broken on purpose is noticed.
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
[[ $# == 0 ]] || fail "takes no arguments"
# A target directory of its own: everything is compiled differently under this cfg.
export CARGO_TARGET_DIR=$target/loom RUSTFLAGS="--cfg loom"
# --nocapture shows how much each model explored, one thread keeps that beside its name.
cargo test --release -p gilrt --test model --test model_counts --test model_channel -- --include-ignored --nocapture --test-threads=1
