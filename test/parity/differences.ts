// Where the two answers differ, and which of these differences are meant. Everything else is a bug.
import { compare, isEmpty, unmeant, type Difference, type Meant } from '../support/differences.ts';
import type { Answer } from './exchange.ts';

const MEANT: readonly Meant[] = [
  { of: /./, place: /^headers\.(x-content-type-options|vary)$/, why: 'upstream sends them with some answers and not with others, by the code path; no client of the API reads them' },
  { of: /version/, place: /^body\.(gitVersion|gitCommit|buildDate|goVersion|compiler)$/, why: 'who we are' },
  { of: /./, place: /^body\.serverAddressByClientCIDRs/, why: 'the port is any free one here' },
  { of: /./, place: /columnDefinitions\.\d+\.description$/, why: 'a kilobyte of prose in every Table that no client shows; `explain` has it' },
  { of: /./, place: /^body\.items\.\d+\.(kind|apiVersion)$/, why: 'the bytes of an object are made once, for get, list and watch; clients set these fields on items themselves' },
  { of: /./, place: /^body\.reason$/, theirs: (value) => value === undefined, why: 'errors that upstream forgot to give a reason are InternalError' },
  { of: /./, place: /^(body|calls)\./, theirs: (value) => value === null || isEmpty(value), ours: (value) => value === undefined || isEmpty(value), why: 'Go writes zero times, nil lists and empty structs as null and {}; we leave them out, or give an empty list; clients read both alike' },
  { of: /node|cluster-wide with namespace/i, place: /^body\.status\.(nodeInfo|daemonEndpoints)/, why: 'zero values of a node that no kubelet has filled in yet' },
  { of: /^(watches: .*allowWatchBookmarks=true|protobuf: watch of bookmarks$)/, place: /^body(\.\d+)?$/, theirs: (value) => value === undefined || value === '', ours: (value) => (value as { type?: string } | undefined)?.type === 'BOOKMARK', why: 'a last bookmark before the watch ends, so that the next one starts there' },
  { of: /^watches: metadata list$/, place: /^body$/, why: 'an event that says what is wrong, where upstream ends the watch without a word' },
  { of: /^protobuf: thing( created)?, metadata list/, place: /^(status|body\.(message|code))$/, why: 'upstream answers 500 to what is the client’s mistake' },
  { of: /^watches: negative$/, place: /^(status|body\.(message|code))$/, why: 'upstream answers 500 to what is the client’s mistake' },
  { of: /^watches: old path, unnamed$/, place: /./, why: 'upstream answers 500 to a path that leads nowhere; we say that nothing is there' },
  { of: /^lists: .*(resourceVersion=0).*limit=2/, place: /^body\.(metadata\.continue|items\.\d)/, why: 'a limit is kept to; upstream gives everything where any version will do' },
  { of: /^lists: limit=2 continue=token$/, place: /^body\.metadata\.continue$/, why: 'that nothing follows is known at once; upstream says so with one more, empty page' },
  { of: /^permissions: named review$/, place: /message$/, why: 'upstream has recorded the ownership of fields by then, and shows it' },
  { of: /^permissions: token bound to a pod of no version$/, place: /apiVersion$/, why: 'an empty text that was said; Go leaves it out' },
  { of: /^permissions: token bound to a pod of nonsense$/, place: /^(status|body)/, why: 'upstream takes a group that cannot be read for none' },
  { of: /^permissions: token review, with spaces$/, place: /^body\.status/, why: 'upstream takes a token of spaces for none and answers that anonymous is authenticated' },
  { of: /^hooks: (log|exec|portforward)$/, place: /^body\.(message|details\.kind)$/, why: 'what is not there is the node; upstream says that it is a pod' },
  { of: /^hooks: a bound pod$/, place: /^calls\.[1-9]$/, why: 'upstream asks more than once before a pod goes at once' },
  { of: /^hooks: token$/, place: /^calls/, why: 'upstream fills the request in between mutating and validating webhooks; we do after both' },
  { of: /^hooks: .*\/deny-details/, place: /^body\.metadata\.resourceVersion$/, why: 'a Status has no version' },
  { of: /^hooks: .*\/(text|patch-kind)/, place: /^body\.(message|details)/, why: 'the words of another decoder' },
  { of: /^layout: root/, place: /^body\.paths/, why: 'which checks and hooks the process is made of' },
  { of: /^layout: issuer/, place: /^body\.jwks_uri$/, why: 'the port is any free one here, and the address another' },
  { of: /^negotiation: .* as application\/vnd\.kubernetes\.protobuf(,application\/json)?$/, place: /^headers\.content-type$/, ours: (value) => value === 'application/json', why: 'JSON costs us nothing: who takes it as well gets it' },
  { of: /^negotiation: protobuf as yaml$/, place: /^body\.message$/, why: 'the words of another YAML parser' },
  { of: /^head of /, place: /^status$/, why: 'HEAD is answered as GET without its body; upstream refuses it' },
  { of: /^watch with initial events$/, place: /^body\.5$/, why: 'a last bookmark before the watch ends, so that the next one starts there' },
  { of: /^discovery as yaml$/, place: /^headers\.content-type$/, why: 'the two roots of discovery are JSON whatever form is asked for' },
  { of: /malformed (yaml|apply)/, place: /^body\.message$/, why: 'the words of another YAML parser, with the place marked' },
  { of: /version of nonsense|wrong version|^binding (to|by)/, place: /^(status|body\.(message|code|details|reason))/, why: 'upstream answers 500 to what is the client’s mistake; we say which' },
  { of: /^openapi of nothing$/, place: /^(headers\.content-type|body)$/, why: 'not found, with a body that says so' },
  { of: /^badly encoded name$/, place: /./, why: 'no such object (404), where Go’s HTTP server refuses the path (400) before the API sees it' },
  { of: /^proxy to a service without endpoints$/, place: /^(status|body\.(message|reason|code|details))/, why: 'upstream looks for the Service\'s Endpoints, which its controllers make and the recording was without; with them it answers as we do' },
  { of: /^versions: applied after$/, place: /./, why: 'upstream answers 500 to every apply from then on, until an update has wiped all owners; we forget those of the version that is gone' },
  { of: /./, place: /message$/, theirs: (value) => typeof value === 'string' && value.includes('pod updates may not change fields other than'), why: 'which fields were to change, as the user wrote them, where upstream prints a part of a Go struct with what stands around them' },
  { of: /^apps\/v1\/daemonsets: (table|metadata)$/, place: /annotations$/, why: 'the annotation is one of the object’s in every form; upstream leaves it out of some' },
  { of: /^v1\/persistentvolumeclaims: (create|table|delete)$/, place: /^body\.(spec\.storageClassName|rows\.0\.cells\.5)$/, why: 'there is a default class from the start, so that claims are met; upstream\'s API server alone has none' },
  { of: /apiservices: table$/, place: /cells\.2$/, why: 'the verdict on a service is a loop\'s, and the test starts the API without them' },
  { of: /flowschemas: table$|^tables: flow schemas/, place: /cells\.5$/, why: 'whether its priority level is there is a loop\'s verdict too, given a moment later' },
  { of: /^a page with version 0$/, place: /^body\.(metadata\.continue|items\.\d)/, why: 'a limit is kept to; upstream gives everything where any version will do' },
  { of: /^(a page at a version|exactly then, the next page)$/, place: /^body\.metadata\.continue$/, why: 'that nothing follows is known at once; upstream says so with one more, empty page' },
  { of: /^(continue of nonsense|patch of the kind)$/, place: /message$/, why: 'the detail is Go’s decoder’s' },
];

/** Lists whose order says nothing, and what they are compared as. */
const UNORDERED: readonly { place: RegExp; as(values: readonly unknown[]): unknown[] }[] = [
  // Upstream reads bindings from a map.
  { place: /status\.(resource|nonResource)Rules$/, as: sorted },
  { place: /\.managedFields$/, as: byManager },
  // Upstream tells a cause once for each function that has looked at the field.
  { place: /details\.causes$/, as: onceEach },
];

export function differences(row: string, ours: Answer, theirs: Answer): Difference[] {
  const found = compare('', { ours, theirs }, (place, { ours: our, theirs: their }) => {
    const list = UNORDERED.find((one) => one.place.test(place));
    return list !== undefined && Array.isArray(our) && Array.isArray(their) ? compare(place, { ours: list.as(our), theirs: list.as(their) }) : undefined;
  });
  return unmeant(row, found, MEANT);
}

/** Entries stand by their second, which the run decides. */
function byManager(entries: readonly unknown[]): unknown[] {
  const key = (entry: unknown): string => { const { manager, operation, subresource } = entry as Record<string, string>; return `${manager ?? ''} ${operation ?? ''} ${subresource ?? ''}`; };
  return entries.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

function sorted(values: readonly unknown[]): unknown[] {
  return values.map((value) => JSON.stringify(value, Object.keys(value as object).sort())).sort().map((text) => JSON.parse(text) as unknown);
}

function onceEach(causes: readonly unknown[]): unknown[] {
  return [...new Map(causes.map((cause) => [JSON.stringify(cause), cause])).values()];
}
