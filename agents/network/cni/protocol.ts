// What Skiff's CNI plugin and the node say to each other: the plugin is called by the container runtime, passes its call on, and prints the answer.
// One JSON document each way on a Unix socket; the plugin ends its half first. Version 0.4.0 of CNI, which containerd 1.4 and later speak.

export const CNI_VERSION = '0.4.0';
export const SUPPORTED_VERSIONS = ['0.3.0', '0.3.1', '0.4.0'];

export interface CniCall {
  /** ADD, DEL or CHECK. */
  command: string;
  containerId: string;
  netns: string;
  /** CNI_ARGS: `K8S_POD_NAME=…;…` */
  args: string;
  /** What came on stdin. */
  config: { cniVersion?: string; type?: string; runtimeConfig?: { portMappings?: PortMapping[] } };
}

/** As CNI has it; containerd writes the names with capitals. */
export interface PortMapping {
  hostPort?: number;
  containerPort?: number;
  protocol?: string;
  hostIP?: string;
  HostPort?: number;
  ContainerPort?: number;
  Protocol?: string;
  HostIP?: string;
}

export interface CniAnswer {
  /** 0, or one of CNI's error codes. */
  code: number;
  /** A result, or an error. */
  output: unknown;
}

/** CNI: codes from 100 are the plugin's own; 11 asks to try again later. */
export function cniError(code: number, message: string): CniAnswer {
  return { code, output: { cniVersion: CNI_VERSION, code, msg: message } };
}
