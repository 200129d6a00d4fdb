#!/bin/sh
# Another project takes us in with add_subdirectory(): it keeps its targets, flags, build type, install
# and package.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
top=$(cd "$here/../.." && pwd)
parent=$work/parent
build=$work/build

mkdir "$parent"
ln -s "$top" "$parent/portreuse"
cat >"$parent/CMakeLists.txt" <<'TEXT'
cmake_minimum_required(VERSION 3.16)
project(parent VERSION 7.5 LANGUAGES C)
set(CPACK_GENERATOR TGZ)
include(CPack)
enable_testing()
add_subdirectory(portreuse)
foreach(name parent test_parse netns refuse situation property)
  add_executable(${name} main.c)
endforeach()
install(TARGETS parent DESTINATION bin)
add_test(NAME parent COMMAND parent)
file(WRITE ${CMAKE_BINARY_DIR}/build_type "${CMAKE_BUILD_TYPE}")
TEXT
# With our flags, this would not build: an unused parameter, a conversion, and _GNU_SOURCE.
cat >"$parent/main.c" <<'TEXT'
#ifdef _GNU_SOURCE
#error "the macros of portreuse are defined in the parent"
#endif
static int first(int argument, int unused) { unsigned char byte = argument; return byte; }
int main(int argc, char **argv) { return first(argc, 0) - 1; }
TEXT

for options in "" "-DPORTREUSE_TESTS=ON" "-DPORTREUSE_STATIC=ON"; do
  rm -rf "$build"
  # shellcheck disable=SC2086 # no option is one, too
  run cmake -S "$parent" -B "$build" $options -DPORTREUSE_WERROR=ON
  ok "a project with us inside configures${options:+ with $options}" status_is 0
  run cmake --build "$build" -j 2
  ok "it builds" status_is 0
  ok "without a warning of ours in its own files" sh -c '! grep -h "main.c.*warning" "$@"' - \
    "$work/out" "$work/err"
  ok "our program is there" test -x "$build/portreuse/portreuse"
  ok "its build type is its own" test ! -s "$build/build_type"
done

run cmake --install "$build" --prefix "$work/root"
ok "it installs its own files alone" sh -c '[ "$(cd "$1" && find . ! -type d)" = ./bin/parent ]' - \
  "$work/root"
run sh -c 'cd "$1" && cpack' - "$build"
ok "its package is its own" sh -c 'ls "$1"/parent-7.5-*.tar.gz && ! ls "$1"/portreuse*.deb' - "$build"
run sh -c 'cd "$1" && ctest' - "$build"
ok "ctest runs its test" out_has "100% tests passed"

run cmake -S "$parent" -B "$build" -DPORTREUSE_INSTALL=ON
run cmake --build "$build" -j 2
run cmake --install "$build" --prefix "$work/wanted"
ok "with PORTREUSE_INSTALL=ON it installs us, too" test -x "$work/wanted/bin/portreuse"

finish
