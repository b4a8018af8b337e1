// What a driver says of this node, in the API: its id in an annotation of the Node, where it is in the Node's labels, and both with the number of volumes that
// it can take in the CSINode (upstream: pkg/volume/csi/nodeinfomanager).
import { isReason, messageOf } from '../../../internal/base/errors.ts';
import { copy } from '../../../internal/api/meta.ts';
import type { Client } from '../../../internal/client/client.ts';
import type { CSINode, CSINodeDriver, Node } from '../../../internal/kinds/generated/api-types.ts';
import { CSINODES, NODES } from '../../../internal/kinds/generated/resources.ts';
import type { Message } from './messages.ts';

const ANNOTATION = 'csi.volume.kubernetes.io/nodeid';
const COUNT_MAX = 2 ** 31 - 1;
const ATTEMPTS = 4;

interface Told {
  driver: string;
  info: Message<'NodeInfo'>;
}

export interface NodeInfo {
  /** Makes the CSINode, were it without drivers. */
  prepare(): Promise<void>;
  install(told: Told): Promise<void>;
  /** The CSINode alone: how many volumes there is room for may change. */
  refresh(told: Told): Promise<void>;
  uninstall(driver: string): Promise<void>;
}

export function createNodeInfo({ client, nodeName }: { client: Client; nodeName: string }): NodeInfo {
  const key = { namespace: '', name: nodeName };
  let turn: Promise<unknown> = Promise.resolve();

  /** One after the other: drivers that register at once write the same two objects. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    const done = turn.then(() => again(work));
    turn = done.catch(() => undefined);
    return done;
  }

  async function ownCsiNode(): Promise<CSINode> {
    const node = await client.get(NODES, key);
    const found = await client.get(CSINODES, key).catch((error: unknown) => (isReason(error, 'NotFound') ? undefined : Promise.reject(error as Error)));
    if (found?.metadata.ownerReferences?.some(({ kind, uid }) => kind === 'Node' && uid === node.metadata.uid) === true) return found;
    // Of a node that had this name before.
    if (found !== undefined) await client.delete(CSINODES, key, { preconditions: { uid: found.metadata.uid } });
    const owner = { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: node.metadata.uid };
    return client.create(CSINODES, { apiVersion: 'storage.k8s.io/v1', kind: 'CSINode', metadata: { name: nodeName, ownerReferences: [owner] }, spec: { drivers: [] } });
  }

  async function setDriver(name: string, wanted: CSINodeDriver | undefined): Promise<void> {
    const old = await ownCsiNode();
    const next = withDriver(old, name, wanted);
    if (next !== old) await client.update(CSINODES, next);
  }

  async function setNodeId(driver: string, info: Message<'NodeInfo'> | undefined): Promise<void> {
    const node = await client.get(NODES, key);
    const metadata = { ...annotationPatch(node, driver, info?.nodeId), ...labelPatch(node, info?.accessibleTopology?.segments ?? {}) };
    if (Object.keys(metadata).length > 0) await client.patch(NODES, key, { type: 'merge', body: { metadata: { ...metadata, resourceVersion: node.metadata.resourceVersion } } });
  }

  return {
    prepare: () => inTurn(async () => void (await ownCsiNode())),
    install: ({ driver, info }) => inTurn(async () => {
      if (info.nodeId === '') throw new Error('error adding CSI driver node info: driverNodeID must not be empty');
      await setNodeId(driver, info).catch(because('error updating Node object with CSI driver node info'));
      await setDriver(driver, driverOf(driver, info)).catch(because('error updating CSINode object with CSI driver node info'));
    }),
    refresh: ({ driver, info }) => inTurn(() => setDriver(driver, driverOf(driver, info))),
    uninstall: (driver) => inTurn(async () => {
      await setDriver(driver, undefined).catch(because('error uninstalling CSI driver from CSINode object'));
      await setNodeId(driver, undefined).catch(because('error removing CSI driver node info from Node object'));
    }),
  };
}

/** Someone else wrote in between: read and written anew. */
async function again(work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      if (attempt === ATTEMPTS || !isReason(cause, 'Conflict', 'AlreadyExists')) throw error;
    }
  }
}

function because(what: string): (error: unknown) => never {
  return (error) => {
    throw new Error(`${what}: ${messageOf(error)}`, { cause: error });
  };
}

function driverOf(name: string, { nodeId, maxVolumesPerNode, accessibleTopology }: Message<'NodeInfo'>): CSINodeDriver {
  const count = Math.min(maxVolumesPerNode, COUNT_MAX);
  return { name, nodeID: nodeId, topologyKeys: Object.keys(accessibleTopology?.segments ?? {}).sort(), ...(count > 0 && { allocatable: { count } }) };
}

/** The same object when it says so already. */
function withDriver(old: CSINode, name: string, wanted: CSINodeDriver | undefined): CSINode {
  const before = old.spec.drivers.find((driver) => driver.name === name);
  const same = wanted === undefined ? before === undefined : before?.nodeID === wanted.nodeID && (before.topologyKeys ?? []).toSorted().join() === (wanted.topologyKeys ?? []).join() && before.allocatable?.count === wanted.allocatable?.count;
  if (same) return old;
  const next = copy(old);
  next.spec.drivers = [...next.spec.drivers.filter((driver) => driver.name !== name), ...(wanted === undefined ? [] : [wanted])];
  return next;
}

function annotationPatch({ metadata }: Node, driver: string, id: string | undefined): { annotations?: Record<string, string | null> } {
  const text = metadata.annotations?.[ANNOTATION] ?? '';
  const ids = text === '' ? {} : (JSON.parse(text) as Record<string, string>);
  if (ids[driver] === id) return {};
  const { [driver]: _before, ...others } = ids;
  const next = id === undefined ? others : { ...others, [driver]: id };
  const sorted = Object.fromEntries(Object.entries(next).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { annotations: { [ANNOTATION]: Object.keys(sorted).length === 0 ? null : JSON.stringify(sorted) } };
}

function labelPatch({ metadata }: Node, segments: Readonly<Record<string, string>>): { labels?: Record<string, string> } {
  const { labels = {} } = metadata;
  for (const [name, value] of Object.entries(segments)) {
    const there = labels[name];
    if (there !== undefined && there !== value) throw new Error(`detected topology value collision: driver reported ${JSON.stringify(name)}:${JSON.stringify(value)} but existing label is ${JSON.stringify(name)}:${JSON.stringify(there)}`);
  }
  const missing = Object.entries(segments).filter(([name]) => labels[name] === undefined);
  return missing.length === 0 ? {} : { labels: Object.fromEntries(missing) };
}
