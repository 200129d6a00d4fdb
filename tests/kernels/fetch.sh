#!/bin/sh
# Fetches a kernel of Debian: DIR/vmlinuz, its modules in DIR/modules, and its release in DIR/release.
# The lists of packages and all that apt remembers are kept in STATE: apt of this machine is not touched.
# The mirrors are those of the machine's own sources.
#
# usage: tests/kernels/fetch.sh SUITE:VERSION DIR STATE
#        tests/kernels/fetch.sh SUITE:package=NAME DIR STATE    (any package, unpacked in DIR)
#
# VERSION is the beginning of one (6.1, 6.12.95), of which the newest kernel is taken, or `newest`. Exit
# status 77 with the reason on standard error if there is no mirror or no such kernel.
set -eu
suite=${1%%:*}
version=${1#*:}
mkdir -p "$2" "$3"
directory=$(cd "$2" && pwd)
state=$(cd "$3" && pwd)/$suite${ARCH:+-$ARCH}
case $version in
  package=*) state=$state-packages ;;
esac
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

missing() {
  echo "$*" >&2
  exit 77
}

# mirror PATTERN: the first address of the machine's sources that ends so.
mirror() {
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null |
    sed -n -e 's/^URIs: *//p' -e 's/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' | tr ' ' '\n' |
    grep -E "$1/?\$" | head -n 1
}

# sources: where the suite's kernels are, and its security updates; a package may be older.
sources() {
  main=$(mirror /debian)
  security=$(mirror /debian-security)
  [ -z "$main" ] || echo "deb [signed-by=$keyring] $main $suite main"
  case $suite:$version in
    *:package=*) ;;
    sid:* | unstable:* | experimental:* | *-backports:* | *-security:*) ;;
    *) [ -z "$security" ] || echo "deb [signed-by=$keyring] $security $suite-security main" ;;
  esac
}

private() { # apt-get|apt-cache ARG...
  program=$1
  shift
  "$program" -o Dir::State="$state" -o Dir::State::status="$state/status" -o Dir::State::lists="$state/lists" \
    -o Dir::Cache="$state/cache" -o Dir::Etc::sourcelist="$state/sources.list" \
    -o Dir::Etc::sourceparts="$state/parts" -o Dir::Etc::preferences=/dev/null \
    -o Dir::Etc::preferencesparts="$state/parts" -o Acquire::Languages=none -o Acquire::Retries=2 \
    -o Acquire::http::Timeout=20 -o Acquire::Check-Valid-Until=false -o APT::Architecture="${ARCH:-amd64}" \
    -o APT::Sandbox::User=root "$@"
}

# The newest release that has the version: 6.12.117+deb13-cloud-amd64. From 6.19 on the image is in
# linux-binary-RELEASE. linux-image-6.1-cloud-amd64 names a series, and has no kernel in it.
find_release() {
  private apt-cache search --names-only '^linux-(image|binary)-[0-9].*-cloud-amd64$' |
    sed -n -e 's/^linux-binary-\([^ ]*\) .*/\1/p' -e '/^linux-image-[0-9]*\.[0-9]*-cloud/d' \
      -e 's/^linux-image-\([^ ]*\) .*/\1/p' |
    awk -v version="$version" 'version == "newest" ||
      index($0, version) == 1 && substr($0, length(version) + 1, 1) ~ /[-.+]/' | sort -V | tail -n 1
}

command -v apt-get >/dev/null || missing "apt-get is not installed"
mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/parts"
: >>"$state/status"
sources >"$state/sources.list"
[ -s "$state/sources.list" ] || missing "this machine has no mirror of Debian in its apt sources"
if [ -z "$(find "$state/updated" -mmin -1440 2>/dev/null)" ]; then
  private apt-get update >"$state/log" 2>&1 || true
  ! grep -q '^[EW]:' "$state/log" ||
    missing "the mirror does not answer for $suite: $(grep -m 1 '^[EW]:' "$state/log")"
  touch "$state/updated"
fi
case $version in
  package=*)
    cd "$directory"
    private apt-get download "${version#package=}" >"$state/log" 2>&1 || missing "$suite has no ${version#package=}"
    dpkg-deb -x "${version#package=}"_*.deb .
    exit
    ;;
esac
release=$(find_release)
[ -n "$release" ] || missing "$suite has no kernel $version"
if [ "$(cat "$directory/release" 2>/dev/null)" = "$release" ]; then
  exit 0
fi

rm -rf "$directory"
mkdir -p "$directory/debs" "$directory/modules"
cd "$directory/debs"
if private apt-get download "linux-binary-$release" >"$state/log" 2>&1; then
  private apt-get download "linux-modules-$release" >"$state/log" 2>&1 ||
    echo "linux-modules-$release is not to be had: it runs without sock_diag" >&2
else
  private apt-get download "linux-image-$release" >"$state/log" 2>&1 || missing "linux-image-$release is not to be had"
fi
for deb in *.deb; do
  dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$directory/debs" --wildcards '*/vmlinuz*' '*/inet_diag.ko*' '*/tcp_diag.ko*' \
    '*/udp_diag.ko*' '*/unix_diag.ko*' '*/mptcp_diag.ko*' '*/veth.ko*' '*/bridge.ko*' '*/stp.ko*' '*/llc.ko*' '*/dummy.ko*' 2>/dev/null || true
done
mv "$(find . -name 'vmlinuz*' -type f | head -n 1)" "$directory/vmlinuz"
find . -name '*.ko*' -type f | while read -r module; do
  name=$(basename "$module" | sed 's/\.ko.*//')
  case $module in
    *.xz) xz -dc "$module" ;;
    *.zst) zstd -dcq "$module" ;;
    *) cat "$module" ;;
  esac >"$directory/modules/$name.ko"
done
rm -rf "$directory/debs"
echo "$release" >"$directory/release"
