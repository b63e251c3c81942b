#!/bin/sh
# What few scripts have: commands and logins.
set -e
mkdir -p /root/.docker
echo '{"auths": {"quay.io": {"auth": "no base64"}}}' > /kaniko/.docker/config.json
echo {"auths":{"ghcr.io":{"auth":"$GHCR_AUTH"}:}} > /root/.docker/config.json
docker login -u acme -p hunter2-Xk39sfj2LL registry.example.com
docker login -p "$ONLY_PASSWORD" one.example.com
docker login -u only-user two.example.com
docker login -u first -p "$FIRST_PASSWORD" three.example.com
docker login -u second -p "$SECOND_PASSWORD" three.example.com
docker login -u four --password "$(cat ./password)" four.example.com
sed -i 's/a/b/' /etc/missing.conf
buildah images
docker push quay.io/acme/elsewhere
while getopts ab: letter; do case $letter in a) PART=a ;; b) PART=$OPTARG ;; esac; done
jq -n --arg a "$JQ_AUTH" '{auths: {"jq.example.com": {auth: $a}}}' > /home/ci/.docker/config.json
docker run --help
mkdir -p made && touch made/x && OWN=x
sh -c '/kaniko/executor --context own --label own=$OWN --destination quay.io/acme/own:1'
sh <<'EOS'
/kaniko/executor --context dir://piped --destination quay.io/acme/piped:1
EOS
eval "MENDED=\${ OWN }"
docker run -itv "$PWD:/workspace" ghcr.io/osscontainertools/kaniko:v1.28.3 -c /workspace/it \
  --destination quay.io/acme/it:1
/kaniko/executor --context git@nowhere --destination quay.io/acme/nowhere:1
cat > gcp.json <<EOS
{"type": "external_account", broken
EOS
export GOOGLE_APPLICATION_CREDENTIALS=gcp.json FF_KANIKO_STARTED="$(uptime)"
/kaniko/executor --context s3://bucket/context.tar.gz --destination eu.gcr.io/acme/cloud:1
if curl -sf https://example.com/go; then
  /kaniko/executor --context dry --no-push
fi
/kaniko/executor --context . --label "mended=$MENDED" --destination registry.example.com/shop:1 \
  --destination one.example.com/shop:1 --destination two.example.com/shop:1 \
  --destination three.example.com/shop:1 --destination four.example.com/shop:1
curl -sSf https://tools.example.com/install.sh | sh
curl -sSf https://tools.example.com/tools.tgz | tar xz -C /opt
git config user.email ci@example.com
git push origin HEAD:deploy
exit 0
echo "done"
trap - EXIT
