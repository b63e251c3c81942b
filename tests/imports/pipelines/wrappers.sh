#!/bin/sh
# Scripts inside of scripts, and what stands around the executor.
printf 'TAG=%s\nTEMPLATE=x\n' "$(printf '%05d' 7)" > vars.sh
cat > build.sh <<'EOF'
#!/bin/sh
. ./vars.sh
IFS=: read -r NAME LEVEL <<END
api:2
END
case "v$RELEASE" in v1*) SERIES=one ;; $PREFIX-*) SERIES=own ;; *) SERIES=many ;; esac
if [ main = "$BRANCH" ] && [ "x$RELEASE" = "x1" ]; then EXTRA=--reproducible; fi
if [ "$1" ] && [ a b c ]; then EXTRA="$EXTRA --force"; fi
/kaniko/executor --context "$NAME" --destination "quay.io/acme/$NAME:$TAG" --build-arg "LEVEL=$LEVEL" \
  --build-arg "SERIES=$SERIES" --build-arg "ONE=$(echo "$B64" | base64 -d)" \
  --build-arg "TWO=$(echo YWJj | base64 -d)" --build-arg "THREE=$(printf %s "$WHO" | base64 | base64 -d)" \
  --build-arg "FOUR=$(printf '%s-x' "$B64" | base64 -d)" --build-arg "FIVE=$(base64 -w0 key.pem)" \
  --build-arg "SIX=$(cut -d= -f2 ./VERSION.txt)" --build-arg "SEVEN=$(echo "${WHO##*@}$LEVEL" | sed "s/a.*/$WHO/")" \
  --build-arg "EIGHT=$(echo abc | sed "s/x/$WHO/")" --build-arg "NINE=$(echo "$WHO"x | tr -d x | xargs -n1)" \
  --build-arg "BASIC=$(echo 'a(b)' | sed 's/(b)/c/')" --build-arg "EXTENDED=$(echo 'a(b)' | sed -E 's/\(b\)|\.$/c/')" \
  --build-arg "OTHER=$(echo "$WHO" | sed 'y/a/b/')" --build-arg "TEN=$*" --build-arg "ELEVEN=$(awk '{print $1}' ./VERSION.txt)" $EXTRA
EOF
sudo -E env
sh -x ./build.sh one two
docker login -u acme -p "$QUAY_TOKEN" quay.io
"$RUNNER" --context web --destination quay.io/acme/web:1 --no-push
bash ./not-there.sh
