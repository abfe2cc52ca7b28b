#!/usr/bin/env bash
# The library compiles for AArch64, and the C programs of the tests pass there, emulated: finds errors of porting, not of memory order.
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
source ci/lib/rust-src.sh
[[ $# == 0 ]] || fail "takes no arguments"
need gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user

use_rust_with_sources
export CARGO_TARGET_DIR=$target/aarch64 CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
cargo build "$build_std" --target aarch64-unknown-linux-gnu -p gilrt --lib
library=$CARGO_TARGET_DIR/aarch64-unknown-linux-gnu/debug

# The Rust side of the tests cannot start emulated children, so the programs that need no arguments are run from here.
passed=0
failed=()
for source in tests/c/*.c; do
  arguments=()
  case $(basename "$source") in
  deep.c) arguments=(20000) ;; # ten million nodes take a quarter of an hour here
  *) grep -q 'int main(void)' "$source" || continue ;;
  esac
  # qemu's emulation of processes does not survive a fork with several threads.
  if grep -qE '\bfork\(|"child\.h"' "$source"; then
    echo "$source forks: skipped"
    continue
  fi
  program=$CARGO_TARGET_DIR/$(basename "$source" .c)
  aarch64-linux-gnu-gcc -std=c11 -O1 -g -I include -I cext "$source" -o "$program" \
    -L "$library" -lgilrt -Wl,-rpath,"$library" -lpthread -ldl -lm
  # The limit only ends what hangs.
  if timeout 300 qemu-aarch64 -L /usr/aarch64-linux-gnu "$program" "${arguments[@]}"; then
    passed=$((passed + 1))
  else
    failed+=("$source ended with $?;")
  fi
done
((${#failed[@]} == 0)) || fail "${failed[*]} $passed programs passed"
((passed)) || fail "no program of tests/c runs without arguments"
echo "$passed programs passed"
