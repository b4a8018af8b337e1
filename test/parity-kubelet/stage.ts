// What must stand on a server before its kubelet is asked: a namespace with pods in every state that the API tells apart, and service accounts
// that may one thing each.
import type { Container, Pod } from '../../internal/kinds/generated/api-types.ts';
import type { Api } from '../support/api.ts';
import { until } from '../support/until.ts';
import { GRANTS } from './row.ts';

export interface Stage {
  namespace: string;
  /** Of the pod `main`. */
  uid: string;
  /** Bearer tokens by what they may. */
  tokens: ReadonlyMap<string, string>;
}

const WAIT_MS = 120_000;
const TRAP = 'trap "exit 0" TERM; while :; do sleep 0.2; done';

function sh(name: string, script: string, more: Partial<Container> = {}): object {
  return { name, image: 'busybox:1', command: ['sh', '-c', script], ...more };
}

const PODS: Readonly<Record<string, { spec: object; ready(pod: Pod): boolean }>> = {
  main: {
    spec: {
      containers: [
        sh('shell', `echo one; sleep 0.1; echo two >&2; sleep 0.1; printf three; sleep 0.1; echo; echo four; ${TRAP}`, { resources: { limits: { cpu: '200m', memory: '64Mi' } } }),
        sh('web', 'mkdir /www; echo page > /www/index.html; exec httpd -f -p 8080 -h /www', { ports: [{ containerPort: 8080 }] }),
        sh('talker', 'while read line; do echo "heard $line"; done; sleep 1000', { stdin: true }),
        sh('terminal', 'while read line; do echo "heard $line"; done; sleep 1000', { stdin: true, tty: true }),
      ],
      volumes: [{ name: 'disk', emptyDir: {} }, { name: 'memory', emptyDir: { medium: 'Memory' } }],
    },
    ready: (pod) => (pod.status?.containerStatuses ?? []).filter(({ ready }) => ready).length === 4,
  },
  again: {
    spec: { containers: [sh('shell', `if [ -e /d/seen ]; then echo second; ${TRAP}; else touch /d/seen; echo first; exit 3; fi`, { volumeMounts: [{ name: 'd', mountPath: '/d' }] })], volumes: [{ name: 'd', emptyDir: {} }] },
    ready: (pod) => pod.status?.containerStatuses?.[0]?.state?.running !== undefined && pod.status.containerStatuses[0].restartCount === 1,
  },
  done: { spec: { restartPolicy: 'Never', containers: [sh('shell', 'echo finished')] }, ready: (pod) => pod.status?.phase === 'Succeeded' },
  waiting: { spec: { containers: [{ name: 'shell', image: 'missing:1' }] }, ready: (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'ImagePullBackOff' },
  init: { spec: { initContainers: [sh('first', TRAP)], containers: [sh('shell', 'true')] }, ready: (pod) => pod.status?.initContainerStatuses?.[0]?.state?.running !== undefined },
};

export async function setStage(api: Api, { node, id }: { node: string; id: string }): Promise<Stage> {
  const base = `/api/v1/namespaces/${id}`;
  await api.json('POST', '/api/v1/namespaces', { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: id } } });
  await until(async () => (await api.send('GET', `${base}/serviceaccounts/default`)).status === 200, 'the service account');
  await until(async () => (await api.send('GET', `${base}/configmaps/kube-root-ca.crt`)).status === 200, 'the CA');
  for (const [name, { spec }] of Object.entries(PODS)) await api.json('POST', `${base}/pods`, { body: { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { nodeName: node, terminationGracePeriodSeconds: 1, ...spec } } });
  const tokens = new Map<string, string>();
  for (const name of ['none', ...GRANTS]) tokens.set(name, await makeCaller(api, id, name));
  const uids = new Map<string, string>();
  for (const [name, { ready }] of Object.entries(PODS)) {
    const pod = await until(async () => {
      const now = (await api.json('GET', `${base}/pods/${name}`)) as unknown as Pod;
      return ready(now) && now;
    }, `pod ${name}`, WAIT_MS);
    uids.set(name, pod.metadata.uid);
  }
  return { namespace: id, uid: uids.get('main') ?? '', tokens };
}

export async function strikeStage(api: Api, id: string): Promise<void> {
  await api.send('DELETE', `/api/v1/namespaces/${id}`);
  for (const name of GRANTS) for (const kind of ['clusterrolebindings', 'clusterroles']) await api.send('DELETE', `/apis/rbac.authorization.k8s.io/v1/${kind}/${id}-${name}`);
}

/** May all verbs on one subresource of nodes; gives its token. */
async function makeCaller(api: Api, id: string, name: string): Promise<string> {
  const base = `/api/v1/namespaces/${id}/serviceaccounts`;
  await api.json('POST', base, { body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } } });
  if (name !== 'none') {
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    const metadata = { name: `${id}-${name}` };
    await api.json('POST', `${rbac}/clusterroles`, { body: { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata, rules: [{ apiGroups: [''], resources: [`nodes/${name}`], verbs: ['get', 'create'] }] } });
    await api.json('POST', `${rbac}/clusterrolebindings`, { body: { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: metadata.name }, subjects: [{ kind: 'ServiceAccount', name, namespace: id }] } });
  }
  const { status } = await api.json('POST', `${base}/${name}/token`, { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} } }) as { status?: { token?: string } };
  return status?.token ?? '';
}
