# shellcheck shell=bash
# A Rust whose standard library can be built anew, instrumented or for another processor. For verification only.

: "${target:?ci/lib/common.sh comes first}"

# Debian has a compiler together with the sources of its standard library. They are unpacked below target and installed
# nowhere. Sets RUSTC and what that compiler needs; the normal cargo goes with it.
use_rust_with_sources() {
  local tools=$target/tools/rust-web parts packages package
  if [[ ! -x $tools/usr/bin/rustc ]]; then
    mkdir -p "$target/tools"
    parts=$(mktemp -d "$target/tools/rust-web.XXXXXX")
    [[ $(id -u) != 0 ]] || apt-get -qq update
    mapfile -t packages < <(apt-cache depends --recurse --important rustc-web | grep -E '^(libstd-rust-web|libllvm)')
    ((${#packages[@]})) || fail "apt does not know rustc-web: is the package source bookworm-security there?"
    (cd "$parts" && apt-get -qq download rustc-web rust-web-src "${packages[@]}" 2>apt.log) || {
      cat "$parts/apt.log" >&2
      fail "the packages of rustc-web could not be downloaded"
    }
    for package in "$parts"/*.deb; do dpkg -x "$package" "$parts/unpacked"; done
    # Only a whole toolchain gets the final name.
    rm -rf "$tools"
    mv "$parts/unpacked" "$tools"
    rm -rf "$parts"
  fi
  # The last: the compiler takes -Zbuild-std and the sanitizer flags, which are unstable, only so.
  export RUSTC=$tools/usr/bin/rustc LD_LIBRARY_PATH=$tools/usr/lib/x86_64-linux-gnu RUSTC_BOOTSTRAP=1
}

# The parts of the standard library to build, for cargo test and cargo build.
# shellcheck disable=SC2034
build_std=-Zbuild-std=std,panic_abort,panic_unwind,test
