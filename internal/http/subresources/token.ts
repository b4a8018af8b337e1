// TokenRequest: a token for a service account, bound to a pod, secret or node where asked.
import { conflict, notFound, StatusError } from '../../base/errors.ts';
import { invalid, invalidObject } from '../../api/field-error.ts';
import { copy, formatTime, parseApiVersion, type KubeObject } from '../../api/meta.ts';
import type { BoundTo } from '../../authn/service-account-tokens.ts';
import type { Answer, Call, PipelineOptions } from '../call.ts';
import { admitOnly } from '../stages.ts';

type TokenRequest = KubeObject & { spec?: { audiences?: string[]; expirationSeconds?: number | null; boundObjectRef?: Ref } };

const REQUEST = { group: 'authentication.k8s.io', kind: 'TokenRequest' };
const HOUR_S = 3600;
const MIN_S = 600;
const MAX_S = 2 ** 32;
const RESOURCES: Readonly<Record<string, string>> = { Pod: 'pods', Secret: 'secrets', Node: 'nodes' };

export async function requestToken(options: PipelineOptions, { request, kind, body }: Call): Promise<Answer> {
  const { tokens, registry } = options;
  const { info } = request;
  if (tokens === undefined) throw new StatusError('NotFound', 'the server could not find the requested resource');
  const asked = copy(body) as unknown as TokenRequest;
  await admitOnly(request, options.admission, { kind, operation: 'CREATE', object: asked });
  const account = registry.get(kind, { namespace: info.namespace, name: info.name });
  checkMetadata(asked, account);
  const { audiences = [], boundObjectRef } = asked.spec ?? {};
  const expirationSeconds = asked.spec?.expirationSeconds ?? HOUR_S;
  if (expirationSeconds < MIN_S || expirationSeconds > MAX_S) {
    const why = expirationSeconds < MIN_S ? 'may not specify a duration less than 10 minutes' : 'may not specify a duration larger than 2^32 seconds';
    throw invalidObject(REQUEST, '', [invalid('spec.expirationSeconds', expirationSeconds, why)]);
  }
  const bound = boundObjectRef === undefined ? undefined : boundObject(options, { ref: boundObjectRef, account });
  const wanted = audiences.length === 0 ? [tokens.issuer] : audiences;
  const { token, expirationMs } = tokens.issue({ namespace: info.namespace, name: info.name, uid: account.metadata.uid, audiences: wanted, expirationSeconds, ...bound });
  const status = { token, expirationTimestamp: formatTime(expirationMs) };
  const metadata = { name: info.name, namespace: info.namespace, uid: account.metadata.uid, creationTimestamp: formatTime(options.clock.now()) };
  return { code: 201, body: { kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1', metadata, spec: { ...asked.spec, audiences: wanted, expirationSeconds }, status } };
}

/** What the request says of its account must be so. */
function checkMetadata({ metadata }: { metadata?: Partial<KubeObject['metadata']> }, { metadata: { name, namespace, uid } }: KubeObject): void {
  if (metadata?.name && metadata.name !== name) throw invalidObject(REQUEST, name, [invalid('metadata.name', metadata.name, 'must match the service account name if specified')]);
  if (metadata?.namespace && metadata.namespace !== namespace) throw new StatusError('BadRequest', 'the namespace of the provided object does not match the namespace sent on the request');
  if (metadata?.uid && metadata.uid !== uid) throw conflict({ group: REQUEST.group, resource: REQUEST.kind }, name, `the UID in the token request (${metadata.uid}) does not match the UID of the service account (${uid})`);
}

type Ref = { apiVersion?: string; kind?: string; name?: string; uid?: string };

function boundObject({ store }: PipelineOptions, { ref: { apiVersion = '', kind = '', name = '', uid }, account }: { ref: Ref; account: KubeObject }): { boundTo: BoundTo; node?: { name: string; uid?: string } } {
  const { group, version } = parseApiVersion(apiVersion);
  const resource = group === '' ? RESOURCES[kind] : undefined;
  if (resource === undefined) throw new StatusError('BadRequest', `cannot bind token to object of type ${group}/${version}, Kind=${kind}`);
  if (name === '') throw new StatusError('BadRequest', 'Name parameter required.');
  const namespace = account.metadata.namespace ?? '';
  const found = store.get({ group: '', resource }, { namespace: kind === 'Node' ? '' : namespace, name }) as (KubeObject & { spec?: { serviceAccountName?: string; nodeName?: string } }) | undefined;
  if (found === undefined) throw notFound({ group: '', resource }, name);
  if (uid !== undefined && uid !== '' && uid !== found.metadata.uid) throw conflict({ group: '', resource: kind }, name, `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`);
  if (kind === 'Pod' && found.spec?.serviceAccountName !== account.metadata.name) {
    throw new StatusError('BadRequest', `cannot bind token for serviceaccount ${JSON.stringify(account.metadata.name)} to pod running with different serviceaccount name.`);
  }
  const boundTo: BoundTo = { kind: kind as BoundTo['kind'], name, uid: found.metadata.uid };
  if (kind !== 'Pod' || !found.spec?.nodeName) return { boundTo };
  const node = store.get({ group: '', resource: 'nodes' }, { namespace: '', name: found.spec.nodeName });
  return { boundTo, node: { name: found.spec.nodeName, ...(node !== undefined && { uid: node.metadata.uid }) } };
}
