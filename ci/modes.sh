#!/usr/bin/env bash
# Every count is exact after a minute in which the mode changes to and fro every 10 ms, under load.
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
[[ $# == 0 ]] || fail "takes no arguments"
# Three programs, of 2, 4 and 16 threads.
GILRT_TEST_MODES_MS=20000 cargo test -p gilrt --test c_programs nothing_is_lost_when_the_mode_changes_under_load
