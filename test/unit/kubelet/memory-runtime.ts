// A runtime whose containers are entries in a map, so that minutes of back-off pass in no time on a fake clock. What it is told, it does at
// once; containers end when a test says so. Real containers are in test/e2e.
import { EventEmitter } from 'node:events';
import type { Image, ImageStore } from '../../../agents/images/image-store.ts';
import { ImageError } from '../../../agents/images/image-store.ts';
import type { ContainerStatus, Runtime, RuntimeEvent, SandboxStatus } from '../../../agents/runtime/runtime.ts';
import type { Clock } from '../../../internal/base/clock.ts';

export interface MemoryRuntime extends Runtime {
  calls: string[];
  /** Ends the running container of that name. */
  exit(name: string, exitCode: number): void;
  running(): string[];
  /** Containers that do not end on a stop signal. */
  stubborn: Set<string>;
  execs: Map<string, number>;
}

export function createMemoryRuntime(clock: Clock): MemoryRuntime {
  const sandboxes = new Map<string, SandboxStatus>();
  const containers = new Map<string, ContainerStatus>();
  const events = new EventEmitter();
  let next = 0;
  const emit = (event: RuntimeEvent): void => void events.emit('event', event);
  const end = (container: ContainerStatus, exitCode: number): void => {
    if (container.state !== 'running') return;
    Object.assign(container, { state: 'exited', exitCode, finishedAt: clock.now(), reason: exitCode === 0 ? 'Completed' : 'Error' });
    emit({ type: 'exited', sandboxId: container.sandboxId, containerId: container.id, exitCode });
  };
  const runtime: MemoryRuntime = {
    info: { name: 'runc', version: '0' }, calls: [], stubborn: new Set(), execs: new Map(),
    handlers: () => ['', 'runc'].map((name) => ({ name, recursiveReadOnlyMounts: true, userNamespaces: true })),
    start: () => Promise.resolve(), stop: () => Promise.resolve(),
    subscribe(listener) {
      events.on('event', listener);
      return () => events.off('event', listener);
    },
    runSandbox(config) {
      const id = `sandbox${String(++next)}`;
      const status: SandboxStatus = { id, config, state: 'ready', ips: [`10.42.0.${String(next + 1)}`], createdAt: clock.now() };
      sandboxes.set(id, status);
      runtime.calls.push(`run-sandbox ${config.name}/${String(config.attempt)}`);
      return Promise.resolve(status);
    },
    stopSandbox(id) {
      const sandbox = sandboxes.get(id);
      if (sandbox?.state === 'ready') {
        runtime.calls.push(`stop-sandbox ${sandbox.config.name}`);
        sandbox.state = 'notready';
        for (const container of containers.values()) if (container.sandboxId === id) end(container, 137);
      }
      return Promise.resolve();
    },
    removeSandbox(id) {
      sandboxes.delete(id);
      for (const [key, { sandboxId }] of containers) if (sandboxId === id) containers.delete(key);
      return Promise.resolve();
    },
    listSandboxes: () => [...sandboxes.values()],
    createContainer(sandboxId, config) {
      const id = `container${String(++next)}`;
      containers.set(id, { id, runtime: 'memory', sandboxId, config, state: 'created', createdAt: clock.now() + next / 1000, startedAt: 0, finishedAt: 0 });
      return Promise.resolve(id);
    },
    startContainer(id) {
      const container = containers.get(id);
      if (container === undefined) return Promise.reject(new Error('gone'));
      Object.assign(container, { state: 'running', startedAt: clock.now(), pid: 1 });
      runtime.calls.push(`start ${container.config.name}/${String(container.config.attempt)}`);
      emit({ type: 'started', sandboxId: container.sandboxId, containerId: id });
      return Promise.resolve();
    },
    stopContainer(id, timeoutMs) {
      const container = containers.get(id);
      if (container === undefined || container.state !== 'running') return Promise.resolve();
      runtime.calls.push(`stop ${container.config.name} ${String(timeoutMs)}`);
      if (!runtime.stubborn.has(container.config.name)) end(container, 143);
      else return new Promise((resolve) => void clock.setTimer(timeoutMs, () => { end(container, 137); resolve(); }));
      return Promise.resolve();
    },
    removeContainer(id) {
      containers.delete(id);
      return Promise.resolve();
    },
    listContainers: (sandboxId) => [...containers.values()].filter((container) => sandboxId === undefined || container.sandboxId === sandboxId),
    status: (id) => containers.get(id),
    updateResources(id, resources) {
      runtime.calls.push(`update ${containers.get(id)?.config.name ?? ''} ${JSON.stringify(resources)}`);
      return Promise.resolve();
    },
    reopenLog: () => Promise.resolve(),
    exec: (id, { command }) => Promise.resolve(runtime.execs.get(command.join(' ')) ?? runtime.execs.get(id) ?? 0),
    attach: () => Promise.resolve(), connect: () => Promise.reject(new Error('no network')), stats: (id) => Promise.resolve([...containers.values()].filter((container) => container.state === 'running' && (id === undefined || container.id === id)).map((container) => ({
      id: container.id, timestamp: clock.now(), cpuUsageNanos: 5e9, memoryUsageBytes: 2000, memoryWorkingSetBytes: 1000, memoryRssBytes: 500, pageFaults: 1, majorPageFaults: 0, rootfsUsedBytes: 0, rootfsInodes: 0, processes: 1,
    }))),
    exit(name, exitCode) {
      const container = [...containers.values()].find(({ config, state }) => config.name === name && state === 'running');
      if (container === undefined) throw new Error(`${name} does not run`);
      end(container, exitCode);
    },
    running: () => [...containers.values()].filter(({ state }) => state === 'running').map(({ config }) => config.name),
  };
  return runtime;
}

export function createMemoryImages(): ImageStore & { present: Set<string>; pulls: string[] } {
  const present = new Set<string>();
  const pulls: string[] = [];
  const image = (name: string): Image => ({ id: `sha256:${name}`, tags: [name], digests: [`${name}@sha256:1`], sizeBytes: 1, pinned: false, config: { entrypoint: ['/x'], cmd: [], env: [], workingDir: '/', user: '', volumes: [], labels: {} } });
  return {
    present, pulls, start: () => Promise.resolve(), stop: () => Promise.resolve(), find: (name) => (present.has(name) ? image(name) : undefined), list: () => [...present].map(image),
    pull(name) {
      pulls.push(name);
      if (name === 'missing') return Promise.reject(new ImageError('ErrImagePull', 'not found'));
      present.add(name);
      return Promise.resolve(image(name));
    },
    layers: () => [], release() {}, remove: () => Promise.resolve(),
  };
}
