# shellcheck shell=bash
# What the sanitizer checks share: clang of the LLVM that rustc has, one runtime for Rust and C, and proof that it is on.

: "${host:?ci/lib/common.sh comes first}"

# The tests that put the library under stress from several threads.
stress_tests=(--test c_programs --test hot --test host --test modules --test samples --test samples_libraries)

# use_clang LLVM SANITIZERS: compiles and links C with that clang, Rust's linker included. clang's own runtime serves both
# languages, for two copies of a sanitizer in one process know nothing of each other.
use_clang() {
  local llvm=$1 sanitizers=$2
  need g++ "clang-$llvm" "llvm-$llvm" "lld-$llvm" "libclang-rt-$llvm-dev"
  export CC=clang-$llvm CXX=clang++-$llvm
  export CFLAGS="-fsanitize=$sanitizers -fno-sanitize-recover=all -fno-omit-frame-pointer -g" CXXFLAGS
  CXXFLAGS=$CFLAGS
  export ASAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-$llvm TSAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-$llvm
  # -rdynamic: modules opened by a test binary find the runtime in it.
  export RUSTFLAGS="-Zexternal-clangrt -Clinker=$CC -Clink-arg=-fsanitize=$sanitizers -Clink-arg=-rdynamic -Clink-arg=-fuse-ld=lld"
  # The sanitizer flags of rustc are unstable; this lets the stable compiler take them.
  export RUSTC_BOOTSTRAP=1
}

# canary PROGRAM REPORT: a sanitizer that reports nothing looks like a program without errors, so first a program with one.
canary() {
  local program=ci/canary/$1.c expected=$2 out
  out=$(scratch)/canary-$1
  read -ra flags <<<"$CFLAGS"
  "$CC" "${flags[@]}" "$program" -o "$out" -lpthread
  if "$out" >"$out.log" 2>&1 || ! grep -q "$expected" "$out.log"; then
    cat "$out.log"
    fail "$program has an error that was not reported as '$expected'"
  fi
}

# instrumented SYMBOL: the library that the tests have just used refers to the sanitizer's runtime.
instrumented() {
  local library=$CARGO_TARGET_DIR/$host/debug/deps/libgilrt.so
  # Not grep -q: it would end while nm is still writing, and pipefail take that for a failure.
  nm -D --undefined-only "$library" | grep " $1" >"$(scratch)/instrumented.txt" ||
    fail "$library is not instrumented: it does not refer to $1"
}

# run_stress LONG COMMAND...: the stress tests once, or, with LONG true, every test of the library and the stress tests ten
# times more.
run_stress() {
  local long=$1
  shift
  "$@" --no-fail-fast -p gilrt --features samples "${stress_tests[@]}"
  $long || return 0
  "$@" --no-fail-fast -p gilrt --features samples --tests
  for _ in {1..10}; do
    "$@" --no-fail-fast -p gilrt --features samples "${stress_tests[@]}"
  done
}
