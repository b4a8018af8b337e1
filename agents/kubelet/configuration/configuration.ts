// The kubelet's settings in the words of upstream's KubeletConfiguration (kubelet.config.k8s.io/v1beta1), with its defaults: what `/configz`
// shows is what holds. They come from `--kubelet-arg`: upstream's flags (`max-pods=50`), the fields' own names (`maxPods=50`), or a file
// of that kind (`config=/etc/skiff/kubelet.yaml`), over which the other arguments win.
import { parseDuration } from '../../../internal/api/duration.ts';
import { parseQuantity, quantityValue } from '../../../internal/api/quantity.ts';
import { parseYaml } from '../../../internal/api/yaml.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import { readFileIfThere } from '../../../internal/base/files.ts';
import { FIXED, INERT, SETTINGS, type Setting, type SettingKind } from './settings.ts';

type ValueOf<K extends SettingKind> =
  K extends 'integer' ? number
  : K extends 'boolean' ? boolean
  : K extends 'list' ? readonly string[]
  : K extends 'map' | 'quantities' | 'thresholds' | 'amounts' | 'durations' ? Readonly<Record<string, string>>
  : K extends 'headers' ? Readonly<Record<string, readonly string[]>>
  : K extends 'groups' ? readonly PriorityGrace[]
  : string;

/** Of shutdownGracePeriodByPodPriority. */
export interface PriorityGrace {
  readonly priority: number;
  readonly shutdownGracePeriodSeconds: number;
}

type Entry = (typeof SETTINGS)[number];
/** Durations, quantities and shares are texts, as upstream has them. */
export type KubeletConfiguration = { readonly [E in Entry as E['key']]: ValueOf<E['kind']> };

/** Throws with what is wrong, naming the argument. `warn` hears of what is accepted and has no effect here. */
export function readKubeletConfiguration(args: readonly string[], warn: (message: string) => void = () => {}): KubeletConfiguration {
  const pairs = args.map((arg) => [arg.slice(0, arg.indexOf('=')).replace(/^--/, ''), arg.slice(arg.indexOf('=') + 1)] as const);
  const values: Record<string, unknown> = {};
  for (const [, path] of pairs.filter(([name]) => name === 'config')) Object.assign(values, fromFile(path, warn));
  for (const [name, text] of pairs.filter(([name]) => name !== 'config')) {
    const setting = find(name);
    if (setting !== undefined) values[setting.key] = checked(setting, parse(setting, text), `--kubelet-arg: ${name}=${text}`);
    else if (FIXED.has(name)) checkFixed(name, text, '--kubelet-arg');
    else if (INERT.has(name)) warn(`--kubelet-arg: ${name} has no effect here`);
    else throw new Error(`--kubelet-arg: ${JSON.stringify(name)} is no setting of the kubelet`);
  }
  const settings = complete(values);
  // What containers write lies with the images here, and goes by those' thresholds.
  for (const [sort, thresholds] of [['hard', settings.evictionHard], ['soft', settings.evictionSoft]] as const) for (const signal of Object.keys(thresholds)) if (signal.startsWith('containerfs.')) warn(`--kubelet-arg: found ${signal} for ${sort} eviction. ignoring`);
  return settings;
}

function complete(values: Readonly<Record<string, unknown>>): KubeletConfiguration {
  const all = { ...Object.fromEntries((SETTINGS as readonly Setting[]).map(({ key, default: value }) => [key, value])), ...values } as KubeletConfiguration;
  const merged = all.mergeDefaultEvictionSettings ? { ...DEFAULT_CONFIGURATION.evictionHard, ...all.evictionHard } : all.evictionHard;
  const ungraced = Object.keys(all.evictionSoft).find((signal) => all.evictionSoftGracePeriod[signal] === undefined);
  if (ungraced !== undefined) throw new Error(`--kubelet-arg: grace period must be specified for the soft eviction threshold ${ungraced}`);
  if (all.imageGCLowThresholdPercent >= all.imageGCHighThresholdPercent) throw new Error('--kubelet-arg: image-gc-low-threshold must be less than image-gc-high-threshold');
  if (all.serializeImagePulls && all.maxParallelImagePulls > 1) throw new Error('--kubelet-arg: maxParallelImagePulls cannot be larger than 1 unless serializeImagePulls is false');
  const allowlist = all.preloadedImagesVerificationAllowlist.find((pattern) => pattern.trim() !== pattern || pattern === '' || pattern === '/*' || pattern.replace(/\/\*$/, '').includes('*'));
  if (allowlist !== undefined) throw new Error(`--kubelet-arg: preloadedImagesVerificationAllowlist: ${JSON.stringify(allowlist)} is neither an image name without tag nor one with /* at its end`);
  if ((all.imageCredentialProviderConfig === '') !== (all.imageCredentialProviderBinDir === '')) throw new Error('--kubelet-arg: both image-credential-provider-bin-dir and image-credential-provider-config must be set');
  if (all.containerLogMaxFiles < 2) throw new Error('--kubelet-arg: container-log-max-files must be at least 2');
  if (parseDuration(all.shutdownGracePeriodCriticalPods) > parseDuration(all.shutdownGracePeriod)) throw new Error('--kubelet-arg: shutdownGracePeriodCriticalPods must not be longer than shutdownGracePeriod');
  if (all.shutdownGracePeriodByPodPriority.length > 0 && parseDuration(all.shutdownGracePeriod) > 0) throw new Error('--kubelet-arg: shutdownGracePeriodByPodPriority and shutdownGracePeriod exclude each other');
  return { ...all, evictionHard: merged };
}

export const DEFAULT_CONFIGURATION = Object.fromEntries((SETTINGS as readonly Setting[]).map(({ key, default: value }) => [key, value])) as unknown as KubeletConfiguration;

function find(name: string): Setting | undefined {
  return (SETTINGS as readonly Setting[]).find(({ key, flag }) => name === key || name === flag);
}

function fromFile(path: string, warn: (message: string) => void): Record<string, unknown> {
  const text = readFileIfThere(path);
  if (text === undefined) throw new Error(`--kubelet-arg: config=${path}: there is no such file`);
  const parsed = (parseYaml(text) ?? {}) as Record<string, unknown>;
  if (parsed['kind'] !== 'KubeletConfiguration') throw new Error(`--kubelet-arg: config=${path}: it is no KubeletConfiguration`);
  const { kind: _kind, apiVersion: _version, crashLoopBackOff, memorySwap, userNamespaces, ...rest } = parsed;
  const period = (crashLoopBackOff as { maxContainerRestartPeriod?: string } | undefined)?.maxContainerRestartPeriod;
  const swapBehavior = (memorySwap as { swapBehavior?: string } | undefined)?.swapBehavior;
  const idsPerPod = (userNamespaces as { idsPerPod?: unknown } | undefined)?.idsPerPod;
  const fields = { ...rest, ...(idsPerPod !== undefined && { idsPerPod }), ...(period !== undefined && { maxContainerRestartPeriod: period }), ...(swapBehavior !== undefined && { memorySwapBehavior: swapBehavior }) };
  return Object.fromEntries(Object.entries(fields).flatMap(([key, value]) => {
    const setting = (SETTINGS as readonly Setting[]).find((candidate) => candidate.key === key);
    if (FIXED.has(key)) checkFixed(key, value, path);
    else if (setting === undefined) warn(`${path}: ${key} has no effect here`);
    return setting === undefined ? [] : [[key, checked(setting, value, `${path}: ${key}`)]];
  }));
}

function checkFixed(name: string, value: unknown, where: string): void {
  if (value !== FIXED.get(name)) throw new Error(`${where}: ${name}=${String(value)} is not supported: only ${JSON.stringify(FIXED.get(name))} is`);
}

/** A flag's text as the field's value. */
function parse({ kind }: Setting, text: string): unknown {
  switch (kind) {
    case 'integer': return /^-?\d+$/.test(text) ? Number(text) : text;
    case 'boolean': return text === 'true' ? true : text === 'false' ? false : text;
    case 'list': return text.split(',').filter((part) => part !== '');
    case 'thresholds': return pairsOf(text, '<');
    case 'map': case 'quantities': case 'amounts': case 'durations': return pairsOf(text, '=');
    case 'headers': return headersOf(text);
    case 'string': case 'duration': case 'quantity': case 'groups': return text;
  }
}

function pairsOf(text: string, separator: string): Record<string, string> {
  return Object.fromEntries(text.split(',').filter((part) => part.trim() !== '').map((part) => {
    const at = part.indexOf(separator);
    return at < 0 ? [part.trim(), ''] : [part.slice(0, at).trim(), part.slice(at + 1).trim()];
  }));
}

/** `a:one,b:two,a:three` */
function headersOf(text: string): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (const part of text.split(',').filter((one) => one.includes(':'))) (headers[part.slice(0, part.indexOf(':')).trim()] ??= []).push(part.slice(part.indexOf(':') + 1).trim());
  return headers;
}

const SIGNALS = new Set(['memory.available', 'nodefs.available', 'nodefs.inodesFree', 'imagefs.available', 'imagefs.inodesFree', 'containerfs.available', 'containerfs.inodesFree', 'pid.available', 'allocatableMemory.available']);

function checked(setting: Setting, value: unknown, where: string): unknown {
  const wrong = problemOf(setting, value);
  if (wrong !== undefined) throw new Error(`${where}: ${wrong}`);
  return value;
}

function problemOf({ kind, check }: Setting, value: unknown): string | undefined {
  if (kind === 'integer') return Number.isInteger(value) ? check?.(value as number) : 'must be a whole number';
  if (kind === 'boolean') return typeof value === 'boolean' ? undefined : 'must be true or false';
  if (kind === 'groups') return groupsProblem(value);
  if (kind === 'list') return Array.isArray(value) ? undefined : 'must be a list';
  if (kind === 'string' || kind === 'duration' || kind === 'quantity') return typeof value !== 'string' ? 'must be a text' : kind === 'string' ? check?.(value) : amountProblem(kind, value);
  if (typeof value !== 'object' || value === null) return 'must be pairs of names and values';
  if (kind === 'headers' || kind === 'map') return undefined;
  for (const [name, amount] of Object.entries(value as Record<string, string>)) {
    if (kind !== 'quantities' && !SIGNALS.has(name)) return `unknown eviction signal ${JSON.stringify(name)}`;
    const share = (kind === 'thresholds' || kind === 'amounts') && /^\d+(\.\d+)?%$/.test(amount);
    const wrong = signalProblem({ kind, name, amount }) ?? (share ? undefined : amountProblem(kind === 'durations' ? 'duration' : 'quantity', amount));
    if (wrong !== undefined) return `${name}: ${wrong}`;
  }
  return undefined;
}

/** What eviction makes no sense with, in upstream's words; what cannot be read at all is told elsewhere. */
function signalProblem({ kind, name, amount }: { kind: SettingKind; name: string; amount: string }): string | undefined {
  if (kind === 'durations') return amount.startsWith('-') ? `invalid eviction grace period specified: ${amount}, must be a positive value` : undefined;
  if ((kind !== 'thresholds' && kind !== 'amounts') || !/^[+-]?[\d.]/.test(amount)) return undefined;
  const percentage = /^([+-]?\d+(?:\.\d+)?)%$/.exec(amount)?.[1];
  const [value, what] = [Number(percentage ?? amount.replace(/[^\d.+-].*$/, '')), kind === 'thresholds' ? 'threshold' : 'minimum reclaim'];
  if (percentage !== undefined && kind === 'thresholds') return value < 0 ? `eviction percentage threshold ${name} must be >= 0%: ${amount}` : value > 100 ? `eviction percentage threshold ${name} must be <= 100%: ${amount}` : undefined;
  if (percentage !== undefined) return value <= 0 ? `eviction percentage minimum reclaim ${name} must be positive: ${amount}` : undefined;
  if (kind === 'thresholds') return value <= 0 ? `eviction ${what} ${name} must be positive: ${amount}` : undefined;
  return value < 0 ? `negative eviction minimum reclaim specified for ${name}` : undefined;
}

/** Only a file can say them. */
function groupsProblem(value: unknown): string | undefined {
  const groups = Array.isArray(value) ? value as Partial<PriorityGrace>[] : undefined;
  return groups?.every(({ priority, shutdownGracePeriodSeconds: seconds }) => Number.isInteger(priority) && Number.isInteger(seconds) && (seconds ?? -1) >= 0) === true ? undefined : 'must be a list of priority and shutdownGracePeriodSeconds, whole numbers, in a file that config= names';
}

function amountProblem(kind: 'duration' | 'quantity', text: string): string | undefined {
  try {
    if (kind === 'duration') parseDuration(text);
    else parseQuantity(text);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** `10%` of it, or an amount of its own. */
export function amountOf(text: string, capacity: number): number {
  return text.endsWith('%') ? Math.floor((Number(text.slice(0, -1)) / 100) * capacity) : quantityValue(text);
}
