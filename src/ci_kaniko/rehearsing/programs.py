"""The programs that scripts find instead of docker, git, curl and the compilers."""

from __future__ import annotations

from ci_kaniko.rehearsing.events import NOW_EPOCH
from ci_kaniko.rehearsing.executor import BUILDER, CREDENTIAL_FILES

DOCKER = """#!/bin/sh
PATH=/busybox:/usr/bin:/bin
# Containers that are not the executor's: where a path of theirs is outside, and what they run.
outside() {
  for volume in $volumes; do
    case $1 in ${volume#*:}*) echo "${volume%%:*}${1#"${volume#*:}"}"; return ;; esac
  done
}
look() {
  volumes='' image='' entrypoint='' directory=/ variables='' given='' names=''
  [ "$1" = run ] && shift
  while [ $# -gt 0 ]; do
    case $1 in
      --rm | -i | --interactive | --init) shift; continue ;;
      --*=*) option=${1%%=*} value=${1#*=}; shift ;;
      -*) option=$1 value=${2-}; shift; [ $# -eq 0 ] || shift ;;
      *) image=$1; shift; break ;;
    esac
    case $option in
      -v | --volume) value=${value%:ro}; volumes="$volumes $value" ;;
      -w | --workdir) directory=$value ;;
      -e | --env)
        variables="$variables $value" names="$names ${value%%=*}"
        case $value in *=*) export "$value" ;; esac ;;
      --entrypoint) entrypoint=$value ;;
    esac
  done
  echo "pull $$ $image" >/.recorder/call
  read -r status </.recorder/answer
  case $1 in
    regctl)
      shift
      for value in $variables; do
        case $value in *=*) export "$value" ;; esac
      done
      for name in $(env | sed -n 's/^\\([A-Za-z_][A-Za-z0-9_]*\\)=.*/\\1/p'); do
        case " PATH $variables" in
          *" $name="* | *" $name "* | *" $name") ;;
          *) unset "$name" ;;
        esac
      done
      for name in DOCKER_CONFIG @FILES@; do
        eval "value=\\${$name-}"
        [ -z "$value" ] || export "$name=$(outside "$value")"
      done
      exec /.recorder/join/regctl "$@" ;;
  esac
  home=''
  case "$entrypoint $*" in
    sh*"buildah build"*) home=/root ;;
    sh*"buildctl-daemonless.sh build"*) home=/home/user ;;
  esac
  if [ -n "$home" ]; then
    for volume in $volumes; do
      place=${volume#*:}
      mkdir -p "${place%/*}"
      ln -sfn "${volume%%:*}" "$place"
    done
    for name in $(env | sed -n 's/^\\([A-Za-z_][A-Za-z0-9_]*\\)=.*/\\1/p'); do
      case " PATH $names " in *" $name "*) ;; *) unset "$name" ;; esac
    done
    export PATH=/.recorder/builders:/busybox:/usr/bin:/bin HOME="$home"
    exec sh "$@"
  fi
  if [ "$entrypoint" = sh ]; then
    cd "$(outside "$directory")" || exit 125
    path=/.recorder/tools:/busybox:/usr/bin:/bin
    for value in $variables; do
      case $value in
        *=*) given="$given $value" ;;
        *) eval "given=\\"\\$given \\${$value+$value=\\$$value}\\"" ;;
      esac
    done
    exec env -i PATH="$path" HOME=/root $given sh "$@"
  fi
}
look "$@"
echo "docker $$" >/.recorder/call
read -r status message </.recorder/answer
[ -z "$message" ] || echo "$message" >&2
# As in the container: with its variables only, and its volumes where they are mounted.
build() {
  names=' PATH ' count=0
  shift
  while [ $# -gt 0 ]; do
    case $1 in
      --rm | -i | --init) shift; continue ;;
      --*=*) option=${1%%=*} value=${1#*=}; shift ;;
      -*) option=$1 value=${2-}; shift 2 ;;
      *) shift; break ;;
    esac
    case $option in
      -v | --volume)
        value=${value%:ro}
        mkdir -p "$(dirname "${value#*:}")"
        ln -sfn "${value%%:*}" "${value#*:}" ;;
      -e | --env)
        case $value in *=*) export "$value" ;; esac
        names="$names${value%%=*} " ;;
    esac
  done
  for name in $(env | sed -n 's/^\\([A-Za-z_][A-Za-z0-9_]*\\)=.*/\\1/p'); do
    case $names in *" $name "*) ;; *) unset "$name" ;; esac
  done
  HOME=/root DOCKER_CONFIG=${DOCKER_CONFIG-/kaniko/.docker} exec @BUILDER@ "$@"
}
[ "$status" != 0 ] || [ ! -e @BUILDER@ ] || build "$@"
exit "$status"
""".replace("@FILES@", " ".join(CREDENTIAL_FILES)).replace("@BUILDER@", BUILDER)

DATE = f'#!/bin/sh\nexec {{}} -d @{NOW_EPOCH} "$@"\n'

GIT = """#!/bin/sh
read -r before head </.recorder/commits
case "$*" in
  "cat-file -e $before^{commit}") exit 0 ;;
  "cat-file -e "*) exit 128 ;;
  "diff --name-only --no-renames -z $before.."*"$head --") cat /.recorder/changed; exit ;;
  "diff "*) echo "fatal: bad revision" >&2; exit 128 ;;
  *%cI*) sed -n 1p /.recorder/timestamps ;;
  *format-local*%cd* | *%cd*format-local*) sed -n 2p /.recorder/timestamps ;;
  *%ct*) sed -n 2p /.recorder/timestamps | xargs date -u +%s -d ;;
  *) echo "git: this rehearsal does not know: $*" >&2; exit 99 ;;
esac
"""

BUILDKITE_AGENT = """#!/bin/sh
for word; do echo "$word"; done >>/.record/agent
case "$*" in
  "oidc request-token --audience https://packages.buildkite.com/"*" --lifetime "*)
    echo oidc-rehearsal ;;
  "oidc request-token --audience "*" --lifetime "*)
    echo "eyJ.$(printf %s "$4" | tr -c 'A-Za-z0-9' _).rehearsal" ;;
  "meta-data set "*" "*) printf %s "$4" >"/.record/meta-set/$3" ;;
  "meta-data get "*)
    if [ -f "/.record/meta/$3" ]; then
      cat "/.record/meta/$3"
    elif [ "${4-}" = --default ]; then
      printf %s "$5"
    else
      echo "fatal: no meta-data value found with key $3" >&2
      exit 100
    fi ;;
  "artifact download "*" "*/" --step "*)
    if [ ! -f "/.record/artifacts/$6/$3" ]; then
      echo "fatal: no artifacts found for downloading" >&2
      exit 1
    fi
    cp "/.record/artifacts/$6/$3" "$4$3" ;;
  *) echo "buildkite-agent: this rehearsal does not know: $*" >&2; exit 99 ;;
esac
"""

REGCTL = f"""#!/bin/sh
PATH=/busybox:/usr/bin:/bin
n=1
while ! mkdir -m 700 "/.record/join-$n" 2>/dev/null; do n=$((n + 1)); done
record=/.record/join-$n
cp "/proc/$$/cmdline" "/proc/$$/environ" "$record"
for name in {" ".join(CREDENTIAL_FILES)}; do
  eval "file=\\${{$name-}}"
  if [ -f "$file" ]; then cp -p "$file" "$record/$name"; fi
done
cp -p "${{DOCKER_CONFIG:-$HOME/.docker}}/config.json" "$record" 2>/dev/null
read -r status </.recorder/status
[ "$status" = 0 ] || exit "$status"
case "$*" in *--format*) cat /.recorder/digest; echo ;; esac
"""

TOOL = """#!/bin/sh
echo "${0##*/} $* in $(pwd)" >>/.record/tools.log
env >>/.record/tools.env
grep -qx "${0##*/}" /.recorder/failing && exit 3
case "${0##*/} $*" in
  "git show "*T%H:%M:%SZ* | "git -c safe.directory=* show "*T%H:%M:%SZ*)
    sed -n 2p /.recorder/timestamps ;;
  "git init --quiet "*) mkdir -p "$3" ;;
  "git -c credential.helper="*" fetch "*) ;;
  "git -C "*" checkout "*) cp -a /.record/repository/. "$2" ;;
  "go build -o "*)
    mkdir -p "$(dirname "$3")"
    echo program >"$3"
    chmod 755 "$3" ;;
  "npm run build:"*)
    mkdir -p "$5"
    echo "$2" >"$5/index.js" ;;
  "make html")
    mkdir -p services/docs/html
    echo html >services/docs/html/index.html ;;
  "make generate")
    mkdir -p services/api/generated services/web/generated
    echo api >services/api/generated/code
    echo web >services/web/generated/code ;;
esac
"""
TOOLS = ("go", "npm", "make", "git")

CURL = """#!/bin/sh
for word; do echo "$word"; done >>/.record/curl
given=
case "$*" in *@-*|*"--config -"*) given=$(cat) ;; esac
said="$* $given"
refuse() { echo "curl: (22) The requested URL returned error: $1" >&2; exit 22; }
allow() { case $given in *"$1"*) ;; *) refuse 403 ;; esac; }
for url; do :; done
case "$*" in "--fail --silent --show-error --location https://"*) exit ;; esac
case $url in
  "$ACTIONS_ID_TOKEN_REQUEST_URL&audience="*)
    [ "$given" = "Authorization: bearer request-rehearsal" ] || refuse 401
    name=$(printf %s "${url#*&audience=}" | tr -c 'A-Za-z0-9' _)
    printf '{"count":1857,"value":"eyJ.%s.rehearsal"}' "$name" ;;
  https://sts.*.amazonaws.com/)
    [ "$given" = eyJ.sts_amazonaws_com.rehearsal ] || refuse 403
    case "$*" in *"&RoleArn=arn:aws:iam::"*) ;; *) refuse 400 ;; esac
    echo '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
    echo '  <Credentials>'
    echo '    <SessionToken>session+/rehearsal==</SessionToken>'
    echo '    <SecretAccessKey>key+/rehearsal</SecretAccessKey>'
    echo '    <AccessKeyId>ASIAREHEARSAL</AccessKeyId>'
    echo '  </Credentials>'
    echo '</AssumeRoleWithWebIdentityResponse>' ;;
  https://login.microsoftonline.com/*/oauth2/v2.0/token)
    [ "$given" = eyJ.api___AzureADTokenExchange.rehearsal ] || refuse 401
    printf '{"token_type":"Bearer","expires_in":3599,"access_token":"eyJ.azure.rehearsal"}' ;;
  https://*.azurecr.io/oauth2/exchange)
    [ "$given" = eyJ.azure.rehearsal ] || refuse 401
    printf '{"refresh_token":"eyJ.registry.rehearsal"}' ;;
  http://169.254.169.254/latest/api/token)
    case "$*" in *"--request PUT"*) printf eyJ.machine.rehearsal ;; *) refuse 405 ;; esac ;;
  http://169.254.169.254/latest/meta-data/iam/security-credentials/*)
    allow 'X-aws-ec2-metadata-token: eyJ.machine.rehearsal'
    case $url in
      */) printf image-push ;;
      *)
        echo '{"AccessKeyId" : "ASIAREHEARSAL", "SecretAccessKey" : "key+/rehearsal",'
        echo ' "Token" : "session+/rehearsal=="}' ;;
    esac ;;
  https://api.ecr.*.amazonaws.com*/|https://api.ecr-public.us-east-1.amazonaws.com/)
    case $given in
      'user = "ASIAREHEARSAL:key+/rehearsal"'*|*Credential=ASIAREHEARSAL/*)
        allow 'X-Amz-Security-Token: session+/rehearsal==' ;;
      'user = "'?*:?*'"'*|*Credential=?*/*) ;;
      *) refuse 403 ;;
    esac
    case $said in
      *" --aws-sigv4 aws:amz:"*|*"Authorization: AWS4-HMAC-SHA256 "*) ;;
      *) refuse 403 ;;
    esac
    case $said in *"X-Amz-Target: "*.GetAuthorizationToken*) ;; *) refuse 400 ;; esac
    printf '{"authorizationData":[{"authorizationToken":"%s"}]}' QVdTOmVjci1yZWhlYXJzYWw= ;;
  https://storage.googleapis.com/?*/?*) allow 'Authorization: Bearer ya29.rehearsal' ;;
  https://*.blob.core.*/?*/?*) allow 'Authorization: SharedKey ' ;;
  http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token)
    case $said in *"Metadata-Flavor: Google"*) ;; *) refuse 403 ;; esac
    printf '{"access_token":"ya29.rehearsal","token_type":"Bearer"}' ;;
  https://sts.googleapis.com/v1/token)
    allow eyJ.https___iam_googleapis_com_projects_
    printf '{"access_token":"ya29.federated.rehearsal"}' ;;
  https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/*:generateAccessToken)
    allow 'Authorization: Bearer ya29.federated.rehearsal'
    printf '{"accessToken": "ya29.rehearsal"}' ;;
  "http://169.254.169.254/metadata/identity/oauth2/token?"*)
    case $said in *"Metadata: true"*) ;; *) refuse 400 ;; esac
    printf '{"access_token":"eyJ.azure.rehearsal"}' ;;
  *)
    case $said in *" --aws-sigv4 aws:amz:"*":s3 "*|*"/s3/aws4_request, "*) ;; *) refuse 404 ;; esac
    case $given in
      'user = "ASIAREHEARSAL:key+/rehearsal"'*|*Credential=ASIAREHEARSAL/*)
        allow 'X-Amz-Security-Token: session+/rehearsal==' ;;
      'user = "'?*:?*'"'*|*Credential=?*/*) ;;
      *) refuse 403 ;;
    esac ;;
esac
"""

TAR = """#!/bin/sh
case $2 in -C) cat >/dev/null ;; esac
"""
"""Nothing is built, so nothing is unpacked; what is downloaded comes through a pipe."""

SU = """#!/bin/sh
while [ "$1" != -- ]; do shift; done
shift 2
exec sh -c 'exec "$@"' "$@"
"""
CHOWN = """#!/bin/sh
"""
"""A rehearsal has one user."""

TIMEOUT = """#!/bin/sh
shift
exec "$@"
"""
"""No time to wait for: busybox keeps the output of what it limits open for up to a second."""

NC = """#!/bin/sh
host=$3 port=$4
return=$(printf '\\r') given= form=
read -r method path version <&6
if [ "$method" = CONNECT ]; then
  host=${path%:*} port=${path##*:}
  while read -r line <&6 && [ "$line" != "$return" ]; do :; done
  read -r method path version <&6
fi
while read -r line <&6; do
  line=${line%"$return"}
  [ -n "$line" ] || break
  given="$given$line
"
done
body=$(cat <&6)
case $body in *[a-z]=*) given=${body##*[a-z]=} form=${body%"$given"} ;; esac
case $port in 80) url=http://$host$path ;; 443) url=https://$host$path ;; *) exit 1 ;; esac
set -- --config - --request "$method" --data "$form" "$url"
answer=$(printf %s "$given" | "${0%/*}/curl" "$@" 2>&1)
case $answer in
  "curl: (22)"*) printf 'HTTP/1.0 %s Refused\\r\\n\\r\\n' "${answer##* }" >&7 ;;
  *) printf 'HTTP/1.0 200 OK\\r\\n\\r\\n%s' "$answer" >&7 ;;
esac
"""
"""The same for functions of a script, which leave a request at the sixth file descriptor."""
