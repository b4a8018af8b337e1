// The test driver (csi-driver.ts) on a test host: started, stopped, and asked what it was told.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host, Lab } from './lab.ts';

export interface DriverCall {
  method: string;
  volumeId?: string;
  targetPath?: string;
  [field: string]: unknown;
}

export interface DriverOnHost {
  /** Its volumes are in `volumes` below. */
  folder: string;
  start(): void;
  stop(): Promise<void>;
  calls(method: string, volumeId?: string): DriverCall[];
  /** Calls of the method fail so from now on; '' ends it. */
  fail(text: string): void;
  /** Lets go of what outlives the host: loop devices are the machine's. */
  remove(): void;
}

/** Stages, tells how full volumes are, grows them, tells one writer from several. */
const CAPABILITIES = '1,2,3,5';

export function driverOn(host: Host, { lab, name, nodeId }: { lab: Lab; name: string; nodeId: string }): DriverOnHost {
  const folder = join(lab.directory, `driver-${host.name}`);
  const callsFile = join(folder, 'calls.jsonl');
  let driver: ChildProcess | undefined;
  return {
    folder,
    start() {
      host.run('mkdir', '-p', folder);
      const log = openSync(join(lab.directory, `driver-${host.name}.log`), 'a');
      const [enter, ...rest] = [...host.enter, process.execPath, join(import.meta.dirname, 'csi-driver.ts'), name, nodeId, folder, '/var/lib/kubelet', CAPABILITIES];
      driver = spawn(enter, rest, { stdio: ['ignore', log, log] });
    },
    async stop() {
      const ended = once(driver as ChildProcess, 'exit');
      host.run('pkill', '-f', 'support/csi-driver.ts');
      await ended;
    },
    calls: (method, volumeId) => (existsSync(callsFile) ? readFileSync(callsFile, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as DriverCall) : []).filter((call) => call.method === method && (volumeId === undefined || call.volumeId === volumeId)),
    remove() {
      for (const line of execFileSync('losetup', ['-l', '-n', '-O', 'NAME,BACK-FILE'], { encoding: 'utf8' }).split('\n').filter((each) => each.includes(`${folder}/`))) execFileSync('losetup', ['-d', line.split(' ')[0] ?? '']);
    },
    fail: (text) => writeFileSync(join(folder, 'fail'), text),
  };
}
