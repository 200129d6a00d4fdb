#!/bin/sh
# Looks at the pages in Chromium: at 400, 800 and 1600 pixels, light and dark, no text overlaps
# another, is clipped, or has too little contrast. Leaves screenshots.
#
# usage: tests/pages/run.sh [BINARY [FOLDER]]   (default: build/portreuse build-pages)
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
portreuse=${1:-$top/build/portreuse}
folder=${2:-$top/build-pages}
count=0
failures=0
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT

browser=
for candidate in chromium chromium-browser google-chrome; do
  [ -n "$browser" ] || ! command -v "$candidate" >/dev/null || browser=$candidate
done
if [ -z "$browser" ]; then
  echo "ok 1 - the pages in a browser # SKIP chromium is not installed"
  echo 1..1
  exit 0
fi

# browse OPTION... FILE: without the network.
browse() {
  timeout 120 "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$profile" \
    --host-resolver-rules='MAP * ~NOTFOUND' "$@" 2>/dev/null
}

note() { # STATUS NAME
  count=$((count + 1))
  [ "$1" = 0 ] || failures=$((failures + 1))
  [ "$1" = 0 ] && echo "ok $count - $2" || echo "not ok $count - $2"
}

# look NAME: measures FOLDER/NAME.html, and takes pictures of it.
look() {
  { cat "$folder/$1.html" && echo '<script>' && cat "$here/measure.js" && echo '</script>'; } >"$profile/page.html"
  for scheme in light dark; do
    dark=
    [ $scheme = light ] || dark=--force-dark-mode
    [ $scheme = light ] || dark="$dark --blink-settings=preferredColorScheme=0"
    for width in 400 800 1600; do
      # shellcheck disable=SC2086 # none, or several
      browse $dark --window-size=$width,1000 --dump-dom "file://$profile/page.html" |
        sed -n '/<pre id="measured">/,/^end/p' | sed 's/.*<pre id="measured">//; /^end/d' >"$profile/measured"
      grep -q '^measured ' "$profile/measured" && ! sed 1d "$profile/measured" | grep -q .
      note $? "$1, $width pixels, $scheme"
      sed 's/^/# /' "$profile/measured" | head -n 20
      # shellcheck disable=SC2086
      browse $dark --window-size=$width,2400 --screenshot="$folder/$1-$width-$scheme.png" "file://$folder/$1.html" >/dev/null
    done
  done
}

printf 'title  Not as expected\nsetup\n  one  socket  s\n  one  bind    s 127.0.0.1:4000\ncase it fails\n  two  socket  s\n  two  bind    s 127.0.0.1:4000 -> ok | EACCES\ncase it waits in vain\n  await LISTEN 127.0.0.1:4000 within 1ms\n' >"$profile/fails.scenario"
printf 'title  Cannot run here\nneeds kernel >= 99.0\ncase c\n a socket s\n' >"$profile/skip.scenario"
"$portreuse" run -q --output "$folder/story.html" time-wait-rebind >/dev/null
"$portreuse" run -q --output "$folder/hosts.html" partition-at-close >/dev/null
"$portreuse" run -q --output "$folder/overview.html" "$profile/fails.scenario" "$profile/skip.scenario" \
  address-in-use reuseport-balance >/dev/null
"$portreuse" why --output "$folder/why.html" :1 >/dev/null
"$portreuse" budget --interval 0 --output "$folder/budget.html" >/dev/null
"$portreuse" audit --output "$folder/audit.html" >/dev/null
"$portreuse" trace --output "$folder/trace.html" -- "$portreuse" client 127.0.0.1:1 >/dev/null 2>&1 </dev/null
for page in story hosts overview why budget audit trace; do
  look $page
done
echo "# the pictures are in $folder"
echo "1..$count"
[ $failures = 0 ]
