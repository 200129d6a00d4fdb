#!/bin/sh
# Makes a release: the archive of the sources, static programs for x86-64 and aarch64, the recipes with
# version and checksums filled in, and SHA256SUMS.
#
# usage: src/install/release.sh DIRECTORY
#
# What it makes of a commit is always the same, byte by byte, with the same compilers. It takes the commit
# that is checked out, not the files that have been changed since. PORTREUSE_URL is where the release will
# be published, PORTREUSE_HOME the page of the project. MUSL and AARCH64 name the two compilers.
set -eu
umask 022
export LC_ALL=C TZ=UTC0
top=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
url=${PORTREUSE_URL:-https://portreuse.example/releases}
home=${PORTREUSE_HOME:-https://portreuse.example}
musl=${MUSL:-musl-gcc}
aarch64=${AARCH64:-aarch64-linux-gnu-gcc}
for tool in git cmake "$musl" "$aarch64"; do
  command -v "$tool" >/dev/null || {
    echo "$0: please install $tool (Debian: apt-get install git cmake musl-tools gcc-aarch64-linux-gnu)" >&2
    exit 1
  }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

version=$(git -C "$top" show HEAD:CMakeLists.txt | sed -n 's/^project(portreuse VERSION \([0-9.]*\).*/\1/p')
name=portreuse-$version
git -C "$top" archive --format=tar --prefix="$name/" HEAD | gzip -9n >"$out/$name.tar.gz"
tar -C "$work" -xf "$out/$name.tar.gz"

# build NAME OPTION...: a static program for this architecture.
build() {
  target=$1
  shift
  if ! { cmake -S "$work/$name" -B "$work/$target" -DPORTREUSE_STATIC=ON -DPORTREUSE_INSTALL=OFF \
    -DCMAKE_C_FLAGS="-ffile-prefix-map=$work=." "$@" &&
    cmake --build "$work/$target" -j "$(nproc)" --target portreuse; } >"$work/log" 2>&1; then
    cat "$work/log" >&2
    exit 1
  fi
  cp "$work/$target/portreuse" "$out/portreuse-linux-$target"
}
build amd64 -DCMAKE_C_COMPILER="$musl"
build arm64 -DCMAKE_C_COMPILER="$aarch64" -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64

mail=$(sed -n 's/^Maintainer: .*<\(.*\)>$/\1/p' "$work/$name/src/install/debian/control")
sha256=$(sha256sum "$out/$name.tar.gz" | cut -d ' ' -f 1)
sha512=$(sha512sum "$out/$name.tar.gz" | cut -d ' ' -f 1)
for recipe in "$work/$name"/src/install/recipes/*; do
  sed -e "s|@VERSION@|$version|g" -e "s|@URL@|$url|g" -e "s|@HOME@|$home|g" -e "s|@MAIL@|$mail|g" \
    -e "s|@SHA256@|$sha256|g" -e "s|@SHA512@|$sha512|g" "$recipe" >"$out/${recipe##*/}"
done
cd "$out"
sha256sum "$name.tar.gz" portreuse-linux-* >SHA256SUMS
cat SHA256SUMS
