// What `skiff server` and `skiff agent` begin alike: settings → preflight → programs → service manager; then the one or the other starts, and lives
// until it is told to end.
import { systemClock } from '../internal/base/clock.ts';
import { openLedger, type Ledger } from '../internal/base/ledger.ts';
import { createLog, type Log } from '../internal/base/log.ts';
import type { Settings } from './flags.ts';
import { runDirOf } from './places.ts';
import { checkBeforeStart } from './preflight.ts';
import { useCarriedPrograms } from './programs/carried.ts';
import { openServiceManager, type ServiceManager } from './service-manager.ts';
import { readSettings } from './settings.ts';
import { shutdownGraceOf } from './shutdown.ts';
import { runUntilTerminated, type Serving } from './termination.ts';

export interface Start {
  /** Aborts when the process is to end. */
  stopping: AbortSignal;
  ledger: Ledger;
  manager: ServiceManager;
  log: Log;
}

export async function runStart(verb: 'server' | 'agent', argv: readonly string[], start: (settings: Settings, context: Start) => Promise<Serving>): Promise<number> {
  const settings = readSettings(verb, argv, process.env);
  const { 'data-dir': dataDir, 'log-level': level, 'log-format': format } = settings;
  const log = createLog({ level: level as 'info', format: format as 'text', clock: systemClock, write: (line) => void process.stderr.write(line) });
  const ledger = openLedger(dataDir, runDirOf(dataDir)); // looks what was there before anything is made
  const node = verb === 'agent' || !settings['disable-agent'];
  await checkBeforeStart({ verb, settings, node });
  if (node) await useCarriedPrograms(dataDir, ledger);
  const manager = await openServiceManager(process.env, systemClock);
  return runUntilTerminated((stopping) => start(settings, { stopping, ledger, manager, log }), { dataDir, manager, log, grace: shutdownGraceOf(settings['kubelet-arg']) });
}
