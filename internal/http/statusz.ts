// /statusz: what runs here and since when, as text for people or as config.k8s.io's Statusz (upstream: component-base/zpages/statusz). Loaded when asked for.
import type { Clock } from '../base/clock.ts';
import { StatusError } from '../base/errors.ts';
import { formatTime } from '../api/meta.ts';
import { parseAccept } from './negotiate.ts';
import { textPayload, type Payload } from './respond.ts';
import type { VersionInfo } from './version-info.ts';

export interface StatuszOptions {
  clock: Pick<Clock, 'now'>;
  startedMs: number;
  version: VersionInfo;
}

const NAME = 'apiserver';
const PATHS = ['/healthz', '/livez', '/metrics', '/readyz', '/statusz', '/version'];
const DEPRECATED = '299 - "This version of the statusz endpoint is deprecated. Please use a newer version."';

/** Text unless an object is asked for by its kind and version. StatusError NotAcceptable. */
export function statusz(options: StatuszOptions, accept = ''): Payload {
  for (const { type, params: { as, g, v } } of accept === '' ? [] : parseAccept(accept)) {
    if (type === 'text/plain' || type === '*/*' || type === 'text/*') return textPayload(200, textOf(options));
    if (type !== 'application/json' && type !== 'application/*') continue;
    if (as === 'Statusz' && g === 'config.k8s.io' && (v === 'v1alpha1' || v === 'v1beta1')) return objectOf(options, v);
  }
  if (accept === '') return textPayload(200, textOf(options));
  throw new StatusError('NotAcceptable', 'only the following media types are accepted: application/json, application/yaml, text/plain');
}

function textOf(options: StatuszOptions): string {
  const { startTime, uptimeSeconds, binaryVersion, emulationVersion } = facts(options);
  const [hours, minutes, seconds] = [Math.floor(uptimeSeconds / 3600), Math.floor(uptimeSeconds / 60) % 60, uptimeSeconds % 60].map((part) => String(part).padStart(2, '0'));
  const lines = [`Started: ${startTime}`, `Up: ${String(Number(hours))} hr ${minutes ?? ''} min ${seconds ?? ''} sec`, `Binary version: ${binaryVersion}`, `Emulation version: ${emulationVersion}`, `Paths: ${PATHS.join(' ')}`];
  return `\n${NAME} statusz\nWarning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.\n\n${lines.join('\n')}\n`;
}

function objectOf(options: StatuszOptions, version: string): Payload {
  const body = { kind: 'Statusz', apiVersion: `config.k8s.io/${version}`, metadata: { name: NAME }, ...facts(options), paths: PATHS };
  return { code: 200, contentType: `application/json;g=config.k8s.io;v=${version};as=Statusz`, bytes: Buffer.from(`${JSON.stringify(body)}\n`), ...(version === 'v1alpha1' && { headers: { warning: DEPRECATED } }) };
}

function facts({ clock, startedMs, version: { gitVersion } }: StatuszOptions): { startTime: string; uptimeSeconds: number; goVersion: string; binaryVersion: string; emulationVersion: string } {
  const [, binaryVersion = ''] = /^v(\d+\.\d+\.\d+)/.exec(gitVersion) ?? [];
  return { startTime: formatTime(startedMs), uptimeSeconds: Math.floor((clock.now() - startedMs) / 1000), goVersion: '', binaryVersion, emulationVersion: binaryVersion.replace(/\.\d+$/, '') };
}
