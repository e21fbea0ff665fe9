#!/usr/bin/env bash
# Makes bank.example as the audit found it, with the AWS CLI: 47 health checks and the record sets of 40 applications.
# The arguments go to every aws command:
#
#   ./as-found.sh                                          # what the environment chooses
#   ./as-found.sh --endpoint-url http://127.0.0.1:8053     # an engine
#
# The health checks probe port 80, or BANK_PORT where a lab's load balancers listen on another one.
# The hosted zone is made when there is none. One that holds more than its NS and SOA records is left alone.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export AWS_PAGER= AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-us-east-1}" # Route 53 is global
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/checks"
r53() { aws route53 "$@" --output text; }

zone=$(r53 list-hosted-zones-by-name --dns-name bank.example \
  --query "HostedZones[?Name=='bank.example.'].Id | [0]" "$@")
if [ "$zone" = None ]; then
  zone=$(r53 create-hosted-zone --name bank.example --caller-reference "bank-$(date +%s)" --query HostedZone.Id "$@")
fi
zone=${zone##*/}
records=$(r53 list-resource-record-sets --hosted-zone-id "$zone" --query 'length(ResourceRecordSets)' "$@")
if [ "$records" != 2 ]; then
  echo "as-found.sh: bank.example ($zone) has $records record sets: give an empty zone" >&2
  exit 1
fi

# A line of checks.jsonl is one check. Its caller reference is its name. The script sends the name and the time, because
# Route 53 does not accept the reference of a deleted check again.
run=$(date +%s)
create() {
  local name=${1#*'"CallerReference": "'}
  name=${name%%'"'*}
  shift
  r53 create-health-check --caller-reference "$name-$run" --health-check-config "$config" \
    --query HealthCheck.Id "$@" >"$work/checks/$name"
}
n=0
while IFS= read -r line; do
  config=${line#*'"HealthCheckConfig": '}
  config=${config%'}'}
  config=${config/'"Port": 80'/'"Port": '"${BANK_PORT:-80}"}
  create "$line" "$@" &
  n=$((n + 1))
  if [ $((n % 4)) = 0 ]; then wait; fi
done <"$here/checks.jsonl"
wait

# @NAME@ stands for the id of that check.
for name in "$work/checks"/*; do
  if [ ! -s "$name" ]; then
    echo "as-found.sh: the health check ${name##*/} was not made" >&2
    exit 1
  fi
  echo "s/@${name##*/}@/$(cat "$name")/"
done >"$work/ids.sed"
sed -f "$work/ids.sed" "$here/records-checked.json" >"$work/records-checked.json"
for batch in "$here/records-evaluated.json" "$work/records-checked.json"; do
  r53 change-resource-record-sets --hosted-zone-id "$zone" --change-batch "file://$batch" \
    --query ChangeInfo.Status "$@" >"$work/status"
done

# Somebody deleted this check while record sets used it.
r53 delete-health-check --health-check-id "$(cat "$work/checks/cards-eu-central-1")" "$@"
echo "bank.example ($zone) is as the audit found it: $n health checks made, one deleted."
