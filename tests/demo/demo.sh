#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A whole swarm on this machine: makes files, a torrent, a tracker and a seed, downloads it all, compares every byte.
set -euo pipefail

build=$(readlink -f "$1")
cli=$build/src/cli/shoal-cli
work=$(mktemp -d "${TMPDIR:-/tmp}/shoal-demo.XXXXXX")
pids=()

clean () {
  local pid
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

alone=(--no-dht --no-lsd --no-pex --no-utp --no-portmap --bind 127.0.0.1)

echo 'Making files of many sizes, one of them empty …'
mkdir -p "$work/share/Shoal demo/sub folder" "$work/got"
cd "$work/share/Shoal demo"
head -c 67108865 /dev/urandom >'large.bin'
head -c 16777213 /dev/urandom >'sub folder/odd.bin'
head -c 1 /dev/urandom >'sub folder/one byte'
: >'sub folder/empty'
for number in $(seq 1 40); do head -c $((number * 7919)) /dev/urandom >"sub folder/part $number.txt"; done
cd "$work"

mkfifo tracker.out
"$build/tests/demo/tracker" --log >tracker.out &
pids+=($!)
exec 3<tracker.out
read -r -t 20 -u 3 url
echo "Tracker: $url"

"$cli" create "$work/share/Shoal demo" -o demo.torrent --tracker "$url" >/dev/null
"$cli" show demo.torrent | sed -n 1,16p
echo '…'

echo; echo 'Seeding …'
"$cli" download demo.torrent --dir share --seed --port 0 "${alone[@]}" --quiet >seed.out 2>seed.err &
pids+=($!)
until read -r -t 30 -u 3 line && [[ $line == *'left 0 '* ]]; do
  kill -0 "${pids[1]}" 2>/dev/null || { echo 'the seed ended:' >&2; cat seed.err >&2; exit 1; }
  [[ -n ${line:-} ]] || { echo 'the seed did not announce itself within 30 s' >&2; exit 1; }
done

echo 'Downloading …'
if [[ -t 1 ]]; then
  "$cli" download demo.torrent --dir got --port 0 --limit-down 16384 "${alone[@]}"
else
  # No terminal, no bar: of the object that comes each second, how far it is and the words.
  "$cli" download demo.torrent --dir got --port 0 --limit-down 16384 --json "${alone[@]}" |
    sed -un 's/.*"progress":0\.\([0-9][0-9]\).*"status":"\([^"]*\)".*/\1 %  \2/; t out; d; :out; s/\\u00a0/ /g; p'
fi

echo; echo 'Comparing …'
diff -r share got
[[ $(find share -type f | wc -l) == "$(find got -type f | wc -l)" ]]
echo "All $(find got -type f | wc -l) files are the same, byte for byte."
