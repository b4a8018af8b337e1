// `kubelet_internal_checkpoint`: who holds which devices, over restarts of Skiff. Shape and checksum are upstream's, as other programs read the file
// (and a kubelet that takes this node over): FNV-1a of the data as Go's spew prints it.
import { join } from 'node:path';
import { readFileIfThere, writeFileAtomically } from '../../../internal/base/files.ts';
import type { DevicesByNode, Holding } from './holdings.ts';

export interface Checkpoint {
  holdings: readonly Holding[];
  /** Healthy devices by resource. */
  registered: Readonly<Record<string, readonly string[]>>;
}

interface Data {
  PodDeviceEntries: readonly Entry[] | null;
  RegisteredDevices: Readonly<Record<string, readonly string[] | null>> | null;
}

interface Entry {
  PodUID: string;
  ContainerName: string;
  ResourceName: string;
  DeviceIDs: DevicesByNode | null;
  AllocResp: string | null;
}

const FILE = 'kubelet_internal_checkpoint';

/** Undefined when there is none; throws for one that cannot be trusted. */
export function readCheckpoint(directory: string): Checkpoint | undefined {
  const text = readFileIfThere(join(directory, FILE));
  if (text === undefined) return undefined;
  const { Data: data, Checksum: expected } = JSON.parse(text) as { Data: Data; Checksum: number };
  const actual = checksumOf(data);
  if (actual !== expected) throw new Error(`checkpoint is corrupted: its checksum is ${String(actual)}, and ${String(expected)} is written in it`);
  const holdings = (data.PodDeviceEntries ?? []).map((entry): Holding => ({
    uid: entry.PodUID, container: entry.ContainerName, resource: entry.ResourceName, devices: entry.DeviceIDs ?? {}, response: Buffer.from(entry.AllocResp ?? '', 'base64'),
  }));
  return { holdings, registered: Object.fromEntries(Object.entries(data.RegisteredDevices ?? {}).map(([resource, ids]) => [resource, ids ?? []])) };
}

/** Written only when it says something else than `before`; gives what it says. */
export function writeCheckpoint(directory: string, { holdings, registered }: Checkpoint, before: string): string {
  const entries = holdings.map(({ uid, container, resource, devices, response }): Entry => ({ PodUID: uid, ContainerName: container, ResourceName: resource, DeviceIDs: devices, AllocResp: Buffer.from(response).toString('base64') }));
  const data: Data = { PodDeviceEntries: entries.length === 0 ? null : entries, RegisteredDevices: registered };
  const text = JSON.stringify({ Data: data, Checksum: checksumOf(data) });
  if (text !== before) writeFileAtomically(join(directory, FILE), text, { mode: 0o600 });
  return text;
}


export function checksumOf({ PodDeviceEntries: entries, RegisteredDevices: registered }: Data): number {
  const shown = entries === null ? '<nil>' : `[${entries.map(shownEntry).join(' ')}]`;
  return fnv1a(`(checkpoint.checkpointData){PodDeviceEntries:([]checkpoint.PodDevicesEntry)${shown} RegisteredDevices:(map[string][]string)${shownMap(registered)}}`);
}

function shownEntry(entry: Entry): string {
  const response = entry.AllocResp === null ? '<nil>' : `[${[...Buffer.from(entry.AllocResp, 'base64')].join(' ')}]`;
  return `{PodUID:(string)${entry.PodUID} ContainerName:(string)${entry.ContainerName} ResourceName:(string)${entry.ResourceName} `
    + `DeviceIDs:(checkpoint.DevicesPerNUMA)${shownMap(entry.DeviceIDs, (a, b) => Number(a) - Number(b))} AllocResp:([]uint8)${response}}`;
}

function shownMap(map: Readonly<Record<string, readonly string[] | null>> | null, order?: (a: string, b: string) => number): string {
  if (map === null) return '<nil>';
  return `map[${Object.keys(map).sort(order).map((key) => `${key}:${map[key] === null ? '<nil>' : `[${map[key]?.join(' ') ?? ''}]`}`).join(' ')}]`;
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
