# shellcheck shell=bash
# What the checks share. A check begins with `source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"`; it then stands in the
# root of the repository, stops at the first command that fails, and reads no standard input.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
exec </dev/null

# shellcheck disable=SC2034
host=$(rustc -vV | sed -n 's/^host: //p')
# Absolute, since tests and compilers run in other directories.
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export CARGO_TARGET_DIR=$target
# Incremental artefacts only cost time and space where everything is built once.
export CARGO_INCREMENTAL=0

# Says why the check failed and stops it.
fail() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

# Installs the Debian packages that are missing, and does nothing, not even look at the network, when none is.
need() {
  local missing=() package
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) == "install ok installed" ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  [[ $(id -u) == 0 ]] || fail "missing packages, install them as root: apt-get install ${missing[*]}"
  echo "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update
  apt-get -qq install -y --no-install-recommends "${missing[@]}" >"$(scratch)/apt.log" 2>&1 || {
    cat "$(scratch)/apt.log" >&2
    fail "apt-get install ${missing[*]} failed"
  }
}

# The directory for this check's own files; it lies under target, so that `cargo clean` removes it.
scratch() {
  mkdir -p "$target/ci"
  echo "$target/ci"
}

# libclang, for bindgen.
need_libclang() {
  need clang-14 libclang-14-dev
}

# Prints the value of --long (true or false) and refuses any other argument.
long_option() {
  case "$*" in
    "") echo false ;;
    --long) echo true ;;
    *) fail "unknown arguments '$*': the only one is --long" ;;
  esac
}
