// /statusz and /flagz: which program this is and how it was set, for people, or as the (alpha) kinds Statusz and Flagz. Loaded when first asked for.
import type { NodeContext } from '../node-context.ts';
import { SETTINGS, type Setting } from '../configuration/settings.ts';
import { processStartMs } from '../stats/process.ts';
import { formatTime } from '../../../internal/api/meta.ts';
import type { Problem } from './places.ts';

const WARNING = 'Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.';
const PATHS = ['/configz', '/debug', '/flagz', '/healthz', '/metrics'];

export function zpage(name: 'statusz' | 'flagz', accept: string, node: NodeContext): Problem {
  const kind = name === 'statusz' ? 'Statusz' : 'Flagz';
  const form = formOf(accept, kind);
  if (form === undefined) return { code: 406, headers: { 'content-type': 'application/json' }, text: `${JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: 'only the following media types are accepted: application/json, application/yaml, text/plain', reason: 'NotAcceptable', code: 406 })}\n` };
  const fields = name === 'statusz' ? status(node) : { flags: flagsOf(node) };
  if (form === 'text') return { code: 200, text: `\nkubelet ${name}\n${WARNING}\n${name === 'statusz' ? statusLines(node) : Object.entries(flagsOf(node)).map(([flag, value]) => `${flag}: ${value}\n`).join('')}` };
  return { code: 200, headers: { 'content-type': `application/json;g=config.k8s.io;v=v1alpha1;as=${kind}` }, text: `${JSON.stringify({ kind, apiVersion: 'config.k8s.io/v1alpha1', metadata: { name: 'kubelet' }, ...fields }, undefined, 2)}\n` };
}

function formOf(accept: string, kind: string): 'text' | 'json' | undefined {
  const types = accept.split(',').map((type) => type.trim().replaceAll(' ', '').split(';'));
  for (const [type = '', ...parameters] of types) {
    if (['', '*/*', 'text/*', 'text/plain'].includes(type)) return 'text';
    if (type === 'application/json' && ['g=config.k8s.io', 'v=v1alpha1', `as=${kind}`].every((parameter) => parameters.includes(parameter))) return 'json';
  }
  return undefined;
}

function versionOf({ self }: NodeContext): { whole: string; minor: string } {
  const [, whole = '', minor = ''] = /^v((\d+\.\d+)[^+]*)/.exec(self?.()?.status?.nodeInfo?.kubeletVersion ?? '') ?? [];
  return { whole, minor };
}

function status(node: NodeContext): object {
  const { whole, minor } = versionOf(node);
  const startMs = processStartMs();
  return { startTime: formatTime(startMs), uptimeSeconds: Math.floor((node.clock.now() - startMs) / 1000), goVersion: '', binaryVersion: whole, emulationVersion: minor, paths: PATHS };
}

function statusLines(node: NodeContext): string {
  const { whole, minor } = versionOf(node);
  const startMs = processStartMs();
  const seconds = Math.floor((node.clock.now() - startMs) / 1000);
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const rows = [['Started', new Date(startMs).toUTCString()], ['Up', `${String(Math.floor(seconds / 3600))} hr ${two((seconds % 3600) / 60)} min ${two(seconds % 60)} sec`], ['Go version', ''], ['Binary version', whole], ['Emulation version', minor], ['Paths', PATHS.join(' ')]];
  return `\n${rows.map(([name = '', value = '']) => `${name}: ${value}\n`).join('')}`;
}

/** Upstream's flags for what is set here, as Go would print them. */
function flagsOf({ settings }: NodeContext): Record<string, string> {
  const values = settings as unknown as Readonly<Record<string, unknown>>;
  const flags = (SETTINGS as readonly Setting[]).flatMap(({ key, flag }) => (flag === undefined ? [] : [[flag, printed(values[key])] as const]));
  return Object.fromEntries(flags.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function printed(value: unknown): string {
  if (Array.isArray(value)) return `[${value.join(',')}]`;
  if (typeof value === 'object' && value !== null) return Object.entries(value).map(([name, one]) => `${name}=${String(one)}`).join(',');
  return typeof value === 'string' ? value : JSON.stringify(value) ?? '';
}
