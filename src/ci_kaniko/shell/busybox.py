"""How a script asks a server with nothing but busybox.

Busybox' wget takes headers as arguments only, which everybody on the machine can read, and it sends
to a proxy in plain text what is for an https server. So its nc opens the connection, and wget's own
helper speaks TLS: Alpine's, which BuildKit's image has, verifies the certificate. What a function
of the shell is given is no argument of a program, and nothing else runs in the container yet.
"""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.shell.clients import Client
from ci_kaniko.text.quoting import continued, quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci_kaniko.shell.clients import Request, Signed
    from ci_kaniko.shell.draft import Draft

# Nc may have the descriptors 3 and 4 for itself.
FUNCTIONS: Mapping[str, str] = {
    "ask": r"""
# ask METHOD URL BODY HEADER...: by nc, since wget would show what is secret as its arguments
ask() (
  set -f
  method=$1 url=$2 body=$3
  shift 3
  address=${url#*://}
  at=${address%%/*} proxy=${https_proxy:-${HTTPS_PROXY:-}}
  host=${at%:*} talk='exec ssl_client -s 5 -n "$0" 5<&0 <&6 >&7' port=443
  if [ "$url" = "http://$address" ]; then proxy='' talk='cat <&6 && cat >&7' port=80; fi
  if [ "$host" != "$at" ]; then port=${at##*:}; fi
  for near in $(printf %s "${no_proxy:-${NO_PROXY:-}}" | tr , ' '); do
    if [ "$near" = '*' ]; then proxy=''; fi
    case .$host in *".${near#.}") proxy='' ;; esac
  done
  set -- "$method /${address#*/} HTTP/1.0" "Host: $at" "$@" "Content-Length: ${#body}"
  to=$host
  if [ -n "$proxy" ]; then
    proxy=${proxy#*://}
    proxy=${proxy%%/*}
    to=${proxy##*@} user=''
    if [ "$to" = "${to%:*}" ]; then to=$to:80; fi
    if [ "${proxy%@*}" != "$proxy" ]; then user=$(printf %s "${proxy%@*}" | base64 | tr -d '\n'); fi
    set -- "CONNECT $host:$port HTTP/1.1" "Host: $host:$port" \
      ${user:+"Proxy-Authorization: Basic $user"} '' "$@"
    port=${to##*:} to=${to%:*} talk='
      while IFS= read -r line <&6 && printf "%s\n" "$line" && [ ${#line} -gt 1 ]; do :; done
      read -r line status line
      [ "$status" = 200 ] || { echo "ci-kaniko: the proxy has answered: $status" >&2; exit 1; }
      while IFS= read -r line && [ ${#line} -gt 1 ]; do :; done
      '$talk
  fi
  answer=$(
    { printf '%s\r\n' "$@" '' && printf %s "$body"; } |
      timeout 60 nc -w 9 "$to" "$port" -e sh -c "$talk" "$host" 6<&0 7>&1
  ) || true
  case $answer in
    HTTP/1.?' 200'*) printf '%s\n' "$answer" | sed "1,/^$(printf '\r')"'$/d' ;;
    *)
      echo "ci-kaniko: $host has answered: $(printf %s "${answer:-nothing}" | sed q)" >&2
      exit 1 ;;
  esac
)
""",
    "raw": r"""
# raw HEX NUMBER: the bytes, each xor the number
raw() (
  rest=$1 bytes=''
  while [ -n "$rest" ]; do
    byte=$((0x${rest%"${rest#??}"} ^ $2))
    bytes=$bytes\\0$((byte / 64))$((byte / 8 % 8))$((byte % 8))
    rest=${rest#??}
  done
  printf %b "$bytes"
)
""",
    "hmac": r"""
# hmac HEX: the HMAC-SHA256 of what it reads, with that key
hmac() (
  key=$1
  if [ ${#key} -gt 128 ]; then key=$(raw "$key" 0 | sha256sum | cut -c 1-64); fi
  while [ ${#key} -lt 128 ]; do key=${key}00; done
  inner=$({ raw "$key" 54 && cat; } | sha256sum | cut -c 1-64)
  { raw "$key" 92 && raw "$inner" 0; } | sha256sum | cut -c 1-64
)
""",
    "ask_aws": r"""
# ask_aws URL REGION SERVICE TARGET SESSION: what AWS wants to be signed
ask_aws() (
  host=${1#https://} now=$(date -u +%Y%m%dT%H%M%SZ) names='content-type;host;x-amz-date'
  host=${host%/} day=${now%T*} names=$names${5:+';x-amz-security-token'}';x-amz-target'
  scope=$day/$2/$3/aws4_request
  hashed=$(
    {
      printf 'POST\n/\n\ncontent-type:application/x-amz-json-1.1\nhost:%s\n' "$host"
      printf 'x-amz-date:%s\n' "$now"
      if [ -n "$5" ]; then printf 'x-amz-security-token:%s\n' "$5"; fi
      printf 'x-amz-target:%s\n\n%s\n' "$4" "$names"
      printf '{}' | sha256sum | cut -c 1-64 | tr -d '\n'
    } | sha256sum | cut -c 1-64
  )
  key=$(printf 'AWS4%s' "$AWS_SECRET_ACCESS_KEY" | od -An -v -tx1 | tr -d ' \n')
  for part in "$day" "$2" "$3" aws4_request; do key=$(printf %s "$part" | hmac "$key"); done
  sign=$(printf 'AWS4-HMAC-SHA256\n%s\n%s\n%s' "$now" "$scope" "$hashed" | hmac "$key")
  by="Credential=$AWS_ACCESS_KEY_ID/$scope, SignedHeaders=$names, Signature=$sign"
  ask POST "$1" '{}' 'Content-Type: application/x-amz-json-1.1' "X-Amz-Date: $now" \
    ${5:+"X-Amz-Security-Token: $5"} "X-Amz-Target: $4" "Authorization: AWS4-HMAC-SHA256 $by"
)
""",
}
"""What a script has of its own, each after those that it calls."""
BODIES = frozenset(text.strip().partition("\n")[2] for text in FUNCTIONS.values())
"""The same without the comment before each."""


class Busybox(Client):
    """Functions of the script, each there once."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def asked(self, request: Request) -> list[str]:
        self._define("ask")
        headers = [*map(quote, request.headers)]
        if request.header:
            said = f'"{request.header}${request.held}"'
            headers.append(f"${{{request.held}:+{said}}}")
        if request.form:
            headers.append("'Content-Type: application/x-www-form-urlencoded'")
        data = request.form or (quote(request.body) if request.body else "''")
        if request.secret:
            # A token has nothing that a form would write in another way.
            data += f'"&{request.secret}=${request.held}"'
        method = request.method or ("GET" if data == "''" else "POST")
        return continued(f"ask {method}", [request.url, data, *headers])

    def signed(self, request: Signed) -> list[str]:
        for name in FUNCTIONS:
            self._define(name)
        session = '"${AWS_SESSION_TOKEN:-}"' if request.temporary else "''"
        words = [request.url, request.region, request.service, request.target, session]
        return continued("ask_aws", words)

    def _define(self, name: str) -> None:
        self._draft.define(*FUNCTIONS[name].strip().splitlines())
