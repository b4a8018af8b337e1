// One run of a probe: exec, HTTP, TCP or gRPC. Outputs read as upstream's, as Events show them.
import { connect } from 'node:net';
import type { Clock } from '../../../internal/base/clock.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import type { Container, Probe } from '../../../internal/kinds/generated/api-types.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { runInContainer } from './exec.ts';
import { checkGrpcHealth } from './grpc-health.ts';
import { getOverHttp, goWords, httpTarget, portOf } from './http-get.ts';

export interface ProbeTarget {
  probe: Probe;
  container: Container;
  id: string;
  podIp: string;
}
export interface ProbeResult {
  /** `unknown`: the probe itself could not be run, which counts as neither. */
  outcome: 'success' | 'warning' | 'failure' | 'unknown';
  output: string;
}

export async function runProbe(target: ProbeTarget, node: { runtime: Runtime; clock: Clock }): Promise<ProbeResult> {
  try {
    return await run(target, node);
  } catch (error) {
    return { outcome: 'unknown', output: messageOf(error) };
  }
}

async function run({ probe, container, id, podIp }: ProbeTarget, { runtime, clock }: { runtime: Runtime; clock: Clock }): Promise<ProbeResult> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  if (probe.exec !== undefined) return runExec(runtime, id, probe.exec.command ?? [], timeoutMs);
  if (probe.httpGet !== undefined) return runHttp(httpTarget(probe.httpGet, container, podIp), { timeoutMs, clock });
  if (probe.tcpSocket !== undefined) {
    const { host, port } = probe.tcpSocket;
    return runTcp(host !== undefined && host !== '' ? host : podIp, portOf(port, container), { timeoutMs, clock });
  }
  if (probe.grpc !== undefined) {
    const problem = await checkGrpcHealth({ host: podIp, port: probe.grpc.port, service: probe.grpc.service ?? '' }, { timeoutMs, clock });
    return problem === '' ? { outcome: 'success', output: '' } : { outcome: 'failure', output: problem };
  }
  throw new Error(`missing probe handler for ${container.name}`);
}

async function runExec(runtime: Runtime, id: string, command: readonly string[], timeoutMs: number): Promise<ProbeResult> {
  try {
    const { exitCode, output } = await runInContainer(runtime, id, { command, timeoutMs, mustStart: true });
    return { outcome: exitCode === 0 ? 'success' : 'failure', output };
  } catch (error) {
    const late = error instanceof Error && 'reason' in error && error.reason === 'DeadlineExceeded';
    return late ? { outcome: 'failure', output: `command timed out: "${command.join(' ')}" timed out after ${String(timeoutMs / 1000)}s` } : { outcome: 'unknown', output: messageOf(error) };
  }
}

async function runHttp(target: Parameters<typeof getOverHttp>[0], options: { timeoutMs: number; clock: Clock }): Promise<ProbeResult> {
  try {
    const { status, redirectedAway, body } = await getOverHttp(target, options);
    if (redirectedAway) return { outcome: 'warning', output: `Probe terminated redirects, Response body: ${body}` };
    return status >= 200 && status < 400 ? { outcome: 'success', output: body } : { outcome: 'failure', output: `HTTP probe failed with statuscode: ${String(status)}` };
  } catch (error) {
    return { outcome: 'failure', output: messageOf(error) };
  }
}

function runTcp(host: string, port: number, { timeoutMs, clock }: { timeoutMs: number; clock: Clock }): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (result: ProbeResult): void => {
      timer.cancel();
      socket.destroy();
      resolve(result);
    };
    const timer = clock.setTimer(timeoutMs, () => finish({ outcome: 'failure', output: `dial tcp ${host}:${String(port)}: i/o timeout` }));
    socket.on('connect', () => finish({ outcome: 'success', output: '' }));
    socket.on('error', (error) => finish({ outcome: 'failure', output: goWords(error, { hostname: host, port: String(port) }) }));
  });
}
