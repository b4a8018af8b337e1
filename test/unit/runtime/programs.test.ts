// What the node says when it cannot make containers, and where the watchers of containers stand.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { CgroupRoot } from '../../../agents/cgroup-root.ts';
import { openCgroups, WATCHERS } from '../../../agents/runtime/runc/cgroups.ts';
import { createPrograms } from '../../../agents/runtime/runc/programs.ts';

t.test('a program that is missing, broken, and there again', async (t) => {
  const path = join(t.testdir({}), 'runc');
  const write = (text: string): void => {
    rmSync(path, { force: true });
    writeFileSync(path, text);
    chmodSync(path, 0o755);
  };
  const programs = createPrograms([path, 'conmon']);
  t.equal(programs.problem(), `container runtime is down: ${path} is missing`);
  write('#!/bin/sh\necho "no such library" >&2\nexit 127\n');
  programs.problem();
  await programs.tried();
  t.equal(programs.problem(), `container runtime is down: ${path} cannot be run: no such library`);
  write('not a program');
  programs.problem();
  await programs.tried();
  t.match(programs.problem(), /cannot be run: spawn .* ENOEXEC$/);
  write('#!/bin/sh\nexit 0\n');
  programs.problem();
  await programs.tried();
  t.equal(programs.problem(), '');
});

t.test('the watcher of a container is moved out of the unit, in every hierarchy, and a pod\'s cgroup goes whole', async (t) => {
  const own = `skiff-programs-${String(process.pid)}`;
  const { version } = openCgroups();
  const controllers = version === 2 ? [''] : readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n').map((line) => line.split(':')[1] ?? '').filter((name) => name !== '' && existsSync(join('/sys/fs/cgroup', name.replace('name=', ''))));
  const directory = (controller: string): string => join('/sys/fs/cgroup', version === 2 ? '' : controller.replace('name=', ''), own);
  const root: CgroupRoot = { version, controllers, unit: 'skiff.service', directory, pathForRunc: (path) => path };
  for (const controller of controllers) {
    mkdirSync(join(directory(controller), 'kubepods'), { recursive: true });
    for (const folder of ['', 'kubepods']) for (const file of ['cpuset.cpus', 'cpuset.mems']) if (controller === 'cpuset') writeFileSync(join(directory(controller), folder, file), readFileSync(join(directory(controller), folder, '..', file), 'utf8'));
  }
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  t.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
    for (const controller of controllers) for (const path of [WATCHERS, '/kubepods', '']) rmdirSync(join(directory(controller), path));
  });
  const cgroups = openCgroups(root);
  cgroups.setApart(child.pid ?? 0);
  for (const line of readFileSync(`/proc/${String(child.pid)}/cgroup`, 'utf8').trim().split('\n')) {
    const [, controller = '', path = ''] = line.split(':');
    if (controllers.includes(controller)) t.ok(path.endsWith(`${own}${WATCHERS}`), line);
  }
  for (const controller of controllers) mkdirSync(join(directory(controller), 'kubepods/pod1/c1'), { recursive: true });
  t.same(cgroups.children('/kubepods/pod1'), ['c1']);
  cgroups.remove('/kubepods/pod1');
  for (const controller of controllers) t.same(readdirSync(join(directory(controller), 'kubepods'), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name), ['conmon'], controller);
});
