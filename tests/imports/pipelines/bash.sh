#!/bin/bash -x
# What bash scripts do around the executor.
set -o errexit -o pipefail
export "REGISTRY=quay.io"
export $(cat .env | xargs)
IMAGE="$REGISTRY/acme/shop"
KANIKO=${KANIKO:-/kaniko/executor}
TAGS=(latest "${GIT_COMMIT: -7}" $'stable')
FLAGS=(--context=dir://"$PWD"/shop --cache=true)
(( ${#TAGS[@]} > 0 ))
if [[ -n "$RELEASE" && ! "$RELEASE" == *-rc* || ( -f RELEASE ) ]]; then
  FLAGS+=(--build-arg "RELEASE=${RELEASE//./-}" --build-arg "TAIL=${RELEASE:1}")
fi
if [[ $BRANCH -eq 1 || $OS = Linux ]]; then FLAGS+=(--reproducible); fi
if [ "$DEBUG" = 1 -o "$TRACE" = 1 ] && [ ! -f quiet -a 2 -gt 1 ]; then FLAGS+=(--verbosity=debug); fi
echo "$BUILD_TAG" > built
if [ -f built ] && [[ $CI ]] && [[ -t 1 || $OS =~ $PATTERN ]]; then FLAGS+=(--force); fi
if [ -v NOCACHE ]; then FLAGS+=(--cleanup); fi
while IFS= read -r line; do
  FLAGS+=(--label "from=$line")
done < <(echo "$LABELS")
for ((i = 0; i < 3; i++)); do
  LEVEL=1
  LEVEL=2 timeout 30m "$KANIKO" "${FLAGS[@]}" "${TAGS[@]/#/--destination=$IMAGE:}" --target "${TAGS[0]}" && break
done
IFS=, read -ra MIRRORS <<< "$MIRROR_LIST"
ALL="${MIRRORS[*]} ${!PREFIX} ${IMAGE:0:$LEN} ${IMAGE/shop/$APP} ${IMAGE@Q} <($DEBUG)"
/kaniko/executor --context=tools --destination=quay.io/acme/tools:1 --label="all=$ALL" --label="n=$#" --label="one=${IMAGE[@]}"
eval "$AFTER"
