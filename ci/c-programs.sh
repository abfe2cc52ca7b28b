#!/usr/bin/env bash
# The headers, the C programs of the tests and the sample extensions compile without a warning: as C11 and C17, the headers
# as C++17 too, by gcc and by clang.
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# Headers of the libraries that samples wrap, for cargo gives its own to build scripts only.
need gcc g++ clang-14 zlib1g-dev libsqlite3-dev
strict=(-O2 -Wall -Wextra -Wpedantic -Werror -I include -I cext -I tests/c -c -o /dev/null)

mapfile -t programs < <(find tests/c cext examples tools/gilrt/lab/peers/c -name '*.c' 2>/dev/null | sort)
mapfile -t cpp_programs < <(find tests/c cext examples -name '*.cpp' 2>/dev/null | sort)
((${#programs[@]})) || fail "no C program found under tests/c and cext"

for compiler in gcc clang-14; do
  for std in c11 c17; do
    for file in "${programs[@]}"; do
      "$compiler" -std=$std "${strict[@]}" "$file" || fail "$file: $compiler -std=$std"
    done
    # Each header on its own, and twice: it includes what it needs and guards against a second time.
    for header in include/*.h; do
      printf '#include "%s"\n#include "%s"\n' "${header##*/}" "${header##*/}" |
        "$compiler" -std=$std "${strict[@]}" -x c - || fail "$header: $compiler -std=$std"
    done
  done
done
for compiler in g++ clang++-14; do
  for header in include/*; do
    printf '#include "%s"\n#include "%s"\n' "${header##*/}" "${header##*/}" |
      "$compiler" -std=c++17 "${strict[@]}" -x c++ - || fail "$header: $compiler -std=c++17"
  done
  for file in "${cpp_programs[@]}"; do
    "$compiler" -std=c++17 "${strict[@]}" "$file" || fail "$file: $compiler -std=c++17"
  done
done
echo "${#programs[@]} C and ${#cpp_programs[@]} C++ programs compiled without a warning"
