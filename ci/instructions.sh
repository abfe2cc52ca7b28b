#!/usr/bin/env bash
# No hot path needs more than 5 % more instructions than ci/instructions.txt says. GILRT_WRITE=1 ci/instructions.sh rewrites it.
# Counted by callgrind, which repeats to the instruction where a clock does not. The baseline belongs to the compilers of CI,
# Debian 12's gcc and Rust's stable: with others a count may differ without anything being worse.
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
need gcc libc6-dev valgrind
paths=(pair-by-call pair-inline pair-inline-t region-by-call region-inline poll-by-call poll-inline poll-inline-t
  count-by-call count-inline count-inline-t foreign-by-call foreign-inline foreign-inline-t merged-by-call merged-inline
  free-pair-by-call free-pair-inline free-pair-inline-t across-by-call across-inline across-inline-t
  new-and-last-decref unbiased:pair-by-call unbiased:pair-inline)
times=10000

cargo build --release --package gilrt
program=$(scratch)/instructions
gcc -std=c11 -O2 -Wall -Wextra -Werror -I include tools/gilrt/kernels/instructions.c -o "$program" \
  -L "$target/release" -lgilrt -Wl,-rpath,"$target/release" -lpthread

# All instructions of a run. With `unbiased:` before the path the lock is an ordinary word, as when threads compete for it.
run() {
  local log
  log=$(scratch)/instructions.log
  unset GILRT_BIAS
  if [[ $1 == unbiased:* ]]; then
    export GILRT_BIAS=never
    set -- "${1#unbiased:}" "$2"
  fi
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$@" >"$log" 2>&1 || {
    cat "$log" >&2
    fail "instructions $* failed"
  }
  sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$log"
}

# Instructions a turn: twice the turns less once the turns leaves out the start and the end of the program.
turn() {
  local once twice
  once=$(run "$1" $times)
  twice=$(run "$1" $((2 * times)))
  awk "BEGIN { printf \"%.2f\", ($twice - $once) / $times }"
}

counted=$(scratch)/instructions.txt
loop=$(turn nothing)
for path in "${paths[@]}"; do
  awk -v path="$path" -v turn="$(turn "$path")" -v loop="$loop" 'BEGIN { printf "%-22s %6.2f\n", path, turn - loop }'
done >"$counted"

if [[ -n ${GILRT_WRITE:-} ]]; then
  # A growth that is written over unseen is one that nobody decided on.
  diff -u ci/instructions.txt "$counted" && echo "nothing changed" || echo "changed as above: say why in the commit"
  cp "$counted" ci/instructions.txt
  exit
fi
awk '
  FNR == NR { baseline[$1] = $2; next }
  !($1 in baseline) { print $1 ": not in ci/instructions.txt"; bad = 1; next }
  { printf "%-22s %6.2f instructions, baseline %6.2f\n", $1, $2, baseline[$1] }
  $2 > baseline[$1] * 1.05 { print "  more than 5 % above it"; bad = 1 }
  { delete baseline[$1] }
  END {
    for (path in baseline) { print path ": in ci/instructions.txt, but not counted"; bad = 1 }
    exit bad
  }
' ci/instructions.txt "$counted" || fail "if that is meant, run GILRT_WRITE=1 ci/instructions.sh and commit the baseline"
