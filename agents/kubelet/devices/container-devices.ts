// What goes into a container with its devices, as device plugins and DRA drivers say.

export interface ContainerDevices {
  env: { name: string; value: string }[];
  mounts: { containerPath: string; hostPath: string; readOnly: boolean }[];
  devices: { containerPath: string; hostPath: string; permissions: string }[];
  annotations: Record<string, string>;
  /** `vendor.com/class=name`, as the Container Device Interface names them. */
  cdiDevices: string[];
}

export function withCdiDevices(given: ContainerDevices | undefined, names: readonly string[]): ContainerDevices {
  const all = given ?? { env: [], mounts: [], devices: [], annotations: {}, cdiDevices: [] };
  return { ...all, cdiDevices: [...new Set([...all.cdiDevices, ...names])] };
}
