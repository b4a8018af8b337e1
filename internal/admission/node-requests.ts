// What NodeRestriction says of a kubelet's requests beside nodes and pods: tokens only for pods that run on it, leases and CSINodes of its name,
// certificates in its name.
import { parseCertificateRequest } from '../api/certificate-request.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import { forbidden } from '../authz/forbidden.ts';
import { volumeNames } from '../authz/node-pods.ts';
import { messageOf, notFound } from '../base/errors.ts';
import type { CertificateSigningRequest, CSIDriver, PersistentVolume, Pod, ResourceSlice, TokenRequest } from '../kinds/generated/api-types.ts';
import type { Store } from '../store/store.ts';
import type { AdmissionRequest } from './admission.ts';

const PODS = { group: '', resource: 'pods' };
const KUBELET_SIGNERS: readonly string[] = ['kubernetes.io/kubelet-serving', 'kubernetes.io/kube-apiserver-client-kubelet'];

export interface NodeAsking {
  node: string;
  store: Store;
  authorizer: Authorizer;
}

export function checkNodeRequest(request: AdmissionRequest, asking: NodeAsking): void {
  const { kind, operation, subresource } = request;
  switch (`${kind.group}/${kind.resource}`) {
    case '/serviceaccounts': return operation === 'CREATE' && subresource === 'token' ? checkToken(request, asking) : undefined;
    case 'coordination.k8s.io/leases':
      if (request.namespace !== 'kube-node-lease') throw forbidden(kind, request.name, 'can only access leases in the "kube-node-lease" system namespace');
      return checkName(request, asking, 'can only access node lease with the same name as the requesting node');
    case 'storage.k8s.io/csinodes': return checkName(request, asking, 'can only access CSINode with the same name as the requesting node');
    case 'resource.k8s.io/resourceslices': return checkSlice(request, asking);
    case 'certificates.k8s.io/certificatesigningrequests': return operation === 'CREATE' ? checkCertificate(request, asking) : undefined;
  }
}

function checkName({ kind, name, object }: AdmissionRequest, { node }: NodeAsking, why: string): void {
  if ((name || object?.metadata.name) !== node) throw forbidden(kind, name, why);
}

/** Other verbs are the authorizer's, which knows the slice by then. */
function checkSlice({ kind, name, operation, object, old }: AdmissionRequest, { node }: NodeAsking): void {
  if (operation !== 'CREATE' && operation !== 'DELETE') return;
  const slice = (operation === 'CREATE' ? object : old) as ResourceSlice | undefined;
  if (slice?.spec.nodeName !== node) throw forbidden(kind, name, `can only ${operation === 'CREATE' ? 'create' : 'delete'} ResourceSlice with the same NodeName as the requesting node`);
}

function checkCertificate({ kind, object }: AdmissionRequest, { node }: NodeAsking): void {
  const { metadata: { name }, spec } = object as CertificateSigningRequest;
  if (!KUBELET_SIGNERS.includes(spec.signerName)) return;
  let commonName: string;
  try {
    ({ commonName } = parseCertificateRequest(Buffer.from(spec.request, 'base64').toString('latin1')).subject);
  } catch (error) {
    throw forbidden(kind, name, `unable to parse csr: ${messageOf(error)}`);
  }
  if (commonName !== `system:node:${node}`) throw forbidden(kind, name, `can only create a node CSR with CN=system:node:${node}`);
}

function checkToken(request: AdmissionRequest, asking: NodeAsking): void {
  const { kind, name, namespace, object } = request;
  const { spec } = object as KubeObject & { spec?: Partial<TokenRequest['spec']> };
  const refuse = (why: string): Error => forbidden(kind, name, why);
  const ref = spec?.boundObjectRef;
  if (ref?.apiVersion !== 'v1' || ref.kind !== 'Pod' || !ref.name) throw refuse('node requested token not bound to a pod');
  if (!ref.uid) throw refuse('node requested token with a pod binding without a uid');
  const pod = asking.store.get(PODS, { namespace, name: ref.name }) as Pod | undefined;
  if (pod === undefined) throw notFound({ group: '', resource: 'pod' }, ref.name);
  if (ref.uid !== pod.metadata.uid) throw refuse(`the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`);
  if (pod.spec.nodeName !== asking.node) throw refuse('node requested token bound to a pod scheduled on a different node');
  const problem = audienceProblem(spec?.audiences ?? [], pod, { request, asking });
  if (problem !== undefined) throw refuse(problem);
}

/** Of the pod's CSI volumes, its own and those behind its claims. */
function driversOf(pod: Pod, store: Store): CSIDriver[] {
  const volumes = volumeNames(pod, store).map((name) => store.get({ group: '', resource: 'persistentvolumes' }, { namespace: '', name }) as PersistentVolume | undefined);
  const names = [...(pod.spec.volumes ?? []).map(({ csi }) => csi?.driver), ...volumes.map((volume) => volume?.spec.csi?.driver)];
  return names.flatMap((name) => (name === undefined ? [] : (store.get({ group: 'storage.k8s.io', resource: 'csidrivers' }, { namespace: '', name }) as CSIDriver | undefined) ?? []));
}

/** One that a volume of the pod names, or its driver asks for, or that the node is given the right to. */
function audienceProblem(audiences: readonly string[], asked: Pod, { request, asking }: { request: AdmissionRequest; asking: NodeAsking }): string | undefined {
  const [audience = '', another] = audiences;
  if (another !== undefined) return 'node may only request 0 or 1 audiences';
  const named = (asked.spec.volumes ?? []).flatMap(({ projected }) => projected?.sources ?? []).some(({ serviceAccountToken }) => serviceAccountToken !== undefined && (serviceAccountToken.audience ?? '') === audience);
  if (named || driversOf(asked, asking.store).some(({ spec }) => spec.tokenRequests?.some((each) => each.audience === audience) === true)) return undefined;
  const { user, namespace, name } = request;
  const attributes = { user, verb: 'request-serviceaccounts-token-audience', isResource: true, path: '', group: '', version: 'v1', resource: audience, subresource: '', namespace, name, fieldSelector: '' };
  if (asking.authorizer.authorize(attributes).allowed) return undefined;
  return `audience ${JSON.stringify(audience)} not found in pod spec volume, ${user.username} is not authorized to request tokens for this audience`;
}
