#!/bin/sh
# The docs as a site: tests/site.py makes a page of each, and one for each scenario; no link is broken.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
top=$(cd "$here/../.." && pwd)
site=$work/site
for tool in pandoc python3; do
  command -v $tool >/dev/null || {
    skip "the site" "$tool is not installed"
    finish
  }
done

run "$top/tests/site.py" "$portreuse" "$site"
ok "the site is made, and no link in it is broken" status_is 0
ok "it has a page for each scenario" out_matches '^[0-9]+ scenarios, [0-9]+ pages of docs, no broken link$'
page=$site/scenario-time-wait-rebind.html
ok "its title is what people search for" grep -q '^<title>bind: Address already in use (EADDRINUSE): a restarted server ' "$page"
ok "with the number" grep -q 'errno 98' "$page"
ok "and the words of a runtime" grep -qF 'OSError: [Errno 98] Address already in use' "$page"
ok "its diagram is in it" grep -q '<svg role="img"' "$page"
ok "what to do stands before it" sh -c 'grep -oE "<h2>What to do</h2>|<svg role=\"img\"" "$1" | head -n 1 | grep -q "What to do"' - "$page"
ok "a scenario that needs a program says so, and shows no skipped cases" sh -c \
  'grep -q "portreuse run server-restart -- PROGRAM" "$1" && ! grep -q SKIP\< "$1"' - "$site/scenario-server-restart.html"
ok "the other errno has its page" grep -q '^<title>connect: Cannot assign requested address (EADDRNOTAVAIL)' "$site/scenario-ephemeral-exhaustion.html"
ok "no page needs the network" sh -c '! grep -lE "(src|<link[^>]*href)=\"?https?:" "$1"/*.html' - "$site"
ok "no two pages have the same title" sh -c '[ -z "$(grep -h "^<title>" "$1"/*.html | grep -v "The calls, and what" | sort | uniq -d)" ]' - "$site"

# A broken link is found: in a copy of the tree.
mkdir -p "$work/tree/tests/unit" "$work/tree/docs"
cp "$top/tests/site.py" "$work/tree/tests"
cp "$top/tests/unit/pasted.tsv" "$work/tree/tests/unit"
printf '# A\n\n[b](b.md) [c](#c) [here](#a)\n' >"$work/tree/README.md"
printf '#!/bin/sh\necho "{\\"scenarios\\": []}"\n' >"$work/none"
chmod +x "$work/none"
run "$work/tree/tests/site.py" "$work/none" "$work/small"
ok "a page that is not there is found" out_has "broken link in index.html: b.md"
ok "and a heading that is not there" out_has "broken link in index.html: #c"
ok "and no other one, but for the pages of the menu" sh -c '! grep index.html: "$1" | grep -vE "b.md|#c|(causes|live|installing|scenarios).html"' - "$work/out"
ok "exit 1" status_is 1
finish
