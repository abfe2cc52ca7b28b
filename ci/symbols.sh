#!/usr/bin/env bash
# libgilrt.so exports the names of ci/symbols.txt and no others. GILRT_WRITE=1 ci/symbols.sh rewrites the list.
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
need binutils
cargo build --release -p gilrt --features samples
exported=$(scratch)/symbols.txt
nm -D --defined-only --format=posix "$target/release/libgilrt.so" | cut -d' ' -f1 | LC_ALL=C sort >"$exported"
[[ -s $exported ]] || fail "libgilrt.so exports nothing"
if [[ -n ${GILRT_WRITE:-} ]]; then
  cp "$exported" ci/symbols.txt
elif ! diff -u ci/symbols.txt "$exported"; then
  fail "the exported symbols changed; if that is meant, run GILRT_WRITE=1 ci/symbols.sh and commit the list"
fi
echo "$(wc -l <"$exported") symbols exported"
