#!/bin/sh
# Looks at the pages and the pictures in Chromium: at 400, 800 and 1600 pixels, light and dark, no text
# overlaps another, is clipped, too small, or has too little contrast. axe-core looks, too, if
# build-pages/node_modules has it (npm install --prefix build-pages axe-core). With FOLDER it leaves the
# pages, a screenshot of each, and what the printer would get there. Prints TAP.
#
# usage: tests/pages/run.sh [BINARY [HELPERS [FOLDER]]]   (default: build/portreuse build/tests)
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
portreuse=${1:-$top/build/portreuse}
case $portreuse in /*) ;; *) portreuse=$PWD/$portreuse ;; esac
helpers=${2:-$top/build/tests}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
folder=$work
pictures=0
if [ -n "${3:-}" ]; then
  mkdir -p "$3"
  folder=$(cd "$3" && pwd)
  pictures=1
fi

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
  timeout 300 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars \
    --user-data-dir="$work/profile" --host-resolver-rules='MAP * ~NOTFOUND' "$@" 2>/dev/null
}

dark='--force-dark-mode --blink-settings=preferredColorScheme=0'

# --- the pages ---

printf 'title  Not as expected\nsetup\n  one  socket  s\n  one  bind    s 127.0.0.1:4000\ncase it fails\n  two  socket  s\n  two  bind    s 127.0.0.1:4000 -> ok | EACCES\ncase it waits in vain\n  await LISTEN 127.0.0.1:4000 within 1ms\n' >"$work/fails.scenario"
printf 'title  Cannot run here\nneeds kernel >= 99.0\ncase c\n a socket s\n' >"$work/skip.scenario"
"$portreuse" run -q --output "$folder/story.html" time-wait-rebind >/dev/null
"$portreuse" run -q --output "$folder/plot.html" slow-connect >/dev/null
"$portreuse" run -q --output "$folder/hosts.html" partition-at-close >/dev/null
"$portreuse" run -q --output "$folder/overview.html" "$work/fails.scenario" "$work/skip.scenario" \
  address-in-use reuseport-balance ephemeral-exhaustion >/dev/null
# look_at SITUATION COMMAND...: in a namespace of its own, or here if there is none.
look_at() {
  rm -f "$work/hold" "$work/ready"
  mkfifo "$work/hold"
  "$helpers/situation" "$1" <"$work/hold" >"$work/ready" 2>/dev/null &
  exec 9>"$work/hold"
  shift
  until [ -s "$work/ready" ] || ! kill -0 $! 2>/dev/null; do sleep 0.1; done
  pid=$(sed -n 's/^ready \([1-9][0-9]*\)$/\1/p' "$work/ready")
  "$portreuse" "$@" ${pid:+--pid "$pid"} >/dev/null
  exec 9>&-
  wait $!
}

"$portreuse" why --output "$folder/why.html" :1 >/dev/null
look_at time-wait why --output "$folder/why-busy.html" 127.0.0.1:2000
look_at exhausted budget --interval 0 --output "$folder/budget.html"
look_at stolen-beside-fixed budget --interval 0 --output "$folder/budget-two.html"
look_at stolen audit --ports 2000 --output "$folder/audit.html"
"$portreuse" trace --output "$folder/trace.html" -- "$portreuse" client 127.0.0.1:1 >/dev/null 2>&1 </dev/null
"$portreuse" matrix --output "$folder/matrix.html" --output "$folder/matrix.svg" >/dev/null
"$portreuse" matrix --state TIME-WAIT --call connect --output "$folder/matrix-one.svg" >/dev/null
"$portreuse" matrix --protocol udp --state UNCONN --output "$folder/matrix-udp.svg" >/dev/null
cp "$top"/docs/*.svg "$folder" 2>/dev/null
pages=
for page in story plot hosts overview why why-busy budget budget-two audit trace matrix; do
  pages="$pages $page.html"
done
for page in "$folder"/*.svg; do
  pages="$pages ${page##*/}"
done

# --- what they look like, by the browser ---

# A frame for each page and width; a picture has the width that it has.
frame() { # PAGE WIDTH [ATTRIBUTE]
  printf '<iframe %s title="%s, %s pixels" style="width:%spx;height:900px;border:0" srcdoc="' "${3:-}" "$1" "$2" "$2"
  case $1 in
    *.svg) printf '<!DOCTYPE html><html lang="en"><style>:root{color-scheme:light dark}</style><title>%s</title><main><h1>%s</h1>' "$1" "$1" ;;
  esac | sed 's/&/\&amp;/g; s/"/\&quot;/g'
  sed 's/&/\&amp;/g; s/"/\&quot;/g' "$folder/$1"
  printf '"></iframe>\n'
}
{
  echo '<!DOCTYPE html><meta charset="utf-8"><meta name="color-scheme" content="light dark"><body>'
  axe=$top/build-pages/node_modules/axe-core/axe.min.js
  if [ -r "$axe" ]; then
    printf '<script type="text/plain" id="axe">'
    sed 's,</script,<\\/script,g' "$axe"
    printf '</script><script>const axe_source = document.getElementById("axe").textContent;</script>'
  fi
  for page in $pages; do
    case $page in
      *.svg) frame "$page" 2400 ;;
      *) frame "$page" 400 data-axe && frame "$page" 800 && frame "$page" 1600 ;;
    esac
  done
  echo '<script>'
  cat "$here/measure.js"
  echo '</script>'
} >"$work/all.html"

count=0
failures=0
note() { # STATUS NAME
  count=$((count + 1))
  [ "$1" = 0 ] || failures=$((failures + 1))
  [ "$1" = 0 ] && echo "ok $count - $2" || echo "not ok $count - $2"
}
for scheme in light dark; do
  options=
  [ $scheme = light ] || options=$dark
  # shellcheck disable=SC2086 # none, or several
  browse $options --window-size=1700,1000 --virtual-time-budget=20000 --dump-dom "file://$work/all.html" |
    sed -n '/^scheme /,/^end$/p' | sed 's/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g' >"$work/$scheme"
  grep -q "^scheme $scheme$" "$work/$scheme" && grep -q '^end$' "$work/$scheme"
  note $? "the browser lays out the pages, $scheme"
  for page in $pages; do
    grep -q "^page $page, .* [1-9][0-9]*$" "$work/$scheme" &&
      ! awk -v page="$page," '$1 == "page" { here = $2 == page; at = $0 } $1 == "wrong" && here { print at ": " $0; n++ }
        END { exit !n }' "$work/$scheme" >"$work/wrong"
    note $? "$page, $scheme"
    sed 's/^/# /' "$work/wrong" | head -n 20
    : >"$work/wrong"
  done
done

# What is open is printed: of an overview, not each scenario that passed.
printed() { # NAME: how many pages
  browse --no-pdf-header-footer --print-to-pdf="$work/$1.pdf" "file://$folder/$1.html" >/dev/null
  grep -a -o '/Type /Page\b' "$work/$1.pdf" | wc -l
}
alone=$(printed story)
"$portreuse" run -q --output "$folder/passed.html" time-wait-rebind address-in-use reuseport-balance >/dev/null
passed=$(printed passed)
[ "$alone" -gt 1 ] && [ "$passed" = 1 ]
note $? "on paper a story has its pages ($alone), and an overview of what passed one ($passed)"

if [ $pictures = 1 ]; then
  for page in $pages; do
    name=${page%.*}
    [ "$name.html" = "$page" ] || name=$name-picture
    for width in 400 800 1600; do
      browse --window-size=$width,2400 --screenshot="$folder/$name-$width-light.png" "file://$folder/$page" >/dev/null
      # shellcheck disable=SC2086
      browse $dark --window-size=$width,2400 --screenshot="$folder/$name-$width-dark.png" "file://$folder/$page" >/dev/null
    done
    browse --no-pdf-header-footer --print-to-pdf="$folder/$name.pdf" "file://$folder/$page" >/dev/null
  done
  echo "# the pictures are in $folder"
fi
echo "1..$count"
[ $failures = 0 ]
