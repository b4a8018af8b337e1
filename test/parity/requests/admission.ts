// What is changed or refused on the way in: limits of a namespace, accounts, priorities, profiles told by annotations, names still to be made.
import type { Row } from '../exchange.ts';
import { patch, pod, post, remove } from '../rows.ts';

const NS = '/api/v1/namespaces/{ns}-admission';
const LIMITED = '/api/v1/namespaces/{ns}-limited';
const CLASSES = '/apis/scheduling.k8s.io/v1/priorityclasses';
const APPARMOR = 'container.apparmor.security.beta.kubernetes.io/web';
const SECCOMP = 'container.seccomp.security.alpha.kubernetes.io/web';
const MOUNTABLE = 'kubernetes.io/enforce-mountable-secrets';

type Resources = Readonly<Record<string, string>>;
const web = (more: object = {}): object => ({ containers: [{ name: 'web', image: 'x:1', ...more }] });
const asks = (requests: Resources, limits?: Resources): object => web({ resources: { requests, ...(limits !== undefined && { limits }) } });
const dry = (name: string, space: string, spec: object, metadata: object = {}): Row => post(`admission: ${name}`, `${space}/pods?dryRun=All`, pod('x', spec, metadata));
const range = (name: string, limits: readonly object[]): Row => post(`admission: limits, ${name}`, `${LIMITED}/limitranges`, { apiVersion: 'v1', kind: 'LimitRange', metadata: { name }, spec: { limits } });
const claim = (name: string, requests: Resources): Row => post(`admission: claim, ${name}`, `${LIMITED}/persistentvolumeclaims?dryRun=All`, { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'x' }, spec: { storageClassName: 'x', accessModes: ['ReadWriteOnce'], resources: { requests } } });
const space = (name: string): Row[] => [post(`admission: namespace ${name}`, '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: `{ns}-${name}` } }), post(`admission: account of ${name}`, `/api/v1/namespaces/{ns}-${name}/serviceaccounts`, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } })];
const account = (name: string, spec: object): Row => dry(`account, ${name}`, NS, { serviceAccountName: 'strict', ...spec });
const told = (name: string, annotations: Resources, spec: object): Row[] => [
  dry(`annotations, ${name}`, NS, spec, { annotations }),
  post(`admission: annotations of a template, ${name}`, '/apis/apps/v1/namespaces/{ns}-admission/deployments?dryRun=All', { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x' }, spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' }, annotations }, spec } } }),
];
const unnamed = (name: string, spec: object): Row => post(`admission: to be named, ${name}`, `${NS}/pods?dryRun=All`, pod('', spec, { name: undefined, generateName: 'made-' }));
const annotate = (name: string, annotations: Readonly<Record<string, string | null>>): Row[] => ['', '/status'].map((part) => patch(`admission: annotations changed, ${name}${part}`, `${NS}/pods/profiled${part}?dryRun=All`, { metadata: { annotations } }, 'merge'));

const LIMITS: readonly Row[] = [
  range('containers', [{ type: 'Container', max: { cpu: '2' }, min: { cpu: '50m' }, default: { cpu: '300m', memory: '60Mi' }, defaultRequest: { cpu: '200m', memory: '50Mi' }, maxLimitRequestRatio: { cpu: '4' } }]),
  dry('nothing asked', LIMITED, web()), dry('too much', LIMITED, asks({ cpu: '3' })), dry('too little', LIMITED, asks({ cpu: '1m' })), dry('too far apart', LIMITED, asks({ cpu: '100m' }, { cpu: '1' })), dry('only limits', LIMITED, web({ resources: { limits: { cpu: '500m' } } })), dry('everything wrong', LIMITED, asks({ cpu: '1m' }, { cpu: '9' })), dry('an init container', LIMITED, { ...web(), initContainers: [{ name: 'i', image: 'x', restartPolicy: 'Always' }] }),
  dry('twice the same', LIMITED, { containers: ['a', 'b'].map((name) => ({ name, image: 'x', resources: { requests: { cpu: '3' }, limits: { cpu: '3' } } })) }),
  remove('admission: limits of containers gone', `${LIMITED}/limitranges/containers`), range('pods', [{ type: 'Pod', max: { cpu: '2' } }]), dry('pod too large', LIMITED, asks({ cpu: '1' }, { cpu: '3' })), dry('pod without limits', LIMITED, web()), dry('init container too large', LIMITED, { ...asks({ cpu: '1' }, { cpu: '1' }), initContainers: [{ name: 'i', image: 'x', resources: { limits: { cpu: '3' } } }] }), dry('limits of the pod', LIMITED, { ...web(), resources: { limits: { cpu: '3' }, requests: { cpu: '1' } } }),
  remove('admission: limits of pods gone', `${LIMITED}/limitranges/pods`), range('claims', [{ type: 'PersistentVolumeClaim', max: { storage: '5Gi' }, min: { storage: '1Gi' } }]), claim('good', { storage: '2Gi' }), claim('large', { storage: '6Gi' }), claim('small', { storage: '1Mi' }),
];

const ACCOUNTS: readonly Row[] = [
  post('admission: strict account', `${NS}/serviceaccounts`, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'strict', annotations: { [MOUNTABLE]: 'true' } }, secrets: [{ name: 'named' }], imagePullSecrets: [{ name: 'pull' }] }),
  account('named secret', { volumes: [{ name: 's', secret: { secretName: 'named' } }] }), account('secret', { volumes: [{ name: 's', secret: { secretName: 'other' } }] }), account('variable', web({ env: [{ name: 'E', valueFrom: { secretKeyRef: { name: 'other', key: 'k' } } }] })), account('variables', web({ envFrom: [{ secretRef: { name: 'other' } }] })), account('variables at the start', { initContainers: [{ name: 'i', image: 'x', envFrom: [{ secretRef: { name: 'other' } }] }] }), account('pull secret', { imagePullSecrets: [{ name: 'other' }] }),
  patch('admission: strict account again', `${NS}/serviceaccounts/strict`, { metadata: { labels: { a: 'b' } } }, 'merge'), patch('admission: account no longer strict', `${NS}/serviceaccounts/strict`, { metadata: { annotations: { [MOUNTABLE]: 'no' } } }, 'merge'), account('secret, not strict', { volumes: [{ name: 's', secret: { secretName: 'other' } }] }),
  remove('admission: system class', `${CLASSES}/system-node-critical?dryRun=All`),
  unnamed('without an account', { serviceAccountName: 'none' }), unnamed('without a class', { priorityClassName: 'none' }), unnamed('without a runtime', { runtimeClassName: 'none' }), post('admission: neither name', `${NS}/pods?dryRun=All`, pod('', { serviceAccountName: 'none' }, { name: undefined })),
  post('admission: token of no time', `${NS}/serviceaccounts/default/token`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: null } }),
];

const PROFILES: readonly Row[] = [
  ...['unconfined', 'runtime/default', 'localhost/x', 'localhost/', 'odd', ''].flatMap((profile) => told(`AppArmor ${profile}`, { [APPARMOR]: profile }, web())), ...told('AppArmor beside a field', { [APPARMOR]: 'unconfined' }, web({ securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } })), ...told('AppArmor as the pod has it', { [APPARMOR]: 'localhost/x' }, { ...web(), securityContext: { appArmorProfile: { type: 'Localhost', localhostProfile: 'x' } } }), ...told('AppArmor of no container', { 'container.apparmor.security.beta.kubernetes.io/none': 'unconfined' }, web()),
  ...['unconfined', 'docker/default', 'localhost/../x', 'odd'].flatMap((profile) => told(`seccomp ${profile}`, { [SECCOMP]: profile }, web())), ...told('seccomp beside a field', { [SECCOMP]: 'localhost/x' }, web({ securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'y' } } })),
  ...told('mirror of no node', { 'kubernetes.io/config.mirror': 'x' }, web()), ...['1', '01', 'x', '99999999999'].flatMap((cost) => told(`cost ${cost}`, { 'controller.kubernetes.io/pod-deletion-cost': cost }, web())),
  post('admission: profiled', `${NS}/pods`, pod('profiled', web(), { annotations: { [APPARMOR]: 'unconfined' } })), ...annotate('AppArmor', { [APPARMOR]: 'runtime/default' }), ...annotate('no AppArmor', { [APPARMOR]: null }), ...annotate('mirror', { 'kubernetes.io/config.mirror': 'x' }), ...annotate('cost', { 'controller.kubernetes.io/pod-deletion-cost': 'x' }),
];

export const ADMISSION: readonly Row[] = [
  ...space('limited'), ...LIMITS, ...space('admission'), ...ACCOUNTS, ...PROFILES,
  remove('admission: profiled gone', `${NS}/pods/profiled?gracePeriodSeconds=0`), remove('admission: limits gone', `${LIMITED}/limitranges/claims`),
];
