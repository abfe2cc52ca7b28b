#!/usr/bin/env bash
# `gilrt lab all --short` measures each experiment on libgilrt and on CPython, PyPy, Ruby and OCaml; none fails, none is left out.
# The shape is checked, not the times. What it installs, chromium too, the tests of the lab that come later find as well.
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
[[ $# == 0 ]] || fail "takes no arguments"
need gcc libc6-dev python3 pypy3 ruby ocaml ocaml-findlib chromium
data=$(scratch)/lab.json

cargo build --release
timeout --kill-after=10s 240s "$target/release/gilrt" lab all --short --json "$data"
python3 - "$data" <<'PYTHON'
import json, math, sys

data = json.load(open(sys.argv[1]))
records = {record["experiment"]: record for record in data["records"]}
# The experiments whose work is written for every runtime.
shared = ["pair", "cpu", "io", "convoy", "ccbench", "collectors"]
wrong = [f"{name} is missing" for name in shared if name not in records]
for name, record in records.items():
    wrong += [f"{name}: {it['subject']}: {it['why']}" for it in record["failed"]]
    figures = [figure for figure in record["figures"]["all"] if not figure["recorded"]]
    wrong += [f"{name}: no figures"] * (not figures)
    wrong += [f"{name}: {figure}" for figure in figures if not all(map(math.isfinite, figure["values"]))]
    # Debian has no free-threaded CPython.
    absent = {it["subject"] for it in record["skipped"]} - {"free-threaded CPython"}
    wrong += [f"{name}: {subject} was skipped" for subject in absent & {"CPython", "PyPy", "Ruby", "OCaml"}]
    for peer in ("CPython", "PyPy", "Ruby", "OCaml") if name in shared else ():
        if not any(figure["subject"].startswith(peer + " ") for figure in figures):
            wrong.append(f"{name}: no figures of {peer}")
if wrong:
    sys.exit("\n".join(["gilrt lab all --short:", *wrong]))
print(f"{len(records)} experiments, {sum(len(record['figures']['all']) for record in records.values())} figures")
PYTHON
