#!/usr/bin/env bash
# AddressSanitizer over the library, with UndefinedBehaviorSanitizer over the C programs and modules of the stress tests.
# ci/asan.sh --long runs all tests of the library under it, and the stress tests ten times.
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
source ci/lib/sanitizer.sh
long=$(long_option "$@")

llvm=$(rustc -vV | sed -nE 's/^LLVM version: ([0-9]+).*/\1/p')
use_clang "$llvm" address,undefined
canary use_after_free "heap-use-after-free"
canary overflow "signed integer overflow"
export RUSTFLAGS="-Zsanitizer=address $RUSTFLAGS"
export CARGO_TARGET_DIR=$target/asan GILRT_TEST_SLOWDOWN=${GILRT_TEST_SLOWDOWN:-5}
# Leaks are memcheck's: it tells what is still reachable from what is lost.
export ASAN_OPTIONS="detect_leaks=0 detect_stack_use_after_return=1 ${ASAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1 ${UBSAN_OPTIONS:-}"
run_stress "$long" cargo test --target "$host"
instrumented __asan_
