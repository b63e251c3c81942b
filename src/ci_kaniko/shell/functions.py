"""Functions that scripts have of their own, where no program of the image does the same.

``ask`` speaks HTTP with nothing but busybox. Its wget takes headers as arguments only, which
everybody on the machine can read, and it sends to a proxy in plain text what is for an https
server. So its nc opens the connection, and wget's own helper speaks TLS: Alpine's, which BuildKit's
image has, verifies the certificate. What a function of the shell is given is no argument of a
program, and nothing else runs in the container yet.
"""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

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
  { printf '%s\r\n' "$@" '' && printf %s "$body"; } |
    timeout "${patience:-60}" nc -w 9 "$to" "$port" -e sh -c "$talk" "$host" 6<&0 7>&1 |
    {
      IFS= read -r answer || true
      case $answer in
        HTTP/1.?' 200'*) while IFS= read -r line && [ ${#line} -gt 1 ]; do :; done && cat ;;
        *)
          echo "ci-kaniko: $host has answered: ${answer:-nothing}" >&2
          exit 1 ;;
      esac
    }
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
    "sign_aws": r"""
# sign_aws TIME REGION SERVICE HEADERS: the header for a request that it reads as AWS has it
sign_aws() (
  scope=${1%T*}/$2/$3/aws4_request
  key=$(printf 'AWS4%s' "$AWS_SECRET_ACCESS_KEY" | od -An -v -tx1 | tr -d ' \n')
  for part in "${1%T*}" "$2" "$3" aws4_request; do key=$(printf %s "$part" | hmac "$key"); done
  hashed=$(sha256sum | cut -c 1-64)
  sign=$(printf 'AWS4-HMAC-SHA256\n%s\n%s\n%s' "$1" "$scope" "$hashed" | hmac "$key")
  by="Credential=$AWS_ACCESS_KEY_ID/$scope, SignedHeaders=$4, Signature=$sign"
  printf %s "Authorization: AWS4-HMAC-SHA256 $by"
)
""",
    "ask_aws": r"""
# ask_aws URL REGION SERVICE TARGET SESSION: what AWS wants to be signed
ask_aws() (
  host=${1#https://} now=$(date -u +%Y%m%dT%H%M%SZ) names='content-type;host;x-amz-date'
  host=${host%/} names=$names${5:+';x-amz-security-token'}';x-amz-target'
  sign=$(
    {
      printf 'POST\n/\n\ncontent-type:application/x-amz-json-1.1\nhost:%s\n' "$host"
      printf 'x-amz-date:%s\n' "$now"
      if [ -n "$5" ]; then printf 'x-amz-security-token:%s\n' "$5"; fi
      printf 'x-amz-target:%s\n\n%s\n' "$4" "$names"
      printf '{}' | sha256sum | cut -c 1-64 | tr -d '\n'
    } | sign_aws "$now" "$2" "$3" "$names"
  )
  ask POST "$1" '{}' 'Content-Type: application/x-amz-json-1.1' "X-Amz-Date: $now" \
    ${5:+"X-Amz-Security-Token: $5"} "X-Amz-Target: $4" "$sign"
)
""",
    "ask_s3": r"""
# ask_s3 URL REGION SESSION: an object, whose path is written as an address
ask_s3() (
  at=${1#*://} now=$(date -u +%Y%m%dT%H%M%SZ) names='host;x-amz-content-sha256;x-amz-date'
  empty=$(printf '' | sha256sum | cut -c 1-64) names=$names${3:+';x-amz-security-token'}
  sign=$(
    {
      printf 'GET\n/%s\n\nhost:%s\n' "${at#*/}" "${at%%/*}"
      printf 'x-amz-content-sha256:%s\nx-amz-date:%s\n' "$empty" "$now"
      if [ -n "$3" ]; then printf 'x-amz-security-token:%s\n' "$3"; fi
      printf '\n%s\n%s' "$names" "$empty"
    } | sign_aws "$now" "$2" s3 "$names"
  )
  ask GET "$1" '' "X-Amz-Content-SHA256: $empty" "X-Amz-Date: $now" \
    ${3:+"X-Amz-Security-Token: $3"} "$sign"
)
""",
    "sign_azure": r"""
# sign_azure KEY PATH TIME: what Azure's storage wants to be signed with an account's key
sign_azure() (
  key=$(printf %s "$1" | base64 -d | od -An -v -tx1 | tr -d ' \n')
  sign=$(
    {
      printf 'GET\n\n\n\n\n\n\n\n\n\n\n\n'
      printf 'x-ms-date:%s\nx-ms-version:2021-08-06\n%s' "$3" "$2"
    } | hmac "$key"
  )
  raw "$sign" 0 | base64
)
""",
    "in_address": r"""
# in_address TEXT: as the path of an address has it
in_address() (
  for byte in $(printf %s "$1" | od -An -v -tx1); do
    case $byte in
      2[def] | 3[0-9] | 4[1-9a-f] | 5[0-9af] | 6[1-9a-f] | 7[0-9ae])
        printf %b "\\0$(printf %o "0x$byte")" ;;
      *) printf %%%02X "0x$byte" ;;
    esac
  done
)
""",
}
"""What a script has of its own, each after those that it calls."""
_CALLED: Mapping[str, tuple[str, ...]] = {
    "ask_aws": ("ask", "raw", "hmac", "sign_aws"),
    "ask_s3": ("ask", "raw", "hmac", "sign_aws"),
    "sign_azure": ("raw", "hmac"),
}
"""Those that others call."""
BODIES = frozenset(text.strip().partition("\n")[2] for text in FUNCTIONS.values())
"""The same without the comment before each."""


def define(draft: Draft, name: str) -> None:
    """Put a function into a script, after those that it calls, each once."""
    for each in (*_CALLED.get(name, ()), name):
        draft.define(*FUNCTIONS[each].strip().splitlines())
