// A tour of the Route 53 API with the AWS SDK for JavaScript; prints "ok" in the end. The endpoint is ENDPOINT, credentials are
// the environment's.
import assert from "node:assert/strict";
import {
  ChangeResourceRecordSetsCommand, ChangeTagsForResourceCommand, CreateHealthCheckCommand, CreateHostedZoneCommand,
  DeleteHealthCheckCommand, DeleteHostedZoneCommand, GetHealthCheckCommand, GetHostedZoneCommand, HealthCheckAlreadyExists,
  HostedZoneAlreadyExists, InvalidChangeBatch, ListResourceRecordSetsCommand, ListTagsForResourceCommand, NoSuchHealthCheck,
  NoSuchHostedZone, Route53Client, TestDNSAnswerCommand, paginateListHealthChecks, paginateListHostedZones,
  waitUntilResourceRecordSetsChanged,
} from "@aws-sdk/client-route-53";

const client = new Route53Client({ endpoint: process.env.ENDPOINT, region: "eu-west-1" });
const call = (Command, input) => client.send(new Command(input));

const createZone = async (Name, CallerReference) => {
  const made = await call(CreateHostedZoneCommand, { Name, CallerReference });
  assert.equal(made.$metadata.httpStatusCode, 201);
  assert.ok(made.Location.endsWith(made.HostedZone.Id));
  assert.equal(made.DelegationSet.NameServers.length, 4);
  return made.HostedZone.Id;
};

const change = async (HostedZoneId, Action, ...sets) => {
  const Changes = sets.map((ResourceRecordSet) => ({ Action, ResourceRecordSet }));
  const { ChangeInfo } = await call(ChangeResourceRecordSetsCommand, { HostedZoneId, ChangeBatch: { Changes } });
  assert.ok(ChangeInfo.SubmittedAt instanceof Date);
  const waited = await waitUntilResourceRecordSetsChanged({ client, maxWaitTime: 20, minDelay: 1, maxDelay: 1 }, { Id: ChangeInfo.Id });
  assert.equal(waited.state, "SUCCESS");
};

const all = async (paginate, input, list, pageSize) => {
  const items = [];
  for await (const page of paginate({ client, pageSize }, input)) items.push(...page[list]);
  return items;
};

// listRecords follows the pages of record sets, for which this SDK has no paginator.
const listRecords = async (HostedZoneId, MaxItems) => {
  const sets = [];
  for (let next = {}; next; ) {
    const page = await call(ListResourceRecordSetsCommand, { HostedZoneId, MaxItems, ...next });
    sets.push(...page.ResourceRecordSets);
    const { NextRecordName, NextRecordType, NextRecordIdentifier } = page;
    next = page.IsTruncated && { StartRecordName: NextRecordName, StartRecordType: NextRecordType, StartRecordIdentifier: NextRecordIdentifier };
  }
  return sets;
};

const values = (Name, Type, texts, more = {}) => ({ Name, Type, TTL: 300, ResourceRecords: texts.map((Value) => ({ Value })), ...more });

async function records() {
  const HostedZoneId = await createZone("example.com", "js records");
  await assert.rejects(createZone("example.com", "js records"), HostedZoneAlreadyExists);
  const sets = [
    values("a.example.com.", "A", ["192.0.2.1"]),
    values("\\052.aaaa.example.com.", "AAAA", ["2001:db8::1"]),
    values("mx.example.com.", "MX", ["10 mail.example.com", "20 mail.example.net"]),
    values("txt.example.com.", "TXT", ['"one & <two>" "three \\"four\\" \\303\\251"']),
    values("https.example.com.", "HTTPS", ["1 . alpn=h2"]),
    values("weighted.example.com.", "A", ["192.0.2.1"], { SetIdentifier: "one", Weight: 0 }),
    values("weighted.example.com.", "A", ["192.0.2.2"], { SetIdentifier: "two & <more>", Weight: 255 }),
    values("latency.example.com.", "A", ["192.0.2.1"], { SetIdentifier: "eu", Region: "eu-west-1" }),
    values("multi.example.com.", "A", ["192.0.2.1"], { SetIdentifier: "1", MultiValueAnswer: true }),
    values("geo.example.com.", "A", ["192.0.2.1"], { SetIdentifier: "default", GeoLocation: { CountryCode: "*" } }),
    values("near.example.com.", "A", ["192.0.2.1"], { SetIdentifier: "b", GeoProximityLocation: { AWSRegion: "eu-west-1", Bias: -10 } }),
  ];
  await change(HostedZoneId, "CREATE", ...sets);
  const key = (s) => `${s.Name} ${s.Type} ${s.SetIdentifier}`;
  const sorted = (list) => list.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
  const listed = (await listRecords(HostedZoneId, 3)).filter((s) => s.Name !== "example.com.");
  assert.deepEqual(sorted(listed), sorted(sets));

  const bad = change(HostedZoneId, "CREATE", sets[0], sets[1]);
  await assert.rejects(bad, (e) => {
    assert.ok(e instanceof InvalidChangeBatch);
    assert.equal(e.message, "[Tried to create resource record set [name='a.example.com.', type='A'] but it already exists, " +
      "Tried to create resource record set [name='\\052.aaaa.example.com.', type='AAAA'] but it already exists]");
    return true;
  });
  const answer = await call(TestDNSAnswerCommand, { HostedZoneId, RecordName: "a.example.com", RecordType: "A" });
  assert.deepEqual([answer.ResponseCode, answer.RecordData], ["NOERROR", ["192.0.2.1"]]);
  await change(HostedZoneId, "DELETE", ...listed);
  await call(DeleteHostedZoneCommand, { Id: HostedZoneId });
  await assert.rejects(call(GetHostedZoneCommand, { Id: HostedZoneId }), NoSuchHostedZone);
}

async function pages() {
  const HostedZoneId = await createZone("pages.example.com", "js pages");
  const names = Array.from({ length: 700 }, (_, i) => `n${String(i).padStart(3, "0")}.pages.example.com.`);
  await change(HostedZoneId, "CREATE", ...names.map((n) => values(n, "A", ["192.0.2.1"])));
  for (const size of [undefined, 300, 99]) {
    const listed = await listRecords(HostedZoneId, size);
    assert.deepEqual(listed.map((s) => s.Name), ["pages.example.com.", "pages.example.com.", ...names]);
  }
  const zones = [HostedZoneId];
  for (let i = 0; i < 4; i++) zones.push(await createZone(`zone${i}.example.net`, `js ${i}`));
  const listed = await all(paginateListHostedZones, {}, "HostedZones", 2);
  assert.deepEqual(listed.map((z) => z.Id).toSorted(), zones.toSorted());
}

async function healthChecks() {
  const HealthCheckConfig = { Type: "HTTP", IPAddress: "127.0.0.1", Port: 9, ResourcePath: "/health?a=1&b=<2>", RequestInterval: 10 };
  const create = async (CallerReference, more) =>
    (await call(CreateHealthCheckCommand, { CallerReference, HealthCheckConfig: { ...HealthCheckConfig, ...more } })).HealthCheck;
  const ids = [];
  for (let i = 0; i < 5; i++) ids.push((await create(`js ${i}`)).Id);
  assert.equal((await create("js 0")).Id, ids[0]);
  await assert.rejects(create("js 0", { Port: 10 }), HealthCheckAlreadyExists);
  const { HealthCheck } = await call(GetHealthCheckCommand, { HealthCheckId: ids[0] });
  assert.equal(HealthCheck.HealthCheckVersion, 1);
  assert.equal(HealthCheck.HealthCheckConfig.ResourcePath, HealthCheckConfig.ResourcePath);
  assert.deepEqual((await all(paginateListHealthChecks, {}, "HealthChecks", 2)).map((c) => c.Id).toSorted(), ids.toSorted());
  const tagged = { ResourceType: "healthcheck", ResourceId: ids[0] };
  await call(ChangeTagsForResourceCommand, { ...tagged, AddTags: [{ Key: "Name", Value: "a & <b>" }] });
  assert.deepEqual((await call(ListTagsForResourceCommand, tagged)).ResourceTagSet.Tags, [{ Key: "Name", Value: "a & <b>" }]);
  for (const HealthCheckId of ids) await call(DeleteHealthCheckCommand, { HealthCheckId });
  await assert.rejects(call(GetHealthCheckCommand, { HealthCheckId: ids[0] }), NoSuchHealthCheck);
}

await records();
await pages();
await healthChecks();
console.log("ok");
