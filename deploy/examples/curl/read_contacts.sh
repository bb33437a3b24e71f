#!/usr/bin/env bash
# Prints every contact of a HubSpot account as a line of JSON, with curl and jq.
set -euo pipefail

credential=$SEQUIN_URL/v1/credentials/$CREDENTIAL_ID

# Ask Sequin Admin: `ask PATH [BODY]`. Keys and tokens are not on the command line, where others see them.
ask() {
  local answer
  while true; do
    answer=$(curl --silent --show-error --write-out '\n%{http_code}' \
      --header @<(printf 'Authorization: Bearer %s\nContent-Type: application/json' "$SEQUIN_API_KEY") \
      ${2:+--data "$2"} "$credential/$1")
    case $(tail -n 1 <<<"$answer") in
      200) sed '$d' <<<"$answer"; return ;;
      429 | 503) sleep "$(sed '$d' <<<"$answer" | jq -r '(.retry_after_ms // 5000) / 1000')" ;;
      *) sed '$d' <<<"$answer" | jq -r .summary >&2; exit 1 ;; # whose move it is
    esac
  done
}

# Get a page of HubSpot with a permit, and say how the call ended: `call URL` sets status and page.
call() {
  local lease outcome=ok answer
  lease=$(ask permits '{"wait_ms": 10000, "use_within_ms": 5000}' | jq -r '.leases[0]')
  answer=$(curl --silent --show-error --write-out '\n%{http_code}' \
    --header @<(jq -r '.headers | to_entries[] | "\(.key): \(.value)"' <<<"$token") "$1")
  page=$(sed '$d' <<<"$answer") status=$(tail -n 1 <<<"$answer")
  [[ $status != 429 ]] || outcome=throttled
  ask permits/release "{\"releases\": [{\"lease\": \"$lease\", \"outcome\": \"$outcome\"}]}" >/dev/null
}

token=$(ask token)
contacts=$(jq -r .base_url <<<"$token")/crm/v3/objects/contacts?limit=100
after=
refused=
while true; do
  call "$contacts${after:+&after=$after}"
  case $status in
    200) ;;
    429) continue ;; # the next permit comes when the limit has been reset
    401)
      [[ -z $refused ]] || { echo "HubSpot refuses the new token too." >&2; exit 1; }
      refused=$(jq '{fingerprint}' <<<"$token")
      token=$(ask token/refresh "$refused")
      continue ;;
    *) echo "HubSpot answered $status: $page" >&2; exit 1 ;;
  esac
  refused=
  jq -c '.results[]' <<<"$page"
  after=$(jq -r '.paging.next.after // empty' <<<"$page")
  [[ -n $after ]] || break
done
