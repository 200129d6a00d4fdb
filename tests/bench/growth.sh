#!/bin/sh
# Measures how the processor time of portreuse grows, and draws docs/growth.svg (growth.py). Needs root,
# python3 and two minutes.
#
# usage: tests/bench/growth.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$top/build-bench
cmake -S "$top" -B "$build" -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build "$build" -j "$(nproc)" >/dev/null
cc -O2 -D_GNU_SOURCE -o "$build/host" "$here/host.c"
cc -O2 -D_GNU_SOURCE -I"$top/include" -o "$build/crowd" "$here/crowd.c" "$build/libportreuse_parts.a"
python3 "$here/growth.py" "$build" "$build/growth.tsv" "$top/docs/growth.svg"
