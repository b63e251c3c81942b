#!/busybox/sh
set -eu
. "$CI_PROJECT_DIR/ci/login.sh"
/kaniko/executor --context "$CI_PROJECT_DIR/$1" --destination "$CI_REGISTRY_IMAGE/$1:$2" \
  --verbosity "$KANIKO_VERBOSITY"
