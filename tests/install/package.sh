#!/bin/sh
# The installed tree lives on when the sources and the build tree are gone, and can be taken away again.
# (packages.sh has the packages.)
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
top=$(cd "$here/../.." && pwd)
tree=$work/tree
build=$work/build
export LC_ALL=C

# works PREFIX: what is installed there works.
works() {
  run "$1/bin/portreuse" run -q time-wait-rebind
  ok "the program runs" first_line_starts "PASS time-wait-rebind: "
  run "$1/bin/portreuse-run" -q time-wait-rebind
  ok "so does its link" first_line_starts "PASS time-wait-rebind: "
}
is_gone() { [ -z "$(find "$1" ! -type d)" ]; }

mkdir "$tree"
cp -r "$top/CMakeLists.txt" "$top/src" "$top/include" "$top/scenarios" "$top/docs" "$tree"
run sh -c 'cmake -S "$1" -B "$2" -DCMAKE_INSTALL_PREFIX=/opt/portreuse &&
  cmake --build "$2" -j 2 --target portreuse' - "$tree" "$build"
ok "a copy of the tree builds" status_is 0
run env DESTDIR="$work/root" cmake --build "$build" --target install
ok "make install succeeds" status_is 0
mv "$tree" "$tree.moved"
run cmake --install "$build" --strip --prefix "$work/home/.local"
ok "cmake --install does when the sources have moved" status_is 0
xargs rm <"$build/install_manifest.txt"
ok "its manifest names all that it has installed" is_gone "$work/home"
run cmake --install "$build" --prefix "$work/home/.local"
rm -rf "$build" "$tree.moved"
works "$work/root/opt/portreuse"
works "$work/home/.local"

finish
