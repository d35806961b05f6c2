#!/bin/sh
# Build the image of Containerfile and use it, on a machine that reaches Debian's mirror and PyPI but no image registry:
#
#   apt-get install --no-install-recommends buildah podman runc debootstrap curl
#   sh tools/container_trial.sh [FOLDER]
#
# The base is made by debootstrap and stripped as Debian's slim images are. Needs root, and 3 GB in FOLDER
# (/tmp/snadnet_container by default), which keeps the base and the images. A file of certificates that PIP_CERT names is
# passed on to pip.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:-/tmp/snadnet_container}
photo=$root/examples/portraits/astronaut.jpg
address=http://127.0.0.1:18000

say() { echo "container trial: $*"; }
fail() { say "FAILED: $*" >&2; exit 1; }
# Chroot isolation, own limits and runc: they also work inside a virtual machine without systemd.
run_image() { podman --runtime runc run --rm --read-only --ulimit nofile=1024:1024 --ulimit nproc=4096:4096 "$@"; }

mkdir -p "$folder/in" "$folder/out"
printf '[storage]\ndriver = "vfs"\ngraphroot = "%s/storage"\nrunroot = "%s/run"\n' "$folder" "$folder" > "$folder/storage.conf"
export CONTAINERS_STORAGE_CONF="$folder/storage.conf"

if ! buildah inspect --type image trial-base > /dev/null 2>&1; then
    say "making the base by debootstrap"
    base=$folder/base
    rm -rf "$base"
    debootstrap --variant=minbase trixie "$base" http://deb.debian.org/debian > "$folder/debootstrap.log"
    rm -rf "$base"/var/lib/apt/lists/* "$base"/var/cache/apt/* "$base"/var/log/*.log
    rm -rf "$base"/usr/share/doc/* "$base"/usr/share/man/* "$base"/usr/share/info/* "$base"/usr/share/locale/*
    printf 'path-exclude /usr/share/%s/*\n' doc man info locale > "$base/etc/dpkg/dpkg.cfg.d/slim"
    container=$(buildah from scratch)
    buildah add --quiet "$container" "$base" / > /dev/null
    buildah commit --quiet --rm "$container" trial-base > /dev/null
fi

say "building"
if [ -n "${PIP_CERT-}" ]; then
    printf '[global]\ncert = /run/pip_certificates\n' > "$folder/pip.conf"
    set -- --volume "$PIP_CERT:/run/pip_certificates:ro" --volume "$folder/pip.conf:/etc/pip.conf:ro"
else
    set --
fi
buildah build --isolation chroot --format docker "$@" --build-arg BASE=localhost/trial-base \
    --file "$root/Containerfile" --tag snadnet "$root" > "$folder/build.log" 2>&1 || fail "see $folder/build.log"
size=$(podman image inspect --format '{{.Size}}' snadnet)
say "the image has $((size / 1000000)) MB, the base $(($(podman image inspect --format '{{.Size}}' trial-base) / 1000000)) MB"
[ "$size" -lt 700000000 ] || fail "the image has 700 MB or more"

say "serving, with a read-only root"
service=$(run_image --detach --publish 127.0.0.1:18000:8000 snadnet)
trap 'podman kill "$service" > /dev/null 2>&1 || true' EXIT
curl --silent --fail --retry 60 --retry-delay 1 --retry-all-errors "$address/health" || fail "it does not answer"
echo
podman exec "$service" id
podman exec "$service" sh -c 'touch /tmp/written /opt/written' 2> /dev/null && fail "its root can be written to"
podman healthcheck run "$service" || fail "its health check fails"
curl --silent --fail --data-binary "@$photo" "$address/restore" -o "$folder/by_service.jpg" || fail "/restore"
podman stop --time 60 "$service" > /dev/null || fail "it does not stop"

say "deblurring a folder"
cp "$photo" "$folder/in/"
rm -rf "$folder/out"/*
chown 10001 "$folder/out"
run_image --volume "$folder/in:/photos/in:ro" --volume "$folder/out:/photos/out" snadnet deblur in -o out
cmp "$folder/by_service.jpg" "$folder/out/astronaut.jpg" || fail "the service and the command differ"
say "done: the service and the command gave the same bytes"
