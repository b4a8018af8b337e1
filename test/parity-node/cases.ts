// The table of cases: a section is a file, and a namespace of its own.
import type { NodeCase } from './case.ts';
import { DELETION } from './cases/deletion.ts';
import { ENVIRONMENT } from './cases/environment.ts';
import { FAILURES } from './cases/failures.ts';
import { INIT } from './cases/init.ts';
import { NAMES } from './cases/names.ts';
import { HOOKS } from './cases/hooks.ts';
import { PROBES } from './cases/probes.ts';
import { RESTARTS } from './cases/restarts.ts';
import { RESOURCES } from './cases/resources.ts';
import { STATIC } from './cases/static.ts';
import { SECURITY } from './cases/security.ts';
import { VOLUMES } from './cases/volumes.ts';

export const SECTIONS: Readonly<Record<string, readonly NodeCase[]>> = {
  restarts: RESTARTS,
  init: INIT,
  hooks: HOOKS,
  probes: PROBES,
  failures: FAILURES,
  deletion: DELETION,
  environment: ENVIRONMENT,
  volumes: VOLUMES,
  names: NAMES,
  security: SECURITY,
  resources: RESOURCES,
  static: STATIC,
};

/** What is on the node before the first case. */
export const IMAGES: readonly string[] = ['busybox:1', 'web:1', 'nonroot:1', 'whiteout:1'];
export const WARM = 'warm';
