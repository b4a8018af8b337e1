// nodeInfo of the Node: what the machine is. Read once.
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { readFileIfThere } from '../../../internal/base/files.ts';
import type { NodeSystemInfo } from '../../../internal/kinds/generated/api-types.ts';

const ARCHITECTURES: Record<string, string> = { x64: 'amd64', arm64: 'arm64', arm: 'arm' };

export function systemInfo(version: string, runtime: { name: string; version: string }): NodeSystemInfo {
  const machineId = (readFileIfThere('/etc/machine-id') ?? '').trim();
  return {
    machineID: machineId, systemUUID: (readFileIfThere('/sys/class/dmi/id/product_uuid') ?? machineId).trim(), bootID: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    kernelVersion: release(), osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileIfThere('/etc/os-release') ?? '')?.[1] ?? 'Linux',
    containerRuntimeVersion: `${runtime.name}://${runtime.version}`, kubeletVersion: version, kubeProxyVersion: '', operatingSystem: 'linux', architecture: ARCHITECTURES[process.arch] ?? process.arch,
  };
}
