#!/usr/bin/env bash
# The stress of the bias loses increments when the library is built without its barrier, and none when it is built with it.
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
[[ $# == 0 ]] || fail "takes no arguments"
need gcc
(($(nproc) >= 2)) || fail "needs two processors: on one, stores are never seen late"

limit_ms=60000
program=$(scratch)/bias

# build NAME CFG...: the library with biases granted at once, into a target directory of its own, and the program against it.
build() {
  local folder=$target/$1 flags="--cfg gilrt_stress" cfg
  for cfg in "${@:2}"; do flags+=" --cfg $cfg"; done
  CARGO_TARGET_DIR=$folder RUSTFLAGS=$flags cargo build --release -p gilrt --lib
  gcc -std=c11 -O2 -Wall -Wextra -Wpedantic -Werror -I include -I tests/c tests/c/bias.c -o "$program-$1" \
    -L"$folder/release" -l:libgilrt.so -Wl,--disable-new-dtags,-rpath,"$folder/release" -lpthread
}

# run NAME MILLISECONDS: prints what the program saw; its status: 0 nothing was lost, 3 something was.
run() {
  local status=0
  timeout $((limit_ms / 1000 + 60)) "$program-$1" "$2" || status=$?
  ((status == 0 || status == 3)) || fail "$program-$1 ended with status $status"
  return $status
}

build stress-no-barrier gilrt_no_barrier
build stress
start=$(date +%s%3N)
if run stress-no-barrier $limit_ms; then
  fail "without the barrier nothing was lost in $limit_ms ms, so the stress would not notice if it were missing"
fi
needed_ms=$(($(date +%s%3N) - start))
# Hundred times as long as the broken library needed, and half a minute at least.
sound_ms=$((needed_ms * 100))
((sound_ms >= limit_ms / 2)) || sound_ms=$((limit_ms / 2))
((sound_ms <= limit_ms)) || sound_ms=$limit_ms
run stress $sound_ms || fail "with the barrier, increments were lost"
echo "without the barrier: lost within $needed_ms ms; with it: nothing in $sound_ms ms"
