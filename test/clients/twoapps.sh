#!/usr/bin/env bash
# Per-application failover on shared load balancers with the AWS CLI alone, command by command. Only --endpoint-url is not AWS's.
#
#   ENDPOINT=http://127.0.0.1:8053 twoapps.sh create|delete
#
# The hosted zone is there; the load balancers are called demoalb and listen on PORT.
set -eu

ENDPOINT=${ENDPOINT:?the URL of the API}
PORT=${PORT:-80}
ZONE=${ZONE:-example.com}
REGION1=${REGION1:-eu-west-1}
REGION2=${REGION2:-eu-central-1}
APPLICATIONS="app1 app2"
export AWS_PAGER=""

aws() { command "${AWS:-aws}" --endpoint-url "$ENDPOINT" --output text "$@"; }

load_balancer() { # region: name and zone
  aws elbv2 describe-load-balancers --region "$1" --names demoalb --query "LoadBalancers[0].[DNSName,CanonicalHostedZoneId]"
}

ZONE_ID=$(aws route53 list-hosted-zones-by-name --dns-name "$ZONE" --query "HostedZones[0].Id")
ZONE_ID=${ZONE_ID#/hostedzone/}
facts=$(load_balancer "$REGION1")
read -r ALB1 ALB1_ZONE <<<"$facts"
facts=$(load_balancer "$REGION2")
read -r ALB2 ALB2_ZONE <<<"$facts"

# Health checks are found again by what they probe.
health_checks() {
  aws route53 list-health-checks --query "HealthChecks[].[HealthCheckConfig.FullyQualifiedDomainName,HealthCheckConfig.ResourcePath,Id]"
}

health_check() { # checks, load balancer, path
  awk -v lb="$2" -v path="$3" '$1 == lb && $2 == path { print $3 }' <<<"$1"
}

record() { # action, application, region, load balancer, its zone, health check
  cat <<JSON
    {"Action": "$1", "ResourceRecordSet": {
      "Name": "$2.$ZONE", "Type": "A", "SetIdentifier": "$2 in $3", "Region": "$3", "HealthCheckId": "$6",
      "AliasTarget": {"HostedZoneId": "$5", "DNSName": "$4", "EvaluateTargetHealth": false}}}
JSON
}

change() { # action, checks
  local app id records="" separator=""
  for app in $APPLICATIONS; do
    records+="$separator$(record "$1" "$app" "$REGION1" "$ALB1" "$ALB1_ZONE" "$(health_check "$2" "$ALB1" "/${app}health")"),"
    records+="$(record "$1" "$app" "$REGION2" "$ALB2" "$ALB2_ZONE" "$(health_check "$2" "$ALB2" "/${app}health")")"
    separator=","
  done
  id=$(aws route53 change-resource-record-sets --hosted-zone-id "$ZONE_ID" --query ChangeInfo.Id --change-batch \
    "{\"Comment\": \"$1 per-application failover\", \"Changes\": [$records]}")
  aws route53 wait resource-record-sets-changed --id "$id"
}

create() {
  local app alb n=0 checks
  for app in $APPLICATIONS; do
    for alb in "$ALB1" "$ALB2"; do
      n=$((n + 1))
      aws route53 create-health-check --caller-reference "$app-$n-$(date +%s)" --query HealthCheck.Id --health-check-config \
        "{\"Type\": \"HTTP\", \"FullyQualifiedDomainName\": \"$alb\", \"Port\": $PORT, \"ResourcePath\": \"/${app}health\", \"RequestInterval\": 10, \"FailureThreshold\": 3}"
    done
  done
  checks=$(health_checks)
  change CREATE "$checks"
  aws route53 list-resource-record-sets --hosted-zone-id "$ZONE_ID" --query "ResourceRecordSets[?Type=='A'].[Name,Region,AliasTarget.DNSName]"
}

delete() {
  local app alb checks
  checks=$(health_checks)
  change DELETE "$checks"
  for app in $APPLICATIONS; do
    for alb in "$ALB1" "$ALB2"; do
      aws route53 delete-health-check --health-check-id "$(health_check "$checks" "$alb" "/${app}health")"
    done
  done
}

case "${1:-}" in
create | delete) "$1" ;;
*)
  echo "usage: ENDPOINT=http://127.0.0.1:8053 $0 create|delete" >&2
  exit 2
  ;;
esac
