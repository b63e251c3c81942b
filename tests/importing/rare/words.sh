#!/bin/bash
# What few scripts have: words and lists.
set -e
OUT=$(mktemp -d)
echo "{\"auths\": {\"quay.io\": {\"auth\": \"$AUTHS\"}}}" > /root/.docker/config.json
[ -n "$OUT" ] || exit 1
let RATE=40+2
cd ""

# lists in which a flag or its value depends on something
set --
if [ "$FAST" ]; then set -- "$@" --target; else set -- "$@" stray; fi
for word in 1 2; do set -- "$@" "--label=n$word=$word"; done

# texts with holes, changed
MIXED="$TEAM-Shop"
LOWER=${MIXED,,}
KEPT=${MIXED%zz}
DOT="apps/$TEAM"
DOT=${DOT%/.}
FILLED=${MIXED//@TAG@/$CI_COMMIT_TAG}
READ=$(echo "$(cat ./VERSION)x" | tr a b)
CHANNEL=${CHANNEL:-$OTHER_CHANNEL}
FORM=$(printf "$TEAM-%s" one)
SWAPPED=$(echo "$MIXED" | sed "s/Shop/$WHO/")
AUTH=$(echo "$WHO" | base64 | tr -d =)
PART=$(echo "a b c" | awk '{print $3}')
read -r FIRST SECOND <<END
$MIXED y
END
if [ "$STABLE" ]; then echo "$TEAM" > kept; fi
if [ "$STALE" ]; then rm -f kept; fi

# patterns and expressions as few write them
OPEN=${TEAM#[}
WRONG="abc"
WRONG=${WRONG#[z-a]}
HASH="a#b"
HASH=${HASH//#b/x}
case "abc" in [z-a]*) KIND=range ;; *) KIND=other ;; esac
case "$TEAM" in '') ;; v1) SERIES=one ;; esac
STAR=$(echo 'a*b' | sed 's/*b/c/')
TABS=$(echo 'a' | sed 's/\t/ /; s/\(a\)\1/b/')
HALF=$(echo 'a' | sed 's/a/b')
if echo "$TEAM" | grep -q '.*'; then ANY=yes; fi
if echo "$TEAM" | grep -q 'a\*b'; then LITERAL=yes; fi
if [ "$TEAM" = aaaaaaaaaaaaaaaaaaaa ] || [[ $TEAM =~ (a+)+b ]] || [ -f "$TEAM" ]; then LONG=yes; fi
if [ "$TEAM-x" = "${WHO}x" ] || [[ $WHO =~ ^a|(b)+$ ]]; then SAME=yes; fi
case "v$TEAM" in x*) HEAD=x ;; v*) HEAD=v ;; esac

# names of a ref that are almost the usual ones
if [ "$CI_COMMIT_BRANCH" ]; then REF=$CI_COMMIT_TAG; else REF=$CI_COMMIT_BRANCH; fi
if [ "$WHO" ]; then ASKED=pr-$CI_MERGE_REQUEST_IID; else ASKED=$CI_COMMIT_TAG; fi
if [ "$CI_MERGE_REQUEST_IID" ]; then NUMBER=pr-$CI_MERGE_REQUEST_IID; else NUMBER=$WHO; fi

if [ "$TEAM" ]; then NAMED=$GITHUB_REF_NAME; else NAMED=; fi

echo "$TEAM-a $TEAM-b" | while read -r one; do
  /kaniko/executor --context "apps/$one" --destination "quay.io/acme/one:$one"
done
for again in 1 2; do /kaniko/executor --context again --destination quay.io/acme/again:1; done
/kaniko/executor --context "$OUT" "$@" ${PINNED:+--custom-platform} linux/amd64 \
  \ --push-retry=3 --secret id=npm,src=./npmrc -dquay.io/acme/short:1 -d"$SHORT_IMAGE" \
  --label "l=$LOWER" --label "k=$KEPT" --label "d=$DOT" --label "f=$FILLED" --label "r=$READ" \
  --label "c=$CHANNEL" --label "o=$FORM" --label "s=$SWAPPED" --label "a=$AUTH" --label "p=$PART" \
  --label "x=$FIRST" --label "y=$SECOND" --label "n=$(cat kept)" --label "e=$OPEN" \
  --label "w=$WRONG" --label "h=$HASH" --label "i=$KIND" --label "u=$SERIES" --label "t=$STAR" \
  --label "b=$TABS" --label "m=$HALF" --label "g=$ANY" --label "aa=$LITERAL" \
  --label "ab=$LONG" --label "ac=$SAME" --label "ad=$HEAD" --label "ae=$NAMED" --label "z=$RATE" \
  --label "q=$REF" --label "v=$ASKED" --label "j=$NUMBER" --label "pre=@(a|b)" --label=sub=<(date) \
  --label "unset=$nobody_set" --destination quay.io/acme/words:1
