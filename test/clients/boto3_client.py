"""A tour of the Route 53 API with boto3; prints "ok" in the end. The endpoint is ENDPOINT, credentials are the environment's."""

import os
import uuid

import boto3

route53 = boto3.client("route53", endpoint_url=os.environ["ENDPOINT"], region_name="eu-west-1")


def check(got, want, what):
    if got != want:
        raise AssertionError(f"{what}: got {got!r}, want {want!r}")


def refused(exception, call, **arguments):
    """Make a call that must raise exception, and return it."""
    try:
        call(**arguments)
    except exception as error:
        return error
    raise AssertionError(f"{call.__name__}({arguments}) is not refused with {exception.__name__}")


def create_zone(name):
    made = route53.create_hosted_zone(Name=name, CallerReference=str(uuid.uuid4()), HostedZoneConfig={"Comment": "tour"})
    check(made["ResponseMetadata"]["HTTPStatusCode"], 201, "status of a new zone")
    check(len(made["DelegationSet"]["NameServers"]), 4, "name servers")
    return made["HostedZone"]["Id"]


def change(zone, action, *sets):
    """Change record sets and wait until every server answers by them."""
    made = route53.change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": s} for s in sets]}
    )["ChangeInfo"]
    check(made["SubmittedAt"].tzinfo is not None, True, "time with a zone")
    waiter = route53.get_waiter("resource_record_sets_changed")
    waiter.wait(Id=made["Id"], WaiterConfig={"Delay": 1, "MaxAttempts": 20})


def records(zone, **paging):
    pages = route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone, **paging)
    return [s for page in pages for s in page["ResourceRecordSets"]]


def values(name, kind, *texts, **more):
    return {"Name": name, "Type": kind, "TTL": 300, "ResourceRecords": [{"Value": t} for t in texts], **more}


def every_type():
    """All record types but the apex's own, as they are listed again."""
    return [
        values("a.example.com.", "A", "192.0.2.1", "192.0.2.2"),
        values(r"\052.aaaa.example.com.", "AAAA", "2001:db8::1"),
        values("cname.example.com.", "CNAME", "a.example.com"),
        values("mx.example.com.", "MX", "10 mail.example.com", "20 mail.example.net"),
        values("_sip._tcp.example.com.", "SRV", "1 10 5060 sip.example.com"),
        values(r"txt\100.example.com.", "TXT", r'"one & <two>" "three \"four\" \303\251"'),
        values("spf.example.com.", "SPF", '"v=spf1 -all"'),
        values("caa.example.com.", "CAA", '0 issue "ca.example.net"'),
        values("naptr.example.com.", "NAPTR", '100 10 "u" "sip+E2U" "!^.*$!sip:info@example.com!" .'),
        values("sub.example.com.", "NS", "ns1.example.net", "ns2.example.net"),
        values("sub.example.com.", "DS", "12345 13 2 " + "a1" * 32),
        values("ptr.example.com.", "PTR", "host.example.com"),
        values("_443._tcp.example.com.", "TLSA", "3 1 1 " + "ab" * 32),
        values("sshfp.example.com.", "SSHFP", "4 2 " + "cd" * 32),
        values("_svc.example.com.", "SVCB", "1 svc.example.net alpn=h2 port=8443"),
        values("https.example.com.", "HTTPS", "1 . alpn=h2"),
        values("weighted.example.com.", "A", "192.0.2.1", SetIdentifier="one", Weight=0),
        values("weighted.example.com.", "A", "192.0.2.2", SetIdentifier="two & <more>", Weight=255),
        values("latency.example.com.", "A", "192.0.2.1", SetIdentifier="eu", Region="eu-west-1"),
        values("multi.example.com.", "A", "192.0.2.1", SetIdentifier="1", MultiValueAnswer=True),
        values("geo.example.com.", "A", "192.0.2.1", SetIdentifier="default", GeoLocation={"CountryCode": "*"}),
        values("geo.example.com.", "A", "192.0.2.2", SetIdentifier="va", GeoLocation={"CountryCode": "US", "SubdivisionCode": "VA"}),
    ]


def key(s):
    return s["Name"], s["Type"], s.get("SetIdentifier", "")


def tour_records():
    zone = create_zone("example.com")
    sets = every_type()
    change(zone, "CREATE", *sets)
    listed = [s for s in records(zone) if s["Name"] != "example.com."]
    check(sorted(listed, key=key), sorted(sets, key=key), "record sets as listed")
    got = refused(
        route53.exceptions.InvalidChangeBatch,
        route53.change_resource_record_sets,
        HostedZoneId=zone,
        ChangeBatch={
            "Changes": [
                {"Action": "CREATE", "ResourceRecordSet": sets[0]},
                {"Action": "DELETE", "ResourceRecordSet": values("none.example.com.", "A", "192.0.2.1")},
            ]
        },
    )
    want = (
        "[Tried to create resource record set [name='a.example.com.', type='A'] but it already exists, "
        "Tried to delete resource record set [name='none.example.com.', type='A'] but it was not found]"
    )
    check(got.response["Error"]["Message"], want, "messages of a batch")
    refused(route53.exceptions.HostedZoneNotEmpty, route53.delete_hosted_zone, Id=zone)
    answer = route53.test_dns_answer(HostedZoneId=zone, RecordName="a.example.com", RecordType="A")
    check(answer["ResponseCode"], "NOERROR", "response code")
    check(sorted(answer["RecordData"]), ["192.0.2.1", "192.0.2.2"], "record data")
    change(zone, "DELETE", *listed)
    route53.delete_hosted_zone(Id=zone)
    refused(route53.exceptions.NoSuchHostedZone, route53.get_hosted_zone, Id=zone)


def tour_pages():
    zone = create_zone("pages.example.com")
    names = [f"n{i:03d}.pages.example.com." for i in range(700)]
    change(zone, "CREATE", *(values(n, "A", "192.0.2.1") for n in names))
    for size in ({}, {"PaginationConfig": {"PageSize": 300}}, {"PaginationConfig": {"PageSize": 7, "MaxItems": 50}}):
        want = ["pages.example.com.", "pages.example.com."] + names
        want = want[: size.get("PaginationConfig", {}).get("MaxItems")]
        check([s["Name"] for s in records(zone, **size)], want, f"names with {size}")
    others = [create_zone(f"zone{i}.example.net") for i in range(5)]
    pages = list(route53.get_paginator("list_hosted_zones").paginate(PaginationConfig={"PageSize": 2}))
    check(len(pages), 3, "pages of zones")
    check({z["Id"] for p in pages for z in p["HostedZones"]}, {zone, *others}, "zones")
    checks = [create_check(f"page {i}")["Id"] for i in range(5)]
    pages = list(route53.get_paginator("list_health_checks").paginate(PaginationConfig={"PageSize": 2}))
    check(len(pages), 3, "pages of health checks")
    check({c["Id"] for p in pages for c in p["HealthChecks"]}, set(checks), "health checks")
    for c in checks:
        route53.delete_health_check(HealthCheckId=c)
    for z in others:
        route53.delete_hosted_zone(Id=z)


def create_check(reference, **config):
    config = {"Type": "TCP", "IPAddress": "127.0.0.1", "Port": 9, **config}
    return route53.create_health_check(CallerReference=reference, HealthCheckConfig=config)["HealthCheck"]


def tour_health_checks():
    made = create_check("check")
    check(create_check("check")["Id"], made["Id"], "the same reference and settings")
    got = refused(route53.exceptions.HealthCheckAlreadyExists, create_check, reference="check", Port=10)
    check(got.response["ResponseMetadata"]["HTTPStatusCode"], 409, "status of a reference that is taken")
    changed = route53.update_health_check(HealthCheckId=made["Id"], HealthCheckVersion=1, Inverted=True)["HealthCheck"]
    check(changed["HealthCheckVersion"], 2, "version")
    refused(route53.exceptions.HealthCheckVersionMismatch, route53.update_health_check, HealthCheckId=made["Id"], HealthCheckVersion=1)
    for o in route53.get_health_check_status(HealthCheckId=made["Id"])["HealthCheckObservations"]:
        check(o["StatusReport"]["CheckedTime"].tzinfo is not None, True, "time with a zone")
    tags = {"ResourceType": "healthcheck", "ResourceId": made["Id"]}
    route53.change_tags_for_resource(**tags, AddTags=[{"Key": "Name", "Value": "a & <b>"}])
    check(route53.list_tags_for_resource(**tags)["ResourceTagSet"]["Tags"], [{"Key": "Name", "Value": "a & <b>"}], "tags")
    route53.delete_health_check(HealthCheckId=made["Id"])
    refused(route53.exceptions.NoSuchHealthCheck, route53.get_health_check, HealthCheckId=made["Id"])


def tour_places():
    check(route53.get_geo_location(CountryCode="DE")["GeoLocationDetails"]["CountryName"], "Germany", "country")
    made = route53.create_cidr_collection(Name="offices", CallerReference="1")["Collection"]
    block = {"LocationName": "berlin", "CidrList": ["10.0.0.0/8"]}
    route53.change_cidr_collection(Id=made["Id"], CollectionVersion=made["Version"], Changes=[{"Action": "PUT", **block}])
    blocks = [b for p in route53.get_paginator("list_cidr_blocks").paginate(CollectionId=made["Id"]) for b in p["CidrBlocks"]]
    check(blocks, [{"CidrBlock": "10.0.0.0/8", "LocationName": "berlin"}], "blocks")
    route53.change_cidr_collection(Id=made["Id"], Changes=[{"Action": "DELETE_IF_EXISTS", **block}])
    route53.delete_cidr_collection(Id=made["Id"])
    refused(route53.exceptions.NoSuchCidrCollectionException, route53.list_cidr_locations, CollectionId=made["Id"])


tour_records()
tour_pages()
tour_health_checks()
tour_places()
print("ok")
