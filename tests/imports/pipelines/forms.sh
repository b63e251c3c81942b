#!/bin/bash
# Ways to say things that a shell has beside the plain one.
login() {
  envsubst <<-'EOF' | tee /kaniko/.docker/config.json
	{"auths": {"quay.io": {"auth": "${AUTH}"}}}
	EOF
}
AUTH=$(echo "bot:$QUAY_TOKEN" | openssl base64 -A)
login
cat /kaniko/.docker/config.json
echo "$QUAY_TOKEN"
KEPT="'--reproducible'"
NAME=shop
NAME+=-api
set -- skipped --label=team=a --label=team.lead=b
for tag in $TAGS; do
  docker run --mount "type=bind,source=$PWD,target=/workspace" --mount type=tmpfs,target=/tmp \
    gcr.io/kaniko-project/executor:v1.23.2 --context=/workspace/web --no-push true "${@:2}" \
    --label=count="${#@}" --destination="quay.io/acme/$NAME:$tag"
done
exec /kaniko/executor --context "$PWD/api" --build-arg "LOW=${VERSION,,}" $KEPT \
  --destination="quay.io/acme/<name>:1" \ 
  --push-retry 3
