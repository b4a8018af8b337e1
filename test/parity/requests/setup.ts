// What the other sections start from: a namespace with its service account, and one object of the kinds that they read.
import type { Row } from '../exchange.ts';
import { APPS, configMap, deployment, NS, pod, post } from '../rows.ts';

export const SETUP: readonly Row[] = [
  post('namespace', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: '{ns}', labels: { parity: '{ns}' } } }, { save: 'namespace' }),
  post('pod before its service account', `${NS}/pods`, pod('early')),
  post('service account', `${NS}/serviceaccounts`, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } }),
  post('configmap', `${NS}/configmaps`, configMap('one'), { save: 'one', managed: true }),
  post('configmap two', `${NS}/configmaps`, configMap('two', { b: '2' })),
  post('configmap three', `${NS}/configmaps`, configMap('three', { c: '3' }, { labels: { parity: '{ns}', tier: 'back' } })),
  post('secret', `${NS}/secrets`, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'keys' }, stringData: { user: 'me' } }),
  post('pod', `${NS}/pods`, pod('web'), { save: 'pod' }),
  post('deployment', `${APPS}/deployments`, deployment('web'), { save: 'deployment', managed: true }),
  post('service', `${NS}/services`, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', labels: { parity: '{ns}' } }, spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } }, { save: 'service' }),
  post('node', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: '{ns}', labels: { parity: '{ns}' } } }),
];
