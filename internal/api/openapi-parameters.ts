// Parameters of OpenAPI operations. v2 names those that many operations share in one place, by a digest of what upstream says of them: the names are
// upstream's, so that documents of aggregated servers, which are merged in, mean the same ones.
import type { Dialect } from './openapi-schemas.ts';
import { described, type Words } from './openapi-words.ts';

export interface Parameter {
  name: string;
  in: 'path' | 'query';
  /** Where the same name means something else: see `SHARED`. */
  use?: string;
}

interface Context {
  dialect: Dialect;
  words: Words;
  /** v2: `parameters` of the document, filled as they are used. */
  shared: Map<string, object>;
}

const INTEGERS = new Set(['gracePeriodSeconds', 'limit', 'limitBytes', 'ports', 'sinceSeconds', 'tailLines', 'timeoutSeconds']);
const BOOLEANS = new Set([
  'allowWatchBookmarks', 'follow', 'force', 'ignoreStoreReadErrorWithClusterBreakingPotential', 'insecureSkipTLSVerifyBackend', 'orphanDependents', 'previous', 'sendInitialEvents',
  'stderr', 'stdin', 'stdout', 'timestamps', 'tty', 'watch',
]);
const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** `name`, or `name@use`, to upstream's digest. `dryRun`, `fieldValidation` and `name` are never shared: kubectl of old looks for the first two. */
const SHARED: Readonly<Record<string, string>> = {
  'allowWatchBookmarks': 'HC2hJt-J', 'body@delete': '2Y1dVQaQ', 'body@patch': '78PwaGsr', 'command@exec': 'Py3eQybp', 'container@attach': '_Q-EJ3nR', 'container@exec': 'i5dOmRiM',
  'container@log': '1GeXxFDC', 'continue': 'QfD61s0i', 'fieldManager': 'Qy4HdaTW', 'fieldManager@patch': '7c6nTn1T', 'fieldSelector': 'xIcQKXFG', 'follow@log': '9OIXh_2R', 'force': 'tOGGb0Yi',
  'gracePeriodSeconds': '-K5HaBOS', 'ignoreStoreReadErrorWithClusterBreakingPotential': 'QbNkfIqj', 'insecureSkipTLSVerifyBackend@log': 'gM00jVbe', 'labelSelector': '5Zw57w4C', 'limit': '1NfNmdNH',
  'limitBytes@log': 'zwd1RXuc', 'namespace': 'vgWSWtn3', 'orphanDependents': 'uRB25kX5', 'path': 'z6Ciiujn', 'path@nodes': 'rFDtV0x9', 'path@pods': 'oPbzgLUj', 'path@services': 'QCf0eosM',
  'ports@portforward': '91KROJmm', 'pretty': 'tJGM1-ng', 'previous@log': '1jxDPu3y', 'propagationPolicy': '6jk3prlO', 'resourceVersion': '5WAnf1kx', 'resourceVersionMatch': 't8XhRHeC',
  'sendInitialEvents': 'rLXlEK_k', 'shardSelector': 'Kgyki_3_', 'sinceSeconds@log': 'vE2NLdnP', 'stderr@attach': '26jJhFUR', 'stderr@exec': 'W_1TNlWc', 'stdin@attach': 'sEFnN3IS', 'stdin@exec': 'PSzNhyUC',
  'stdout@attach': '005YMKE6', 'stdout@exec': '-EZLRwV1', 'stream@log': 'l-48cgXv', 'tailLines@log': '9xQLWHMV', 'timeoutSeconds': 'yvYezaOC', 'timestamps@log': 'c17fW1w_', 'tty@attach': 'g7MlET_l',
  'tty@exec': 's0flW37O', 'watch': 'XNNPZGbK',
};

export function query(name: string, use?: string): Parameter {
  return { name, in: 'query', ...(use !== undefined && { use }) };
}

export function parameterOf({ name, in: place, use }: Parameter, kind: string, context: Context): object {
  const type = INTEGERS.has(name) ? 'integer' : BOOLEANS.has(name) ? 'boolean' : 'string';
  const where = { in: place, name, ...(place === 'path' && { required: true }) };
  const text = name === 'name' ? `name of the ${kind}` : context.words.parameter(name, use ?? (place === 'path' && name === 'path' ? 'any' : ''));
  if (context.dialect === 'v3') return described({ ...where, schema: { type, uniqueItems: true } }, text);
  return shared(name, use, described({ ...where, type, uniqueItems: true }, text), context);
}

/** v2 has the body among the parameters. */
export function bodyParameter(id: string, { needed, context }: { needed: boolean; context: Context }): object {
  const parameter = { in: 'body', name: 'body', ...(needed && { required: true }), schema: { $ref: `#/definitions/${id}` } };
  const use = id === `${META}.DeleteOptions` ? 'delete' : id === `${META}.Patch` ? 'patch' : '';
  return use === '' ? parameter : shared('body', use, parameter, context);
}

function shared(name: string, use: string | undefined, parameter: object, context: Context): object {
  const digest = SHARED[use === undefined ? name : `${name}@${use}`];
  if (digest === undefined) return parameter;
  context.shared.set(`${name}-${digest}`, parameter);
  return { $ref: `#/parameters/${name}-${digest}` };
}
