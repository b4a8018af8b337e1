// CredentialProviderConfig (kubelet.config.k8s.io/v1): which programs of the node know credentials of which images. A file, or a folder whose
// .json, .yaml and .yml files are put together in the order of their names. Every fault is told at once, in upstream's words
// (pkg/credentialprovider/plugin); the start is refused then. Pod identities are there (KEP-4412); v1alpha1 of anything is not.
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseDuration } from '../../../internal/api/duration.ts';
import { parseYaml } from '../../../internal/api/yaml.ts';
import { messageOf } from '../../../internal/base/errors.ts';

const REQUEST_VERSION = 'credentialprovider.kubelet.k8s.io/v1';
const VERSIONS: readonly string[] = [REQUEST_VERSION, 'credentialprovider.kubelet.k8s.io/v1beta1'];
const CONFIG_VERSIONS: readonly string[] = ['kubelet.config.k8s.io/v1', 'kubelet.config.k8s.io/v1beta1'];
const CACHE_TYPES: readonly string[] = ['ServiceAccount', 'Token'];

export interface TokenAttributes {
  serviceAccountTokenAudience: string;
  cacheType: 'ServiceAccount' | 'Token';
  requireServiceAccount: boolean;
  requiredServiceAccountAnnotationKeys?: string[];
  optionalServiceAccountAnnotationKeys?: string[];
}

export interface PluginConfig {
  name: string;
  apiVersion: string;
  matchImages: string[];
  /** As Go writes durations. */
  defaultCacheDuration: string;
  args?: string[];
  env?: { name: string; value: string }[];
  tokenAttributes?: TokenAttributes;
}

export function readPluginConfig(path: string, binDir: string): PluginConfig[] {
  if (statSync(binDir, { throwIfNoEntry: false })?.isDirectory() !== true) throw new Error(`image-credential-provider-bin-dir: plugin binary directory ${binDir} did not exist`);
  const plugins = filesAt(path).flatMap((file) => pluginsIn(file));
  const faults = plugins.length === 0 ? ['providers: Required value: at least 1 item in plugins is required'] : plugins.flatMap((plugin, index) => faultsOf(plugin, plugins.slice(0, index)));
  if (faults.length > 0) throw new Error(`image-credential-provider-config: ${path}: ${faults.join('; ')}`);
  const missing = plugins.find(({ name }) => ((statSync(join(binDir, name), { throwIfNoEntry: false })?.mode ?? 0) & 0o111) === 0);
  if (missing !== undefined) throw new Error(`image-credential-provider-config: plugin binary executable ${join(binDir, missing.name)} did not exist`);
  return plugins;
}

function filesAt(path: string): string[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new Error(`image-credential-provider-config: unable to access path ${JSON.stringify(path)}: no such file or directory`);
  if (!found.isDirectory()) return [path];
  const files = readdirSync(path, { withFileTypes: true }).filter((entry) => !entry.isDirectory() && /\.(json|ya?ml)$/.test(entry.name)).map(({ name }) => join(path, name)).sort();
  if (files.length === 0) throw new Error(`image-credential-provider-config: no configuration files found in directory ${JSON.stringify(path)}`);
  return files;
}

function pluginsIn(file: string): PluginConfig[] {
  const problem = (what: string): Error => new Error(`image-credential-provider-config: error decoding config ${JSON.stringify(file)}: ${what}`);
  let config: { kind?: string; apiVersion?: string; providers?: PluginConfig[] } | null;
  try {
    config = parseYaml(readFileSync(file, 'utf8')) as typeof config;
  } catch (error) {
    throw problem(messageOf(error));
  }
  if (config?.kind !== 'CredentialProviderConfig') throw problem(`failed to decode ${JSON.stringify(config?.kind ?? '')} (wrong Kind)`);
  if (!CONFIG_VERSIONS.includes(config.apiVersion ?? '')) throw problem(`no kind "CredentialProviderConfig" is registered for version ${JSON.stringify(config.apiVersion ?? '')}`);
  return config.providers ?? [];
}

function faultsOf({ name = '', apiVersion = '', matchImages = [], defaultCacheDuration, tokenAttributes }: Partial<PluginConfig>, before: readonly PluginConfig[]): string[] {
  const faults: string[] = [];
  const quoted = JSON.stringify(name);
  if (name.includes('/')) faults.push(`providers.name: Invalid value: ${quoted}: provider name cannot contain '/'`);
  if (name.includes(' ')) faults.push(`providers.name: Invalid value: ${quoted}: provider name cannot contain spaces`);
  if (['', '.', '..'].includes(name)) faults.push(`providers.name: Invalid value: ${quoted}: provider name cannot be '${name}'`);
  if (before.some((other) => other.name === name)) faults.push(`providers.name: Duplicate value: ${quoted}`);
  if (apiVersion === '') faults.push('providers.apiVersion: Required value');
  else if (!VERSIONS.includes(apiVersion)) faults.push(`providers.apiVersion: Unsupported value: ${JSON.stringify(apiVersion)}: supported values: ${VERSIONS.map((version) => JSON.stringify(version)).join(', ')}`);
  if (matchImages.length === 0) faults.push('providers.matchImages: Required value: at least 1 item in matchImages is required');
  if (defaultCacheDuration === undefined) faults.push('providers.defaultCacheDuration: Required value');
  else faults.push(...durationFaults(defaultCacheDuration));
  return tokenAttributes === undefined ? faults : [...faults, ...tokenFaults(tokenAttributes, apiVersion)];
}

function durationFaults(text: string): string[] {
  try {
    return parseDuration(text) < 0 ? [`providers.defaultCacheDuration: Invalid value: ${JSON.stringify(text)}: must be greater than or equal to 0`] : [];
  } catch (error) {
    return [`providers.defaultCacheDuration: Invalid value: ${JSON.stringify(text)}: ${messageOf(error)}`];
  }
}

function tokenFaults({ serviceAccountTokenAudience = '', requireServiceAccount, cacheType, requiredServiceAccountAnnotationKeys: required = [], optionalServiceAccountAnnotationKeys: optional = [] }: Partial<TokenAttributes>, apiVersion: string): string[] {
  const path = 'providers.tokenAttributes';
  const faults: string[] = [];
  if (serviceAccountTokenAudience === '') faults.push(`${path}.serviceAccountTokenAudience: Required value`);
  if (requireServiceAccount === undefined) faults.push(`${path}.requireServiceAccount: Required value`);
  if (apiVersion !== REQUEST_VERSION) faults.push(`${path}: Forbidden: tokenAttributes is only supported for ${REQUEST_VERSION} API version`);
  if (requireServiceAccount === false && required.length > 0) faults.push(`${path}.requiredServiceAccountAnnotationKeys: Forbidden: requireServiceAccount cannot be false when requiredServiceAccountAnnotationKeys is set`);
  const both = required.filter((key) => optional.includes(key));
  if (both.length > 0) faults.push(`${path}: Invalid value: ${JSON.stringify(both)}: annotation keys cannot be both required and optional`);
  if (cacheType === undefined) faults.push(`${path}.cacheType: Required value: cacheType is required to be set when tokenAttributes is specified. Supported values are: ${CACHE_TYPES.join(', ')}`);
  else if (!CACHE_TYPES.includes(cacheType)) faults.push(`${path}.cacheType: Unsupported value: ${JSON.stringify(cacheType)}: supported values: ${CACHE_TYPES.map((type) => JSON.stringify(type)).join(', ')}`);
  return faults;
}
