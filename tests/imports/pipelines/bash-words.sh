#!/bin/bash
set -euo pipefail
IMAGE=registry.example.com/acme/shop
CHANNEL=$1
shift
OUT=$(mktemp -d)

# words that bash alone makes, and texts that are known before a run
for part in {api,web}; do
  echo "$part" >> "$OUT/parts"
done
NAME=Shop-1.0
SAFE=${NAME//[[:upper:]]/x}
SHORT=${NAME%%-?.?}
EDITION=$(echo "a/b/c" | sed -e 's/a/x/' -e 's,/,-,g' | tr -s -)
RATE=$((40 + 2))
WORD='*'
case "$NAME" in
  [A-Z]hop-?.*) KIND=release ;;
  *) KIND=other ;;
esac
if [[ $NAME == Shop-* && ! $NAME =~ rc[0-9]+$ ]]; then STABLE=yes; fi
test -e "$OUT/parts" && echo parts
cat > "$OUT/notes" <<-EOF
	one $KIND
	two
	EOF
make reports 2> make.log

until docker login -u ci --password-stdin registry.example.com < "$PASSWORD_FILE"; do
  attempt=$((${attempt:-0} + 1))
  sleep 5
done

args=(--label "kind=$KIND" --label "stable=${STABLE:-no}" --label "safe=$SAFE" --label "short=$SHORT")
args+=(--label "edition=$EDITION" --label "rate=$RATE" --label "mark=$WORD")
docker run -v "$PWD:/workspace" -v "$HOME/.docker:/kaniko/.docker:ro" \
  ghcr.io/osscontainertools/kaniko:v1.28.3 "${args[@]}" "$@" \
  --context /workspace --destination "$IMAGE:$CHANNEL" --destination "$IMAGE:${CHANNEL//\//-}"
