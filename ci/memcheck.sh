#!/usr/bin/env bash
# Valgrind's memcheck over the C programs of the tests: reads of undefined memory, use after free, and memory that is lost.
# ci/memcheck.sh --long takes the sample extensions in too.
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
long=$(long_option "$@")
need gcc valgrind libc6-dbg

tests=(--test c_programs --test host --test modules)
if $long; then tests+=(--test samples --test samples_libraries); fi

# Threads take turns under valgrind; fair-sched keeps one that polls from having all of them.
valgrind="valgrind --quiet --fair-sched=yes --num-callers=30 --error-exitcode=9 --leak-check=full \
  --errors-for-leak-kinds=definite --show-leak-kinds=definite"
export GILRT_TEST_SLOWDOWN=${GILRT_TEST_SLOWDOWN:-20}

# A memcheck that nobody runs finds nothing: the tests do put the wrapper before the program, and it does report.
if GILRT_TEST_WRAPPER=false cargo test --test c_programs acquires_nest >"$(scratch)/wrapper.log" 2>&1; then
  fail "the tests do not heed GILRT_TEST_WRAPPER: see $(scratch)/wrapper.log"
fi
canary=$(scratch)/canary-memcheck
gcc -g ci/canary/use_after_free.c -o "$canary"
read -ra words <<<"$valgrind"
if "${words[@]}" "$canary" 2>"$canary.log" || ! grep -q "Invalid read" "$canary.log"; then
  cat "$canary.log"
  fail "the error of ci/canary/use_after_free.c was not reported"
fi

GILRT_TEST_WRAPPER=$valgrind cargo test --no-fail-fast "${tests[@]}"
