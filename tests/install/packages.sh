#!/bin/sh
# A release and its packages: made twice the same, and built as far as this machine can (docs/installing.md).
# With `all` behind the two arguments that every test has, also those that take a build each: for Fedora, Arch
# and Alpine.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
PATH=$PATH:/usr/sbin # chroot, which Debian keeps from the path of an ordinary user
top=$(cd "$here/../.." && pwd)
all=${3:-}
export LC_ALL=C
have() { command -v "$1" >/dev/null; }

# lacks WHAT TOOL...: if a tool is missing, skips WHAT with that reason.
lacks() {
  what=$1
  shift
  for tool; do
    have "$tool" || {
      skip "$what" "$tool is not installed"
      return 0
    }
  done
  return 1
}
as_root() { if is_root; then "$@"; else unshare -r "$@"; fi; }

# --- a release, twice: from two directories, with another mask, time zone and locale ---

if lacks "a release" git musl-gcc aarch64-linux-gnu-gcc || ! git -C "$top" rev-parse -q --verify HEAD >/dev/null; then
  finish
fi
version=$(sed -n 's/^project(portreuse VERSION \([0-9.]*\).*/\1/p' "$top/CMakeLists.txt")
release=$work/release
git clone -q --shared "$top" "$work/one"
git clone -q --shared "$top" "$work/another place"
run "$work/one/src/install/release.sh" "$release"
ok "a release is made" status_is 0
run sh -c 'umask 077; TZ=Asia/Tokyo LC_ALL=C.UTF-8 "$1/src/install/release.sh" "$2"' - "$work/another place" "$work/again"
ok "and again" status_is 0
ok "both are the same, byte by byte" diff -r "$release" "$work/again"
ok "the checksums are right" sh -c 'cd "$1" && sha256sum -c SHA256SUMS' - "$release"
ok "no placeholder is left" sh -c '! grep -rIn "@[A-Z0-9]*@" "$1"' - "$release"
run tar -tf "$release/portreuse-$version.tar.gz"
ok "the archive has one directory" sh -c '! grep -v "^portreuse-[0-9.]*/" "$1"' - "$work/out"

run "$release/portreuse-linux-amd64" version
ok "the program for x86-64 runs" out_has "portreuse $version"
if ! lacks "the program for aarch64 runs" qemu-aarch64-static; then
  run qemu-aarch64-static "$release/portreuse-linux-arm64" run --must-run autobind-reuse udp-port-taken
  ok "the program for aarch64 runs" status_is 0
fi

# --- the image: what the Dockerfile copies, alone in a root directory ---

mkdir "$work/image"
ok "the image is FROM scratch" grep -qx 'FROM scratch' "$release/Dockerfile"
for architecture in arm64 amd64; do
  # shellcheck disable=SC2046 # source and target
  set -- $(sed -n "s/^COPY //; s/\${TARGETARCH}/$architecture/p" "$release/Dockerfile")
  ok "its program is in the release for $architecture" cp "$release/$1" "$work/image$2"
done
entry=$(sed -n 's/^ENTRYPOINT \["\(.*\)"\]/\1/p' "$release/Dockerfile")
run unshare -rn chroot "$work/image" "$entry" run address-in-use
ok "and runs there" first_line_starts "PASS address-in-use"

# --- Debian ---

# as_packed: what the package says of its size is what its files need, as dpkg-gencontrol counts: each file
# in whole KiB, and 1 KiB for each directory and link.
as_packed() {
  size=$(dpkg-deb -f "$1" Installed-Size)
  counted=$(find "$2" -mindepth 1 ! -path "$2/var*" -printf '%y %s\n' |
    awk '{ sum += $1 == "f" ? int(($2 + 1023) / 1024) : 1 } END { print sum }')
  echo "it says $size, counted $counted"
  [ $((size - counted)) -ge -2 ] && [ $((size - counted)) -le 2 ]
}

if ! lacks "a Debian package" dpkg-buildpackage dh; then
  tar -C "$work" -xf "$release/portreuse-$version.tar.gz"
  cp "$release/portreuse-$version.tar.gz" "$work/portreuse_$version.orig.tar.gz"
  cp -r "$work/portreuse-$version/src/install/debian" "$work/portreuse-$version"
  run sh -c 'cd "$1" && dpkg-buildpackage -us -uc' - "$work/portreuse-$version"
  ok "dpkg-buildpackage builds the source package and the program" status_is 0
  deb=$(find "$work" -maxdepth 1 -name "portreuse_$version-*.deb")
  changes=$(find "$work" -maxdepth 1 -name '*.changes')
  ok "the version of the package is that of the program" test -n "$deb"
  if ! lacks "lintian accepts it" lintian; then
    # The licence is missing: that is for the authors. No release closes a report of Debian's.
    run lintian --allow-root --fail-on error,warning \
      --suppress-tags no-copyright-file,initial-upload-closes-no-bugs,bad-distribution-in-changes-file "$changes"
    ok "lintian finds neither an error nor a warning" status_is 0
    ok "in a package that it could read" err_is_empty
  fi
  admin=$work/debian/var/lib/dpkg
  mkdir -p "$admin/info" "$admin/updates"
  : >"$admin/status"
  there() {
    as_root dpkg --root="$work/debian" --log="$work/dpkg.log" --force-not-root --force-depends "$@"
  }
  run there -i "$deb"
  ok "the package installs" status_is 0
  run "$work/debian/usr/bin/portreuse" run -q time-wait-rebind
  ok "its program runs" first_line_starts "PASS time-wait-rebind"
  ok "/usr/bin has the program and one link" test "$(find "$work/debian/usr/bin" ! -type d | wc -l)" = 2
  ok "no licence is claimed that there is not" grep -q "No licence has been stated" \
    "$work/debian/usr/share/doc/portreuse/copyright"
  ok "its Installed-Size is right" as_packed "$deb" "$work/debian"
  run there --purge portreuse
  ok "it is removed, cleanly" test ! -e "$work/debian/usr"
fi

# --- other systems: the recipes are followed here, with the dependencies that Debian calls otherwise ---

# It says that the licence is none that it knows, that the URLs, which are examples, do not answer, and asks
# for tags of old; Debian's looks for pages that are compressed with bzip2 alone.
rpmlint_is_content() {
  rpmlint "$@" >"$work/rpmlint" 2>&1
  sed 's/^/  /' "$work/rpmlint"
  ! grep -E ': [EW]: ' "$work/rpmlint" |
    grep -vE 'invalid-license|invalid-url|no-signature|unstripped-binary-or-object|no-(url|packager|buildroot|group)-tag|manpage-not-compressed bz2|no-manual-page-for-binary'
}
if [ -n "$all" ] && ! lacks "an rpm" rpmbuild; then
  mkdir -p "$work/rpm/SOURCES"
  cp "$release/portreuse-$version.tar.gz" "$work/rpm/SOURCES"
  run rpmbuild -ba --nodeps --define "_topdir $work/rpm" --define 'optflags -O0' "$release/portreuse.spec"
  ok "rpmbuild builds the rpm, and its source" status_is 0
  rpm=$(find "$work/rpm/RPMS" -name "portreuse-$version-*.rpm")
  run rpm -qlp "$rpm"
  ok "with the program" grep -qx /usr/bin/portreuse "$work/out"
  ok "and one link" test "$(grep -c '^/usr/bin/' "$work/out")" = 2
  if ! lacks "rpmlint" rpmlint; then
    ok "rpmlint finds nothing but the missing licence" rpmlint_is_content "$release/portreuse.spec" "$rpm"
  fi
fi

if [ -n "$all" ] && ! lacks "the recipe for Arch" makepkg bsdtar pacman; then
  mkdir "$work/arch"
  cp "$release/PKGBUILD" "$release/portreuse-$version.tar.gz" "$work/arch"
  chmod -R a+rwX "$work/arch"
  # makepkg refuses root. -d: pacman does not know what is installed.
  run as_user sh -c 'cd "$1" && HOME=$1 CFLAGS=-O0 PKGEXT=.pkg.tar makepkg -d --nocolor' - "$work/arch"
  ok "makepkg builds the package for Arch, and its check passes" status_is 0
  ok "with the program" sh -c 'tar -tf "$1"/portreuse-*.pkg.tar | grep -qx usr/bin/portreuse' - "$work/arch"
fi

# What abuild does with an APKBUILD, as far as it concerns us.
cat >"$work/abuild" <<'S'
set -e
cd "$1"
. ./APKBUILD
printf '%s' "$sha512sums" | grep . | sha512sum -c
tar -xf "${source##*/}"
pkgdir=$1/pkg
cd "$pkgname-$pkgver"
build
check
package
S
if [ -n "$all" ] && ! lacks "the recipe for Alpine" ninja; then
  mkdir "$work/alpine"
  cp "$release/APKBUILD" "$release/portreuse-$version.tar.gz" "$work/alpine"
  run env CFLAGS=-O0 sh "$work/abuild" "$work/alpine"
  ok "the recipe for Alpine checks the archive, builds, tests and packs" status_is 0
  ok "with the program" test -x "$work/alpine/pkg/usr/bin/portreuse"
fi

# Homebrew's words, as far as the recipe uses them.
cat >"$work/formula.rb" <<'S'
class Formula
  [:desc, :homepage, :url, :sha256, :depends_on, :test].each { |word| define_singleton_method(word) { |*value| (@said ||= {})[word] = value } }
  def self.said = @said
  def std_cmake_args = ["-DCMAKE_INSTALL_PREFIX=/p"]
  def system(*words) = puts(words.join(" "))
end
load ARGV[0]
puts Portreuse.said[:url], Portreuse.said[:sha256]
Portreuse.new.install
S
if ! lacks "the recipe for Homebrew" ruby; then
  run ruby "$work/formula.rb" "$release/portreuse.rb"
  ok "the recipe for Homebrew is Ruby" status_is 0
  ok "with the checksum of the archive" out_has "$(sha256sum <"$release/portreuse-$version.tar.gz" | cut -d ' ' -f 1)"
  ok "and runs three commands" test "$(grep -c '^cmake ' "$work/out")" = 3
fi
if ! lacks "the recipe for Nix" nix-instantiate; then
  run nix-instantiate --parse "$release/default.nix"
  ok "the recipe for Nix can be parsed" status_is 0
fi

finish
