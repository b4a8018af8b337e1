// Volumes that must be attached before a node can use them (upstream: pkg/controller/volume/attachdetach): for each volume of a pod on a node there is a
// VolumeAttachment, which the driver's own attacher carries out; the Node's status says which are attached. When no pod wants a volume there any more, and the
// node uses it no more, it is detached: first the node's status stops saying so, and when that is seen and the node still does not use it, the
// VolumeAttachment goes. A node that is dead does not tell: after six minutes, or marked out of service, nobody waits for it.
import { wake, type Plan } from '../../informer/loop.ts';
import type { Index, Views } from '../../informer/view.ts';
import { ATTACHMENT_NAME, attachedVolumeName, attachmentName } from '../../kinds/storage/csi-names.ts';
import type { CSIDriver, Node, PersistentVolume, Pod, VolumeAttachment } from '../../kinds/generated/api-types.ts';
import { CSIDRIVERS, NODES, PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, PODS, VOLUMEATTACHMENTS } from '../../kinds/generated/resources.ts';
import { controllerLoop, create, note, remove, type Action, type ControllerLoop } from '../action.ts';
import { BY_NODE, isFinished } from '../pod-state.ts';
import { BY_CLAIM, claimKey, claimsOf } from './claim-use.ts';
import { multiAttachEvents } from './multi-attach.ts';

export interface Wanted {
  volume: PersistentVolume;
  pods: Pod[];
  /** Names of other nodes that have it, or are about to. */
  elsewhere: string[];
  /** Pods there that use it. */
  podsElsewhere: Pod[];
}

export interface AttachmentState {
  name: string;
  node: Node | undefined;
  /** By name of the VolumeAttachment. */
  wanted: ReadonlyMap<string, Wanted>;
  /** Of this node. */
  attachments: { attachment: VolumeAttachment; volume: PersistentVolume | undefined }[];
  memory: AttachmentMemory;
}

/** What is remembered between two plans; lost with the process, and then waited for anew. */
export interface AttachmentMemory {
  /** When the attachment was first not wanted any more. */
  unwantedSince(attachment: string, now: number): number;
  wantedAgain(attachment: string): void;
  /** True the first time. */
  isNews(what: string): boolean;
  isOld(what: string): void;
}

const TOLD_MAX = 10_000;
export const FORCE_AFTER_MS = 360_000;
const MANAGED = 'volumes.kubernetes.io/controller-managed-attach-detach';
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';
const BY_HOLDER: Index<VolumeAttachment> = { name: 'attachedTo', values: ({ spec }) => [spec.nodeName] };
const BY_VOLUME: Index<VolumeAttachment> = { name: 'attachedVolume', values: ({ spec }) => (spec.source.persistentVolumeName === undefined ? [] : [spec.source.persistentVolumeName]) };

export function volumeAttachmentLoop(): ControllerLoop<AttachmentState> {
  const memory = createMemory();
  return controllerLoop<AttachmentState>({
    name: 'attachdetach-controller',
    // Whether another node has a volume must not be asked by two at once.
    concurrency: 1,
    wakes: [
      wake(PODS, (pod, views, previous) => (concerns(pod, views, previous) ? [pod.spec.nodeName ?? ''] : [])),
      wake(PERSISTENTVOLUMECLAIMS, (claim, views) => nodesOfClaim(claimKey(claim), views)),
      wake(PERSISTENTVOLUMES, (volume, views) => (volume.spec.csi === undefined ? [] : nodesOfVolume(volume, views))),
      wake(VOLUMEATTACHMENTS, ({ spec }, views) => [spec.nodeName, ...nodesOfVolume(views.of(PERSISTENTVOLUMES).get('', spec.source.persistentVolumeName ?? ''), views)]),
      wake(CSIDRIVERS, ({ metadata }, views) => views.of(VOLUMEATTACHMENTS).list().filter(({ spec }) => spec.attacher === metadata.name).map(({ spec }) => spec.nodeName)),
      wake(NODES, ({ metadata, status }, views) => ((status?.volumesAttached ?? []).length > 0 || views.of(VOLUMEATTACHMENTS).by(BY_HOLDER, metadata.name).length > 0 ? [metadata.name] : [])),
    ],
    observe: (name, views) => observe(name, views, memory),
    plan,
  });
}

function createMemory(): AttachmentMemory {
  const since = new Map<string, number>();
  const told = new Set<string>();
  return {
    unwantedSince(attachment, now) {
      const at = since.get(attachment) ?? now;
      since.set(attachment, at);
      return at;
    },
    wantedAgain: (attachment) => void since.delete(attachment),
    isNews(what) {
      if (told.has(what)) return false;
      if (told.size >= TOLD_MAX) told.clear();
      told.add(what);
      return true;
    },
    isOld: (what) => void told.delete(what),
  };
}

/** Whether it may make a volume wanted, or not wanted any more. */
function concerns(pod: Pod, views: Views, previous: Pod | undefined): boolean {
  if ((pod.spec.nodeName ?? '') === '' || claimsOf(pod).length === 0) return false;
  const isGone = views.of(PODS).get(pod.metadata.namespace ?? '', pod.metadata.name)?.metadata.uid !== pod.metadata.uid;
  return isGone || previous === undefined || previous.spec.nodeName !== pod.spec.nodeName || isOver(previous) !== isOver(pod);
}

/** It has ended, or is going and nothing of it runs. */
function isOver(pod: Pod): boolean {
  const runs = (pod.status?.containerStatuses ?? []).some(({ state }) => state?.running !== undefined);
  return isFinished(pod) || (pod.metadata.deletionTimestamp !== undefined && !runs);
}

function nodesOfClaim(key: string, views: Views): string[] {
  return views.of(PODS).by(BY_CLAIM, key).flatMap(({ spec }) => (spec.nodeName === undefined || spec.nodeName === '' ? [] : [spec.nodeName]));
}

function nodesOfVolume(volume: PersistentVolume | undefined, views: Views): string[] {
  const reference = volume?.spec.claimRef;
  return reference === undefined ? [] : nodesOfClaim(`${reference.namespace ?? ''}/${reference.name ?? ''}`, views);
}

function observe(name: string, views: Views, memory: AttachmentMemory): AttachmentState | undefined {
  const node = views.of(NODES).get('', name);
  const attachments = views.of(VOLUMEATTACHMENTS).by(BY_HOLDER, name).map((attachment) => ({ attachment, volume: views.of(PERSISTENTVOLUMES).get('', attachment.spec.source.persistentVolumeName ?? '') })).filter(isOurs);
  if (node !== undefined && node.metadata.annotations?.[MANAGED] === undefined) return undefined;
  const wanted = new Map<string, Wanted>();
  for (const pod of views.of(PODS).by(BY_NODE, name).filter((each) => !isOver(each))) {
    for (const volume of attachableVolumes(pod, views)) {
      const { driver = '', volumeHandle = '' } = volume.spec.csi ?? {};
      const key = attachmentName({ driver, handle: volumeHandle, node: name });
      const known = wanted.get(key);
      if (known !== undefined) known.pods.push(pod);
      else wanted.set(key, { volume, pods: [pod], ...othersOf(volume, name, views) });
    }
  }
  return { name, node, wanted, attachments, memory };
}

/** Attachments under other names than ours are somebody else's: not ours to take away. */
function isOurs({ attachment: { metadata, spec }, volume }: AttachmentState['attachments'][number]): boolean {
  if (volume?.spec.csi === undefined) return ATTACHMENT_NAME.test(metadata.name);
  return metadata.name === attachmentName({ driver: volume.spec.csi.driver, handle: volume.spec.csi.volumeHandle, node: spec.nodeName });
}

function attachableVolumes(pod: Pod, views: Views): PersistentVolume[] {
  return claimsOf(pod).flatMap((key) => {
    const [namespace = '', name = ''] = key.split('/');
    const claim = views.of(PERSISTENTVOLUMECLAIMS).get(namespace, name);
    const volume = claim?.status?.phase === 'Bound' ? views.of(PERSISTENTVOLUMES).get('', claim.spec.volumeName ?? '') : undefined;
    if (volume?.spec.csi === undefined || volume.spec.claimRef?.uid !== claim?.metadata.uid) return [];
    return isAttached(views.of(CSIDRIVERS).get('', volume.spec.csi.driver)) ? [volume] : [];
  });
}

function isAttached(driver: CSIDriver | undefined): boolean {
  return driver?.spec.attachRequired !== false;
}

function othersOf(volume: PersistentVolume, node: string, views: Views): Pick<Wanted, 'elsewhere' | 'podsElsewhere'> {
  const elsewhere = views.of(VOLUMEATTACHMENTS).by(BY_VOLUME, volume.metadata.name).map(({ spec }) => spec.nodeName).filter((name) => name !== node);
  const { namespace = '', name = '' } = volume.spec.claimRef ?? {};
  const podsElsewhere = elsewhere.length === 0 ? [] : views.of(PODS).by(BY_CLAIM, `${namespace}/${name}`).filter((pod) => elsewhere.includes(pod.spec.nodeName ?? '') && !isOver(pod));
  return { elsewhere, podsElsewhere };
}

export function plan(state: AttachmentState, now: number): Plan<Action> {
  const { attachments, wanted, memory } = state;
  const unwanted = attachments.filter(({ attachment: { metadata } }) => !wanted.has(metadata.name) && metadata.deletionTimestamp === undefined);
  for (const name of wanted.keys()) memory.wantedAgain(name);
  const waits = unwanted.map((each) => ({ ...each, waitMs: waitOf(each, state, now) }));
  const going = waits.filter(({ waitMs }) => waitMs === 0);
  for (const { attachment } of going) memory.wantedAgain(attachment.metadata.name);
  const told = tellNode(state, going.map(({ attachment }) => attachment.metadata.name));
  const held = waits.map(({ waitMs }) => waitMs).filter((ms) => ms > 0 && ms < Infinity);
  return {
    // What the node was just told is seen before anything is detached: the next plan does that.
    actions: [...(told ?? going.map(({ attachment }) => remove(VOLUMEATTACHMENTS, attachment))), ...attach(state)],
    ...(held.length > 0 && { againInMs: Math.min(...held) }),
  };
}

/** How long until it may be detached; Infinity: until the node lets go of it. */
function waitOf({ attachment, volume }: AttachmentState['attachments'][number], { node, memory }: AttachmentState, now: number): number {
  const since = memory.unwantedSince(attachment.metadata.name, now);
  const left = Math.max(0, since + FORCE_AFTER_MS - now);
  if (node === undefined) return left;
  const used = volume?.spec.csi !== undefined && node.status?.volumesInUse?.includes(attachedVolumeName(volume.spec.csi.driver, volume.spec.csi.volumeHandle)) === true;
  if (!used || node.spec.taints?.some(({ key }) => key === OUT_OF_SERVICE) === true) return 0;
  return isReady(node) ? Infinity : left;
}

function isReady({ status }: Node): boolean {
  return status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true;
}

/** undefined: its status says what it should. */
function tellNode({ node, attachments, wanted, memory }: AttachmentState, going: readonly string[]): Action[] | undefined {
  if (node === undefined) return undefined;
  const attached = attachments.filter(({ attachment: { metadata, status } }) => status?.attached === true && metadata.deletionTimestamp === undefined && !going.includes(metadata.name));
  const names = attached.flatMap(({ volume }) => (volume?.spec.csi === undefined ? [] : [attachedVolumeName(volume.spec.csi.driver, volume.spec.csi.volumeHandle)])).sort();
  const shown = (node.status?.volumesAttached ?? []).map(({ name }) => name);
  if (names.join('\n') === shown.toSorted().join('\n')) return undefined;
  const events = attached.filter(({ attachment }) => memory.isNews(`attached ${attachment.metadata.uid}`)).flatMap(({ attachment }) => attachedEvents(wanted.get(attachment.metadata.name)));
  return [{ type: 'patch', resource: NODES, key: { namespace: '', name: node.metadata.name }, subresource: 'status', patch: { type: 'merge', body: { status: { volumesAttached: names.map((name) => ({ name, devicePath: '' })) } } } }, ...events];
}

function attachedEvents(wanted: Wanted | undefined): Action[] {
  return (wanted?.pods ?? []).map((pod) => ({ type: 'event', note: note(pod, 'Normal', 'SuccessfulAttachVolume', `AttachVolume.Attach succeeded for volume ${JSON.stringify(wanted?.volume.metadata.name)} `) }));
}

function attach({ name: node, wanted, attachments, memory }: AttachmentState): Action[] {
  return [...wanted].flatMap(([name, want]): Action[] => {
    const there = attachments.find(({ attachment }) => attachment.metadata.name === name)?.attachment;
    if (there !== undefined) return attachErrors(there, want, memory);
    const multi = `multi-attach ${name}`;
    if (want.elsewhere.length > 0 && !maySpread(want.volume)) return memory.isNews(multi) ? multiAttachEvents(want) : [];
    memory.isOld(multi);
    const failed = want.pods[0];
    const spec = { attacher: want.volume.spec.csi?.driver ?? '', nodeName: node, source: { persistentVolumeName: want.volume.metadata.name } };
    return [create(VOLUMEATTACHMENTS, { apiVersion: 'storage.k8s.io/v1', kind: 'VolumeAttachment', metadata: { name }, spec }, {
      tolerate: ['AlreadyExists'],
      ...(failed !== undefined && { failed: note(failed, 'Warning', 'FailedAttachVolume', `AttachVolume.Attach failed for volume ${JSON.stringify(want.volume.metadata.name)} : kubernetes.io/csi: attacher.Attach failed: $error`) }),
    })];
  });
}

function attachErrors({ metadata, status }: VolumeAttachment, { volume, pods }: Wanted, memory: AttachmentMemory): Action[] {
  const message = status?.attached === true ? undefined : status?.attachError?.message;
  if (message === undefined || !memory.isNews(`attach error ${metadata.uid} ${status?.attachError?.time ?? ''}`)) return [];
  return pods.map((pod) => ({ type: 'event', note: note(pod, 'Warning', 'FailedAttachVolume', `AttachVolume.Attach failed for volume ${JSON.stringify(volume.metadata.name)} : ${message}`) }));
}

function maySpread({ spec: { accessModes = [] } }: PersistentVolume): boolean {
  return accessModes.length === 0 || accessModes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany');
}
