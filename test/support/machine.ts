// Virtual machines for tests: the scripts of a rig (VMRIG: up, sh, put, cut, start, reboot, stop, down) as functions. A machine is fresh, of its
// own name, and goes with the test.
import { execFile, type ExecFileException } from 'node:child_process';
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { until } from './until.ts';

const RIG = resolve(process.env['VMRIG'] ?? '../shared/tools/vmrig');

export interface MachineOptions {
  memoryMb?: number;
  arch?: 'amd64' | 'arm64';
  /** Words for the kernel's command line. */
  append?: string;
}

export interface Outcome {
  code: number;
  /** What it printed, in order of the two streams. */
  output: string;
}

export interface Machine {
  readonly name: string;
  readonly address: string;
  /** A shell line; what it printed. A non-zero exit throws with it. */
  sh(line: string, timeoutSeconds?: number): Promise<string>;
  try(line: string, timeoutSeconds?: number): Promise<Outcome>;
  put(from: string, to: string): Promise<void>;
  write(to: string, text: string | Buffer): Promise<void>;
  reboot(): Promise<void>;
  /** Pulls the plug, and switches on again. */
  powerCut(): Promise<void>;
  /** Boots again with another command line for the kernel. */
  restartWith(append: string): Promise<void>;
  down(): Promise<void>;
}

export async function startMachine(name: string, { memoryMb = 512, arch = 'amd64', append }: MachineOptions = {}): Promise<Machine> {
  await rig('base', ['--arch', arch], 1200);
  const said = await rig('up', [name, '--mem', String(memoryMb), '--cpus', '1', '--arch', arch, ...(append === undefined ? [] : ['--append', append])], 900);
  const address = /\bip=([\d.]+)/.exec(said)?.[1];
  if (address === undefined) throw new Error(`the rig gave no address of ${name}: ${said}`);
  return machineAt(name, address);
}

/** One that somebody else has started. */
export async function standingMachine(name: string): Promise<Machine> {
  const { output } = await run('sh', [name, '--', 'ip -4 -o address show eth0'], 60);
  const address = /inet ([\d.]+)/.exec(output)?.[1];
  if (address === undefined) throw new Error(`no machine ${name} is up: ${output}`);
  return machineAt(name, address);
}

function machineAt(name: string, address: string): Machine {
  const machine: Machine = {
    name, address,
    async sh(line, timeoutSeconds) {
      const { code, output } = await machine.try(line, timeoutSeconds);
      if (code !== 0) throw new Error(`${name}: ${line}: exit ${String(code)}\n${output}`);
      return output;
    },
    try: (line, timeoutSeconds = 300) => run('sh', [name, '--', line], timeoutSeconds),
    put: async (from, to) => void (await rig('put', [name, from, to], 300)),
    async write(to, text) {
      const folder = mkdtempSync(join(tmpdir(), `skiff-machine-${String(process.pid)}-`));
      try {
        writeFileSync(join(folder, 'file'), text);
        await rig('put', [name, join(folder, 'file'), to], 300);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    reboot: async () => void (await rig('reboot', [name], 900)),
    async powerCut() {
      await rig('cut', [name], 60);
      await startAgain(name);
    },
    async restartWith(words) {
      await rig('stop', [name], 300);
      await rig('start', [name, '--append', words], 900);
    },
    down: async () => void (await rig('down', [name], 120)),
  };
  return machine;
}

/** The emulator that was killed may hold the disk a moment longer. */
async function startAgain(name: string): Promise<void> {
  await until(async () => {
    const { code, output } = await run('start', [name], 900);
    if (code !== 0 && !output.includes('lock')) throw new Error(`start ${name}: exit ${String(code)}\n${output}`);
    return code === 0;
  }, `the disk of ${name}`);
}

/** A command of this host in the machines' network; what it printed. A non-zero exit throws. */
export function beside(command: readonly string[], timeoutSeconds = 300): Promise<string> {
  return rig('host', ['--', ...command], timeoutSeconds);
}

async function rig(script: string, args: readonly string[], timeoutSeconds: number): Promise<string> {
  const { code, output } = await run(script, args, timeoutSeconds);
  if (code !== 0) throw new Error(`${script} ${args.join(' ')}: exit ${String(code)}\n${output}`);
  return output;
}

function run(script: string, args: readonly string[], timeoutSeconds: number): Promise<Outcome> {
  return new Promise((done) => {
    const child = execFile(join(RIG, script), args, { timeout: timeoutSeconds * 1000, maxBuffer: 64 << 20 }, (error: ExecFileException | null, stdout, stderr) => {
      done({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 255, output: `${stdout}${stderr}${error !== null && error.code === undefined ? `\n(${error.message})` : ''}`.trim() });
    });
    child.stdin?.end();
  });
}
