#!/bin/sh
# The installed tree lives on when the sources and the build tree are gone, and can be taken away
# again; and so can the Debian package.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
top=$(cd "$here/../.." && pwd)
tree=$work/tree
build=$work/build
export LC_ALL=C

as_root() {
  if is_root; then
    "$@"
  else
    unshare -r "$@"
  fi
}

# works PREFIX: what is installed there works.
works() {
  run "$1/bin/portreuse" run -q time-wait-rebind
  ok "the program runs" first_line_starts "PASS time-wait-rebind: "
  run "$1/bin/portreuse-show" time-wait-rebind
  ok "so do the links" cmp "$work/out" "$top/scenarios/time-wait-rebind.scenario"
}
is_gone() { [ -z "$(find "$1" ! -type d)" ]; }

mkdir "$tree"
cp -r "$top/CMakeLists.txt" "$top/src" "$top/include" "$top/scenarios" "$top/docs" "$tree"
run sh -c 'cmake -S "$1" -B "$2" -DCMAKE_INSTALL_PREFIX=/opt/portreuse &&
  cmake --build "$2" -j 2 --target portreuse' - "$tree" "$build"
ok "a copy of the tree builds" status_is 0
if command -v cpack >/dev/null && command -v dpkg-deb >/dev/null; then
  run sh -c 'umask 077 && cd "$1" && cpack -G DEB' - "$build"
  ok "cpack makes a package, whatever the umask" status_is 0
  deb=$(find "$build" -maxdepth 1 -name '*.deb')
else
  deb=
fi

run env DESTDIR="$work/root" cmake --build "$build" --target install
ok "make install succeeds" status_is 0
mv "$tree" "$tree.moved"
run cmake --install "$build" --strip --prefix "$work/home/.local"
ok "cmake --install does when the sources have moved" status_is 0
xargs rm <"$build/install_manifest.txt"
ok "its manifest names all that it has installed" is_gone "$work/home"
run cmake --install "$build" --prefix "$work/home/.local"
[ -z "$deb" ] || mv "$deb" "$work/portreuse.deb"
rm -rf "$build" "$tree.moved"
works "$work/root/opt/portreuse"
works "$work/home/.local"

if [ -z "$deb" ]; then
  skip "the package" "cpack and dpkg-deb are needed"
  finish
fi

admin=$work/debian/var/lib/dpkg
dpkg_there() {
  as_root dpkg --root="$work/debian" --log="$work/dpkg.log" --force-not-root --force-depends "$@"
}
mkdir -p "$admin/info" "$admin/updates"
: >"$admin/status"
run dpkg_there -i "$work/portreuse.deb"
ok "the package installs" status_is 0
works "$work/debian/usr"
ok "its files are as they were packed" sh -c 'cd "$1" && md5sum --quiet -c "$2"' - "$work/debian" \
  "$admin/info/portreuse.md5sums"
ok "its man pages are compressed" sh -c 'gzip -t "$1"/man1/portreuse-run.1.gz "$1"/man5/*.gz' - \
  "$work/debian/usr/share/man"
ok "no licence is claimed that there is not" grep -q "No licence has been stated" \
  "$work/debian/usr/share/doc/portreuse/copyright"
ok "its directories are for all" sh -c '[ -z "$(find "$1" -type d ! -perm 755)" ]' - \
  "$work/debian/usr"
run dpkg_there --purge portreuse
ok "it is removed" status_is 0
ok "cleanly" sh -c '[ ! -e "$1" ]' - "$work/debian/usr"

if command -v lintian >/dev/null; then
  run lintian --allow-root --fail-on error "$work/portreuse.deb"
  ok "lintian finds no error" status_is 0
  ok "in a package that it could read" err_is_empty
else
  skip "lintian finds no error" "it is not installed"
fi

finish
