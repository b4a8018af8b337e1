// --audit-policy-file and --audit-log-*: the audit log, where both a policy and a place for it are given; its code is loaded only then.
import { readFileSync } from 'node:fs';
import type { Clock } from '../internal/base/clock.ts';
import type { Component } from '../internal/base/component.ts';
import type { Log } from '../internal/base/log.ts';
import type { Random } from '../internal/base/random.ts';
import type { Audit } from '../internal/http/audit/trail.ts';
import type { Settings } from './flags.ts';

const DAY_MS = 86_400_000;
const MEGABYTE = 1024 * 1024;

export async function configuredAudit(settings: Settings, { clock, random, log }: { clock: Clock; random: Random; log: Log }): Promise<{ audit: Audit; component: Component } | undefined> {
  const [file, path] = [settings['audit-policy-file'], settings['audit-log-path']];
  if (file === undefined && path === undefined) return undefined;
  if (file === undefined) throw new Error('--audit-policy-file: needed with --audit-log-path');
  if (path === undefined) throw new Error('--audit-log-path: needed with --audit-policy-file');
  const [{ createAudit }, { parseAuditPolicy }, { createAuditLog }] = await Promise.all([import('../internal/http/audit/trail.ts'), import('../internal/http/audit/policy.ts'), import('../internal/http/audit/log-file.ts')]);
  const policy = parseAuditPolicy(readFileSync(file, 'utf8'), `--audit-policy-file ${file}`);
  if (path === '-') {
    const write = (event: object): void => void process.stdout.write(`${JSON.stringify(event)}\n`);
    return { audit: createAudit({ policy, clock, random, write }), component: { name: 'audit log', start: () => Promise.resolve(), stop: () => Promise.resolve() } };
  }
  const component = createAuditLog({
    path, clock, log,
    sizeMaxBytes: settings['audit-log-maxsize'] * MEGABYTE, backupsMax: settings['audit-log-maxbackup'], ageMaxMs: settings['audit-log-maxage'] * DAY_MS,
  });
  return { audit: createAudit({ policy, clock, random, write: (event) => component.write(event) }), component };
}
