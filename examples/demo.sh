#!/bin/sh
# Shake every sharp photo in examples/portraits/ by a camera movement of its own, deblur the shaken photos, and
# leave both, with before/after images, in demo_output/. Seeds are fixed: each run makes the same images.
# Run it through `make demo`, or with SNADNET naming the command.
set -eu
cd "$(dirname "$0")/.."

snadnet=${SNADNET:-snadnet}
out=demo_output
LC_ALL=C # one order of the photos everywhere, so that each keeps its kernel

fail() {
    echo "demo: $1" >&2
    exit 1
}

command -v "$snadnet" >/dev/null || fail "the command '$snadnet' is not there; run 'make demo' instead"
rm -rf "$out"
mkdir -p "$out/blurred"

count=0
for photo in examples/portraits/*.jpg; do
    count=$((count + 1))
    size=$((9 + 2 * (count % 4)))
    "$snadnet" blur "$photo" -o "$out/blurred/$(basename "$photo" .jpg).png" \
        --kernel trajectory --size "$size" --seed "$count" --noise 0.01 ||
        fail "could not blur $photo (see the line above)"
done

"$snadnet" deblur "$out/blurred" -o "$out/restored" --compare ||
    fail "could not deblur all of $out/blurred (see the lines above)"

echo
echo "Before/after images:"
for image in "$out"/restored/*_compare.png; do
    [ -f "$image" ] || fail "no before/after image was written to $out/restored"
    echo "    $image"
done
echo "Blurred input in $out/blurred/, results in $out/restored/, sharp originals in examples/portraits/."
