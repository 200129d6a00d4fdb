#!/bin/sh
# The binaries as they are built by default and as one static file: what makes a fault harder to use is
# there, as far as the compiler has it.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
top=$(cd "$here/../.." && pwd)

says() { readelf "$1" -W "$2" 2>/dev/null | grep -qE -e "$3"; }
compiler_takes() { echo 'int main(void) { return 0; }' | "$compiler" -Werror "$1" -x c -c - -o /dev/null 2>/dev/null; }

hardened() { # FILE NAME
  ok "$2: position-independent" says -h "$1" 'Type: +DYN'
  ok "$2: RELRO" says -l "$1" GNU_RELRO
  ok "$2: no data can be executed" says -l "$1" 'GNU_STACK.* RW '
  ok "$2: no segment can be written to and executed" sh -c '! readelf -lW "$1" | grep LOAD | grep RWE' - "$1"
  if compiler_takes -fcf-protection=full && [ "$(uname -m)" = x86_64 ]; then
    ok "$2: every indirect jump of ours has its mark (CET)" sh -c \
      '[ "$(objdump -d "$1" | grep -c endbr64)" -gt 500 ]' - "$1"
  fi
}

built() { # NAME COMPILER OPTION...
  name=$1
  compiler=$2
  build=$work/build
  shift 2
  rm -rf "$build"
  run sh -c 'top=$1; build=$2; shift 2; cmake -S "$top" -B "$build" -DPORTREUSE_WERROR=ON "$@" && cmake --build "$build" -j 2 --target portreuse' \
    - "$top" "$build" -DCMAKE_C_COMPILER="$compiler" "$@"
  ok "$name: it builds" status_is 0
}

built "the default build" cc
if [ "$rc" = 0 ]; then
  hardened "$build/portreuse" "the default build"
  ok "the default build: all is bound at the start" says -d "$build/portreuse" 'FLAGS.* NOW'
  ok "the default build: the stack is protected" says -s "$build/portreuse" __stack_chk_fail
  ok "the default build: the C library checks sizes" says -s "$build/portreuse" '__(vsn|sn|f|vf)printf_chk'
fi
echo 'int main(void) { return 0; }' >"$work/empty.c"
for compiler in cc musl-gcc; do
  if ! "$compiler" -static "$work/empty.c" -o "$work/empty" 2>/dev/null; then
    skip "the static build with $compiler" "$compiler cannot link one here"
    continue
  fi
  built "the static build with $compiler" "$compiler" -DPORTREUSE_STATIC=ON
  [ "$rc" = 0 ] || continue
  hardened "$build/portreuse" "the static build with $compiler"
  run "$build/portreuse" run -q address-in-use
  ok "the static build with $compiler runs" first_line_starts "PASS"
done

finish
