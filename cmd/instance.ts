// What a running server or agent tells the other verbs of itself: a file on tmpfs, written when it starts. It stays when the process ends, however
// that happens: whether it runs is asked of the kernel, by pid and start time, so that no stranger is taken for it.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Component } from '../internal/base/component.ts';
import { foldersIn, readFileIfThere, writeFileAtomically } from '../internal/base/files.ts';
import { isAlive, processOf } from '../agents/runtime/runc/process.ts';
import type { Settings } from './flags.ts';
import { RUN_ROOT, runDirOf } from './places.ts';
import { SKIFF_VERSION_TEXT } from './version.ts';

export interface Instance {
  verb: 'server' | 'agent';
  pid: number;
  /** Field 22 of /proc/<pid>/stat. */
  startTime: string;
  /** Epoch ms. */
  startedAt: number;
  version: string;
  dataDir: string;
  /** Absent: a control plane without a node. */
  nodeName?: string;
  /** Of the API server, as this machine reaches it. */
  url: string;
  ociRuntime: string;
  /** Absent: the built-in runtime. */
  criEndpoint?: string;
  /** The join token was given by a setting, and is not only in its file. */
  tokenGiven: boolean;
}

const FILE = 'instance.json';

/** The first component of a process: others must see it as long as anything of it runs. */
export function tellOfInstance(verb: Instance['verb'], settings: Settings, told: Pick<Instance, 'url' | 'nodeName' | 'tokenGiven' | 'startedAt'>): Component {
  const criEndpoint = settings['container-runtime-endpoint'];
  const dataDir = settings['data-dir'];
  return {
    name: 'instance',
    start() {
      const { startTime = '' } = processOf(process.pid) ?? {};
      const instance: Instance = { ...told, verb, dataDir, ociRuntime: settings['oci-runtime'], ...(criEndpoint !== '' && { criEndpoint }), pid: process.pid, startTime, version: SKIFF_VERSION_TEXT };
      const directory = runDirOf(dataDir);
      mkdirSync(directory, { recursive: true, mode: 0o711 });
      writeFileAtomically(join(directory, FILE), `${JSON.stringify(instance)}\n`, { sync: false });
      return Promise.resolve();
    },
    stop: () => Promise.resolve(),
  };
}

/** All that were started since the machine was, running or not. */
export function listInstances(): Instance[] {
  return foldersIn(RUN_ROOT).flatMap((name) => {
    const text = readFileIfThere(join(RUN_ROOT, name, FILE));
    try {
      return text === undefined ? [] : [JSON.parse(text) as Instance];
    } catch {
      return []; // not one of ours
    }
  });
}

export function isRunning({ pid, startTime }: Pick<Instance, 'pid' | 'startTime'>): boolean {
  return isAlive({ pid, startTime });
}
