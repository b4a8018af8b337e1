// Where the two answers differ, and which of these differences are meant. Everything else is a bug.
import type { Answer } from './exchange.ts';

interface Meant {
  /** Rows by name. */
  row: RegExp;
  /** Places in the answer, as in `body.details.causes`. */
  place: RegExp;
  /** Only where upstream's value is of this sort. */
  theirs?(value: unknown): boolean;
  /** Only where ours is of this sort. */
  ours?(value: unknown): boolean;
  why: string;
}

const MEANT: readonly Meant[] = [
  { row: /./, place: /^headers\.(x-content-type-options|vary)$/, why: 'upstream sends them with some answers and not with others, by the code path; no client of the API reads them' },
  { row: /version/, place: /^body\.(gitVersion|gitCommit|buildDate|goVersion|compiler)$/, why: 'who we are' },
  { row: /./, place: /^body\.serverAddressByClientCIDRs/, why: 'the port is any free one here' },
  { row: /./, place: /columnDefinitions\.\d+\.description$/, why: 'a kilobyte of prose in every Table that no client shows; `explain` has it' },
  { row: /./, place: /^body\.items\.\d+\.(kind|apiVersion)$/, why: 'the bytes of an object are made once, for get, list and watch; clients set these fields on items themselves' },
  { row: /./, place: /^body\.reason$/, theirs: (value) => value === undefined, why: 'errors that upstream forgot to give a reason are InternalError' },
  { row: /./, place: /^(body|calls)\./, theirs: (value) => value === null || isEmpty(value), ours: (value) => value === undefined || isEmpty(value), why: 'Go writes zero times, nil lists and empty structs as null and {}; we leave them out, or give an empty list; clients read both alike' },
  { row: /node|cluster-wide with namespace/i, place: /^body\.status\.(nodeInfo|daemonEndpoints)/, why: 'zero values of a node that no kubelet has filled in yet' },
  { row: /^watches: .*allowWatchBookmarks=true/, place: /^body(\.\d+)?$/, theirs: (value) => value === undefined || value === '', ours: (value) => (value as { type?: string } | undefined)?.type === 'BOOKMARK', why: 'a last bookmark before the watch ends, so that the next one starts there' },
  { row: /^watches: metadata list$/, place: /^body$/, why: 'an event that says what is wrong, where upstream ends the watch without a word' },
  { row: /^watches: negative$/, place: /^(status|body\.(message|code))$/, why: 'upstream answers 500 to what is the client’s mistake' },
  { row: /^watches: old path, unnamed$/, place: /./, why: 'upstream answers 500 to a path that leads nowhere; we say that nothing is there' },
  { row: /^lists: .*(resourceVersion=0).*limit=2/, place: /^body\.(metadata\.continue|items\.\d)/, why: 'a limit is kept to; upstream gives everything where any version will do' },
  { row: /^lists: limit=2 continue=token$/, place: /^body\.metadata\.continue$/, why: 'that nothing follows is known at once; upstream says so with one more, empty page' },
  { row: /^permissions: named review$/, place: /message$/, why: 'upstream has recorded the ownership of fields by then, and shows it' },
  { row: /^permissions: token bound to a pod of no version$/, place: /apiVersion$/, why: 'an empty text that was said; Go leaves it out' },
  { row: /^permissions: token bound to a pod of nonsense$/, place: /^(status|body)/, why: 'upstream takes a group that cannot be read for none' },
  { row: /^permissions: token review, with spaces$/, place: /^body\.status/, why: 'upstream takes a token of spaces for none and answers that anonymous is authenticated' },
  { row: /^hooks: (log|exec|portforward)$/, place: /^body\.(message|details\.kind)$/, why: 'what is not there is the node; upstream says that it is a pod' },
  { row: /^hooks: a bound pod$/, place: /^calls\.[1-9]$/, why: 'upstream asks more than once before a pod goes at once' },
  { row: /^hooks: token$/, place: /^calls/, why: 'upstream fills the request in between mutating and validating webhooks; we do after both' },
  { row: /^hooks: .*\/deny-details/, place: /^body\.metadata\.resourceVersion$/, why: 'a Status has no version' },
  { row: /^hooks: .*\/(text|patch-kind)/, place: /^body\.(message|details)/, why: 'the words of another decoder' },
  { row: /^layout: root/, place: /^body\.paths/, why: 'which checks and hooks the process is made of' },
  { row: /^layout: issuer/, place: /^body\.jwks_uri$/, why: 'the port is any free one here, and the address another' },
  { row: /^negotiation: .* as application\/vnd\.kubernetes\.protobuf(,application\/json)?$/, place: /^headers\.content-type$/, ours: (value) => value === 'application/json', why: 'JSON costs us nothing: who takes it as well gets it, and discovery is in no other form' },
  { row: /^negotiation: group as .*protobuf$/, place: /^body\.resources/, why: 'discovery has no protobuf form here' },
  { row: /^negotiation: protobuf as yaml$/, place: /^body\.message$/, why: 'the words of another YAML parser' },
  { row: /^head of /, place: /^status$/, why: 'HEAD is answered as GET without its body; upstream refuses it' },
  { row: /^watch with initial events$/, place: /^body\.5$/, why: 'a last bookmark before the watch ends, so that the next one starts there' },
  { row: /^discovery as yaml$/, place: /^headers\.content-type$/, why: 'the two roots of discovery are JSON whatever form is asked for' },
  { row: /malformed (yaml|apply)/, place: /^body\.message$/, why: 'the words of another YAML parser, with the place marked' },
  { row: /version of nonsense|wrong version|^binding (to|by)/, place: /^(status|body\.(message|code|details|reason))/, why: 'upstream answers 500 to what is the client’s mistake; we say which' },
  { row: /^openapi of nothing$/, place: /^(headers\.content-type|body)$/, why: 'not found, with a body that says so' },
  { row: /^badly encoded name$/, place: /./, why: 'no such object (404), where Go’s HTTP server refuses the path (400) before the API sees it' },
  { row: /^proxy to a service without endpoints$/, place: /^(status|body\.(message|reason|code|details))/, why: 'upstream looks for the Service\'s Endpoints, which its controllers make and the recording was without; with them it answers as we do' },
  { row: /./, place: /message$/, theirs: (value) => typeof value === 'string' && value.includes('pod updates may not change fields other than'), why: 'which fields were to change, as the user wrote them, where upstream prints a part of a Go struct with what stands around them' },
  { row: /^apps\/v1\/daemonsets: (table|metadata)$/, place: /annotations$/, why: 'the annotation is one of the object’s in every form; upstream leaves it out of some' },
  { row: /^v1\/persistentvolumeclaims: (create|table|delete)$/, place: /^body\.(spec\.storageClassName|rows\.0\.cells\.5)$/, why: 'there is a default class from the start, so that claims are met; upstream\'s API server alone has none' },
  { row: /apiservices: table$/, place: /cells\.2$/, why: 'the verdict on a service is a loop\'s, and the test starts the API without them' },
  { row: /flowschemas: table$/, place: /cells\.5$/, why: 'whether its priority level is there is a loop\'s verdict too, given a moment later' },
  { row: /^a page with version 0$/, place: /^body\.(metadata\.continue|items\.\d)/, why: 'a limit is kept to; upstream gives everything where any version will do' },
  { row: /^(a page at a version|exactly then, the next page)$/, place: /^body\.metadata\.continue$/, why: 'that nothing follows is known at once; upstream says so with one more, empty page' },
  { row: /^(continue of nonsense|patch of the kind)$/, place: /message$/, why: 'the detail is Go’s decoder’s' },
];

export interface Difference {
  place: string;
  ours: unknown;
  theirs: unknown;
}

export function differences(row: string, our: Answer, their: Answer): Difference[] {
  const found: Difference[] = [];
  collect('', { ours: our, theirs: their }, found);
  return found.filter(({ place, ours, theirs }) => !MEANT.some((meant) => meant.row.test(row) && meant.place.test(place) && (meant.theirs === undefined || meant.theirs(theirs)) && (meant.ours === undefined || meant.ours(ours))));
}

function collect(place: string, { ours, theirs }: { ours: unknown; theirs: unknown }, found: Difference[]): void {
  if (Object.is(ours, theirs)) return;
  // Upstream reads bindings from a map, in no order.
  if (/status\.(resource|nonResource)Rules$/.test(place) && Array.isArray(ours) && Array.isArray(theirs)) [ours, theirs] = [sorted(ours), sorted(theirs)];
  if (place.endsWith('.managedFields') && Array.isArray(ours) && Array.isArray(theirs)) [ours, theirs] = [byManager(ours), byManager(theirs)];
  // Upstream tells a cause once for each function that has looked at the field.
  if (place.endsWith('details.causes') && Array.isArray(ours) && Array.isArray(theirs)) [ours, theirs] = [onceEach(ours), onceEach(theirs)];
  if (!isTree(ours) || !isTree(theirs) || Array.isArray(ours) !== Array.isArray(theirs)) return void found.push({ place, ours, theirs });
  for (const name of new Set([...Object.keys(theirs), ...Object.keys(ours)])) {
    collect(place === '' ? name : `${place}.${name}`, { ours: ours[name], theirs: theirs[name] }, found);
  }
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

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
