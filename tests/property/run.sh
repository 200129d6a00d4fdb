#!/bin/sh
# The long form of the property test: a million bind() calls in random stories, by the kernel and by
# the model (some minutes). The short one is part of tests/run.sh.
#
# usage: tests/property/run.sh [BINDS [SEED]]
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
build=$top/build-property

cmake -S "$top" -B "$build" -DPORTREUSE_TESTS=ON -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build "$build" --target portreuse_property -j "$(nproc)" >/dev/null
exec "$build/tests/property" --binds "${1:-1000000}" --seed "${2:-$(date +%s)}"
