# For the scripts here: `. "$here/build.sh"`. Builds the fuzzers.
#
# shellcheck shell=sh
# shellcheck disable=SC2034 # some variables are for the scripts

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$top/build-fuzz
targets="scenario netlink proc json address options files reply"
jobs=$(nproc 2>/dev/null || echo 2)

# What the world (world.h) takes the place of.
wrapped="file_read file_stream_plain fopen readlink readlinkat netns_open netns_socket send recv recvfrom
  child_run"

# build_parts NAME FLAGS SANITIZERS: all of portreuse but main.c, in build-fuzz/NAME.
build_parts() {
  directory=$build/$1
  mkdir -p "$directory"
  if ! { cmake -S "$top" -B "$directory" -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug \
    "-DCMAKE_C_FLAGS=$2" "-DPORTREUSE_SANITIZE=$3" &&
    cmake --build "$directory" -j "$jobs" --target portreuse_parts; } >"$directory.log" 2>&1; then
    tail -n 30 "$directory.log" >&2
    return 1
  fi
}

# build_fuzzer NAME TARGET FLAG...: the fuzzer of that target beside the parts of that name.
build_fuzzer() {
  fuzzer=$build/$1/fuzz_$2
  archive=$build/$1/libportreuse_parts.a
  target=$2
  shift 2
  wraps=
  for function in $wrapped; do
    wraps="$wraps,--wrap=$function"
  done
  [ "$target" != scenario ] || set -- "$@" "$here/grammar.c"
  # shellcheck disable=SC2086 # to be split into words
  clang -std=gnu11 -D_GNU_SOURCE -g -O2 -Wall -Wextra -Werror -fsanitize=fuzzer "$@" \
    -I"$top/include" -I"$top/src" -I"$here" -o "$fuzzer" "$here/fuzz_$target.c" "$here/world.c" \
    "$archive" "-Wl$wraps"
}
