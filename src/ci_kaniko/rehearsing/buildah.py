"""Buildah in the executor's place: the recorded arguments, said in its words.

A rehearsal has no network, so nothing is pushed; the image is left as an archive.
"""

from __future__ import annotations

NAME = "buildah"
IMAGE = "/kaniko/image.tar"

PROGRAM = f"""#!/bin/sh
set -e
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
home=/.record/buildah
trap 'rm -f /run/libpod/cni.lock /var/lib/containers/cache/blob-info-cache-v1.boltdb' EXIT
mkdir -p "$home"
export HOME="$home" TMPDIR="$home" XDG_RUNTIME_DIR="$home"
store() {{ buildah --storage-driver vfs --root "$home/storage" --runroot "$home/run" "$@"; }}
context=. below='' file=Dockerfile name='' tar='' layout='' count=$#
while [ "$count" -gt 0 ]; do
  word=$1 value=${{1#*=}} count=$((count - 1))
  shift
  case $word in
    --context=dir://*) context=${{word#--context=dir://}} ;;
    --context-sub-path=*) below=$value ;;
    --dockerfile=*) file=$value ;;
    --destination=*) set -- "$@" --tag "$value"; name=${{name:-$value}} ;;
    --target=* | --build-arg=* | --label=* | --annotation=* | --secret=*) set -- "$@" "$word" ;;
    --custom-platform=*) set -- "$@" --platform "$value" ;;
    --reproducible | --reproducible=true) set -- "$@" --timestamp 0 ;;
    --*digest-file=*) echo "$word" >>"$home/files" ;;
    --tar-path=*) tar=$value ;;
    --oci-layout-path=*) layout=$value ;;
    --no-push) ;;
    *) echo "buildah builds without $word" >&2 ;;
  esac
done
[ -n "$name" ] || set -- "$@" --tag "${{name:=localhost/rehearsed:latest}}"
case $file in /*) ;; *) file=$context/$below/$file ;; esac
store build --isolation chroot --file "$file" "$@" "$context/$below"
store push --quiet --digestfile "$home/digest" "$name" "oci-archive:{IMAGE}:$name"
[ -z "$tar" ] || store push --quiet "$name" "docker-archive:$tar:$name"
[ -z "$layout" ] || store push --quiet "$name" "oci:$layout"
[ -f "$home/files" ] || exit 0
digest=$(cat "$home/digest")
while read -r word; do
  mkdir -p "$(dirname "${{word#*=}}")"
  case $word in
    --image-name-tag-*) echo "$name@$digest" ;;
    --image-name-*) echo "${{name%:*}}@$digest" ;;
    *) printf %s "$digest" ;;
  esac >"${{word#*=}}"
done <"$home/files"
"""
"""A POSIX script, because a sandbox has no other interpreter."""
