# For scripts that look at situations: `. "$here/../situation.sh"` after lib.sh.
#
# shellcheck shell=sh
# shellcheck disable=SC2154 # lib.sh sets them

cp "$helpers/situation" "$work/situation"
chmod 755 "$work/situation"

situation_begun() { grep -q ready "$work/ready" || ! kill -0 "$situation"; }

# begin NAME: makes the situation, as $as says; its process id goes to $pid, 0 if it cannot be made.
as=
begin() {
  rm -f "$work/hold"
  : >"$work/ready"
  mkfifo "$work/hold"
  chmod 666 "$work/hold"
  $as "$work/situation" "$1" <"$work/hold" >"$work/ready" 2>"$work/trouble" &
  situation=$!
  exec 9>"$work/hold"
  await situation_begun
  pid=$(sed -n 's/ready //p' "$work/ready")
  pid=${pid:-0}
}

end() {
  exec 9>&-
  wait "$situation"
}
