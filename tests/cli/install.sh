#!/bin/bash
# The installed tree: the program, its link, its man pages, and completion in bash, zsh and fish, each
# by the shell itself. (tests/install/ has what needs a build of its own.)
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
build=$(cd "$(dirname "$1")" && pwd)
prefix=$work/root/usr/local
bin=$prefix/bin
export DESTDIR=$work/root MANPATH=$prefix/share/man LC_ALL=C

run cmake --install "$build" --prefix /usr/local
ok "cmake --install succeeds" status_is 0
export PATH=$bin:$PATH
run portreuse version
ok "the installed program runs" out_has "portreuse "

ok "beside the program there is one link alone" test "$(find "$bin" ! -type d | sort | sed 's,.*/,,' | tr '\n' ' ')" = "portreuse portreuse-run "
run portreuse-run -q address-in-use
ok "which is that command" first_line_starts "PASS address-in-use: "
mv "$prefix" "$prefix.elsewhere"
run "$prefix.elsewhere/bin/portreuse-run" -q address-in-use
ok "also where the tree was moved to" first_line_starts "PASS address-in-use: "
mv "$prefix.elsewhere" "$prefix"
ok "nothing in it names the build tree" sh -c '! grep -rlF -e "$1" "$2"' - "$build" "$prefix/share"

DESTDIR='' run cmake --install "$build" --prefix "$work/other"
ok "another prefix has the same files" sh -c '
  (cd "$1" && find . | sort) >"$3.1"; (cd "$2" && find . | sort) >"$3.2"; diff "$3.1" "$3.2"' - \
  "$prefix" "$work/other" "$work/files"

# --- man pages ---

if command -v man >/dev/null; then
  # At a terminal of 80 columns.
  for page in portreuse portreuse-run portreuse-scenario; do
    run env MANWIDTH=80 man "$page"
    ok "man $page shows it" out_matches '^NAME'
    ok "in 80 columns" sh -c '[ "$(wc -l <"$1")" -gt 99 ] && ! grep -E "^.{81}" "$1"' - "$work/out"
  done
else
  skip "man shows the pages" "man is not installed"
fi

# --- completion ---

# completes WHERE: reads lines `TYPED|WORD...` from standard input: each WORD is offered by the
# function `offer`, and so is nothing else where the words end in a full stop.
completes() {
  while IFS='|' read -r typed words; do
    offer "$typed"
    cut -f 1 "$work/out" >"$work/offered"
    for word in ${words%.}; do
      ok "$1 offers $word for '$typed'" grep -qxF -e "$word" "$work/offered"
    done
    case $words in
      *.)
        # shellcheck disable=SC2086 # the words are to be parted
        ok "and nothing else" sh -c '[ "$(wc -l <"$1")" = "$2" ]' - "$work/offered" \
          "$(printf '%s\n' ${words%.} | wc -l)"
        ;;
    esac
  done
}

touch "$work/mine.scenario"
cd "$work" || exit 1
cat >"$work/cases" <<'E2'
portreuse |run check help
portreuse ru|run.
portreuse run time-wait-reb|time-wait-rebind.
portreuse run -v time-wait-rebind address-in|address-in-use.
portreuse run --must|--must-run.
portreuse run --tag see|seed.
portreuse help ver|version.
portreuse list |--tag
portreuse-run address-in|address-in-use.
portreuse-run --must|--must-run.
portreuse check mine.s|mine.scenario.
portreuse run mine.s|mine.scenario.
portreuse run ./mine.s|./mine.scenario.
E2

# bash parts words at `=` and `:` before it asks, and takes files if a function has nothing to offer.
cat >"$work/offer.bash" <<'E2'
source "$1/share/bash-completion/completions/$2"
parted=${3//=/ = }
read -ra COMP_WORDS <<<"${parted//:/ : }"
[[ $3 == *[\ =:] ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$3 COMP_POINT=${#3}
[[ $(complete -p "${COMP_WORDS[0]}") =~ ' -o default -F '([a-z_]*) ]] || exit
"${BASH_REMATCH[1]}" "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
((${#COMPREPLY[@]})) || mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
printf '%s\n' "${COMPREPLY[@]}"
E2
offer() { run bash "$work/offer.bash" "$prefix" "${1%% *}" "$1"; }
completes bash <"$work/cases"
completes bash <<'E2'
portreuse run --net=cur|current.
portreuse run --tag=see|seed.
portreuse run address-in-use:|21
portreuse run address-in-use:3|31.
E2

if command -v fish >/dev/null; then
  export XDG_DATA_DIRS=$prefix/share HOME=$work
  offer() { run fish -c 'complete -C $argv[1]' -- "$1"; }
  completes fish <"$work/cases"
else
  skip "completion in fish" "fish is not installed"
fi

# zsh completes only as one types: in a terminal of its own, which a key then leaves the line.
cat >"$work/offer.zsh" <<'E2'
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D; PS1=; unsetopt beep"
zpty -w z "leave() { print -r -- \${\${(Q)=BUFFER}[-1]} >$2; exit }; zle -N leave; bindkey '^X' leave"
zpty -w -n z "$3"$'\t\C-X'
for ((i = 0; i < 1000; i++)); do
  [[ -s $2 ]] && break
  sleep 0.01
done
cat "$2"
zpty -d z
E2
if command -v zsh >/dev/null; then
  offer() {
    rm -f "$work/left"
    run zsh -f "$work/offer.zsh" "$prefix/share/zsh/site-functions" "$work/left" "$1"
  }
  grep '\.$' "$work/cases" >"$work/one"
  completes zsh <"$work/one"
else
  skip "completion in zsh" "zsh is not installed"
fi

finish
