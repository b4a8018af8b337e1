// A runtime and the pods' cgroups, counted and timed as upstream names their operations. What the runtime answers from memory (lists, states) is no
// operation here. Of what lasts as long as a user stays (exec, attach, port_forward) only the number is told, not the time.
import type { PodCgroups } from '../cgroups/pod-cgroups.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { Counts } from './counts.ts';

export function measuredRuntime(runtime: Runtime, counts: Counts): Runtime {
  async function counted<T>(operation: string, work: () => Promise<T>): Promise<T> {
    counts.count('kubelet_runtime_operations_total', { operation_type: operation });
    try {
      return await work();
    } catch (error) {
      counts.count('kubelet_runtime_operations_errors_total', { operation_type: operation });
      throw error;
    }
  }
  const timed = <T>(operation: string, work: () => Promise<T>): Promise<T> => counts.time('kubelet_runtime_operations_duration_seconds', { operation_type: operation }, () => counted(operation, work));

  return Object.assign(Object.create(runtime) as Runtime, {
    runSandbox: (config) => timed('run_podsandbox', () => counts.time('kubelet_run_podsandbox_duration_seconds', { runtime_handler: config.runtimeHandler ?? '' }, () => runtime.runSandbox(config)).catch((error: unknown) => {
      counts.count('kubelet_run_podsandbox_errors_total', { runtime_handler: config.runtimeHandler ?? '' });
      throw error;
    })),
    stopSandbox: (id) => timed('stop_podsandbox', () => runtime.stopSandbox(id)),
    removeSandbox: (id) => timed('remove_podsandbox', () => runtime.removeSandbox(id)),
    createContainer: (sandboxId, config) => timed('create_container', () => runtime.createContainer(sandboxId, config)),
    startContainer: (id) => timed('start_container', () => runtime.startContainer(id)),
    stopContainer: (id, timeoutMs) => timed('stop_container', () => runtime.stopContainer(id, timeoutMs)),
    removeContainer: (id) => timed('remove_container', () => runtime.removeContainer(id)),
    updateResources: (id, resources) => timed('update_container', () => runtime.updateResources(id, resources)),
    reopenLog: (id) => timed('reopen_container_log', () => runtime.reopenLog(id)),
    // A user's lasts until its client goes and has no timeout; so has a hook, which is not told apart.
    exec: (id, options) => (options.timeoutMs !== undefined || options.signal === undefined ? timed('exec_sync', () => runtime.exec(id, options)) : counted('exec', () => runtime.exec(id, options))),
    attach: (id, options) => counted('attach', () => runtime.attach(id, options)),
    connect: (sandboxId, port) => counted('port_forward', () => runtime.connect(sandboxId, port)),
    stats: (containerId) => timed(containerId === undefined ? 'list_container_stats' : 'container_stats', () => runtime.stats(containerId)),
  } satisfies Partial<Runtime>);
}

export function measuredCgroups(cgroups: PodCgroups, counts: Counts): PodCgroups {
  const timed = (operation: string, work: () => Promise<void>): Promise<void> => counts.time('kubelet_cgroup_manager_duration_seconds', { operation_type: operation }, work);
  return Object.assign(Object.create(cgroups) as PodCgroups, {
    make: (pod) => timed('create', () => cgroups.make(pod)),
    widen: (before, after) => timed('update', () => cgroups.widen(before, after)),
    remove: (pod) => timed('destroy', () => cgroups.remove(pod)),
  } satisfies Partial<PodCgroups>);
}
