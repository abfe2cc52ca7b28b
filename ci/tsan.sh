#!/usr/bin/env bash
# ThreadSanitizer over the library, its standard library and the C programs and modules of the stress tests.
# ci/tsan.sh --long runs all tests of the library under it, and the stress tests ten times.
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
source ci/lib/rust-src.sh
source ci/lib/sanitizer.sh
long=$(long_option "$@")

# Without an instrumented std, its mutexes look like races.
use_rust_with_sources
llvm=$("$RUSTC" -vV | sed -nE 's/^LLVM version: ([0-9]+).*/\1/p')
use_clang "$llvm" thread
canary race "data race"
export RUSTFLAGS="-Zsanitizer=thread $RUSTFLAGS"
export CARGO_TARGET_DIR=$target/tsan GILRT_TEST_SLOWDOWN=${GILRT_TEST_SLOWDOWN:-10}
# A host may start threads in a forked child.
export TSAN_OPTIONS="die_after_fork=0 halt_on_error=1 second_deadlock_stack=1 ${TSAN_OPTIONS:-}"
run_stress "$long" cargo test "$build_std" --target "$host"
instrumented __tsan_
