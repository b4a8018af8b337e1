// Admission: after authorization, an ordered list of plugins may change what is written, then every one may refuse it. The order is
// upstream's; each plugin is a file; index.ts has the list.
import type { KubeObject } from '../api/meta.ts';
import type { RequestOptions } from '../api/request.ts';
import type { UserInfo } from '../api/user.ts';
import type { Kind } from '../kinds/kind.ts';

export interface AdmissionRequest {
  operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  kind: Kind;
  /** Of the URL; '' for cluster-scoped objects. A namespace itself: its name. */
  namespace: string;
  name: string;
  subresource: string;
  user: UserInfo;
  dryRun: boolean;
  options: RequestOptions;
  /** The draft, to be changed in place by mutating plugins; for subresources with a kind of their own that (a Scale, a Binding). undefined for DELETE. */
  object: KubeObject | undefined;
  /** As stored, frozen; undefined for CREATE. */
  old: KubeObject | undefined;
  warn(message: string): void;
  /** For the audit log. */
  annotate?(key: string, value: string): void;
}

/** Mutating plugins may run twice: again when one asked for it that made changes others would want to see. */
export interface Rounds {
  readonly round: 0 | 1;
  again(): void;
  /** What a plugin keeps of the first round for the second. */
  memory<T>(plugin: string, make: () => T): T;
}

export interface AdmissionPlugin {
  readonly name: string;
  /** Throws StatusError to refuse. */
  mutate?(request: AdmissionRequest, rounds: Rounds): void | Promise<void>;
  validate?(request: AdmissionRequest): void | Promise<void>;
}

export interface Admission {
  mutate(request: AdmissionRequest): Promise<void>;
  validate(request: AdmissionRequest): Promise<void>;
}

export function admissionOf(plugins: readonly AdmissionPlugin[]): Admission {
  const mutating = plugins.filter((plugin) => plugin.mutate !== undefined);
  const validating = plugins.filter((plugin) => plugin.validate !== undefined);
  return {
    async mutate(request) {
      const memories = new Map<string, unknown>();
      const memory = <T>(plugin: string, make: () => T): T => {
        if (!memories.has(plugin)) memories.set(plugin, make());
        return memories.get(plugin) as T;
      };
      let wanted = false;
      const again = (): void => void (wanted = true);
      for (const round of [0, 1] as const) {
        for (const plugin of mutating) {
          const done = plugin.mutate?.(request, { round, again, memory });
          if (done !== undefined) await done;
        }
        if (!wanted) return;
      }
    },
    async validate(request) {
      for (const plugin of validating) {
        const done = plugin.validate?.(request);
        if (done !== undefined) await done;
      }
    },
  };
}

/** What a refusal calls an object: its name is made after those plugins that may change it have been asked. */
export function shownName({ name, generateName }: { name?: string | undefined; generateName?: string | undefined }): string {
  return name || generateName || 'Unknown';
}

/** Whether the request writes this kind itself, not a subresource of it. */
export function writes({ kind, subresource }: AdmissionRequest, group: string, resource: string): boolean {
  return kind.group === group && kind.resource === resource && subresource === '';
}
