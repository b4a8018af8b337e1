// Where Skiff is on this machine: its data folder, what its ledgers say, the process that runs it, the services that start it. Found without asking: by
// the words given, by what runs or ran since the boot, by the kept settings, by the installed service, and else at the usual place.
import { join } from 'node:path';
import { readFileIfThere } from '../../internal/base/files.ts';
import { LEDGER_FILE, parseLedger, type Entry } from '../../internal/base/ledger.ts';
import { isRunning, listInstances, type Instance } from '../instance.ts';
import { CONFIG_DIR, DEFAULT_DATA_DIR, runDirOf } from '../places.ts';
import { readSettings, UsageError } from '../settings.ts';
import type { Settings } from '../flags.ts';
import { findServices, type Service } from './service.ts';

export interface Site {
  dataDir: string;
  runDir: string;
  kubeletDir: string;
  logsDir: string;
  /** Of both lasting ledgers: the data folder's, and install.sh's. */
  kept: Entry[];
  /** Of this boot. */
  volatile: Entry[];
  /** That was started last; running or not. */
  instance: Instance | undefined;
  services: Service[];
  /** That the services keep, which nobody else takes away. */
  pidFiles: string[];
  ociRuntime: string;
  /** Empty: the built-in runtime. */
  criEndpoint: string;
  /** Of the configuration files alone; undefined when they cannot be read. */
  settings: Settings | undefined;
}

export interface Given {
  dataDir?: string;
  config?: string;
}

export function findSite(given: Given, env: Readonly<Record<string, string | undefined>>): Site {
  const installed = ledgerAt(DEFAULT_DATA_DIR);
  const services = findServices(installed);
  const settings = keptSettings(given.config ?? env['SKIFF_CONFIG_FILE'] ?? installedWith('SKIFF_CONFIG_FILE'));
  const named = given.dataDir ?? env['SKIFF_DATA_DIR'];
  const instances = listInstances().filter(({ dataDir }) => named === undefined || dataDir === named);
  const running = instances.filter(isRunning);
  if (running.length > 1) throw new UsageError(`several run here: say which with --data-dir, one of ${running.map(({ dataDir }) => dataDir).join(', ')}`);
  const instance = running[0] ?? (instances.length === 1 ? instances[0] : undefined);
  const dataDir = named ?? instance?.dataDir ?? dataDirOfServices(services) ?? settings?.['data-dir'] ?? DEFAULT_DATA_DIR;
  const runDir = runDirOf(dataDir);
  return {
    dataDir, runDir, services, pidFiles: [...services.map(({ name }) => name.replace(/\.service$/, '')), installedWith('INSTALL_SKIFF_SERVICE') ?? 'skiff'].map((name) => `/run/${name}.pid`), instance: instance ?? instances.find((one) => one.dataDir === dataDir),
    kubeletDir: '/var/lib/kubelet', logsDir: '/var/log/pods',
    kept: dataDir === DEFAULT_DATA_DIR ? installed : [...installed, ...ledgerAt(dataDir)],
    volatile: parseLedger(readFileIfThere(join(runDir, 'ledger')) ?? ''),
    settings,
    criEndpoint: instance === undefined ? settings?.['container-runtime-endpoint'] ?? '' : instance.criEndpoint ?? '',
    ociRuntime: instance?.ociRuntime ?? settings?.['oci-runtime'] ?? 'runc',
  };
}

/** What install.sh gives the service as environment. */
function installedWith(name: string): string | undefined {
  return new RegExp(`^${name}='?([^'\\n]+)`, 'm').exec(readFileIfThere(join(CONFIG_DIR, 'install.env')) ?? '')?.[1];
}

function ledgerAt(dataDir: string): Entry[] {
  return parseLedger(readFileIfThere(join(dataDir, LEDGER_FILE)) ?? '');
}

/** A configuration that cannot be read is no reason not to stop. */
function keptSettings(config: string | undefined): Settings | undefined {
  for (const verb of ['server', 'agent'] as const) {
    try {
      return readSettings(verb, config === undefined ? [] : ['--config', config], {});
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
    }
  }
  return undefined;
}

/** Out of the words that the service starts Skiff with, and the environment beside its file. */
function dataDirOfServices(services: readonly Service[]): string | undefined {
  for (const { file } of services) {
    const text = [file, `${file}.env`].map((path) => readFileIfThere(path) ?? '').join('\n');
    const found = /--data-dir[= ]["']?([^\s"']+)/.exec(text)?.[1] ?? /SKIFF_DATA_DIR=["']?([^\s"']+)/.exec(text)?.[1];
    if (found !== undefined) return found;
  }
  return undefined;
}
