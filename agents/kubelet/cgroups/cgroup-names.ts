// How cgroups of pods are called, by who makes them: this process itself (cgroupfs), or systemd when asked (systemd), which names a slice by all that
// it is in and takes `-` for a level.
//
//   /kubepods/burstable/pod<uid>
//   /kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod<uid with _ for ->.slice

export type CgroupDriver = 'cgroupfs' | 'systemd';
type Qos = 'Guaranteed' | 'Burstable' | 'BestEffort';

export interface CgroupNames {
  /** The level that pods of a class are in; Guaranteed ones are in the top one. */
  readonly parents: Readonly<Record<Qos, string>>;
  pod(parent: string, uid: string): string;
  /** Of the pod whose cgroup is called so, directly below its class. */
  uidOf(name: string): string | undefined;
  /** Whether a path from the node's root is a pod's of this kind. */
  isOwn(path: string): boolean;
}

const CGROUPFS: CgroupNames = {
  parents: { Guaranteed: '/kubepods', Burstable: '/kubepods/burstable', BestEffort: '/kubepods/besteffort' },
  pod: (parent, uid) => `${parent}/pod${uid}`,
  isOwn: (path) => path.startsWith('/kubepods/'),
  uidOf: (name) => (name.startsWith('pod') ? name.slice('pod'.length) : undefined),
};

const SLICE = '.slice';
const SYSTEMD: CgroupNames = {
  parents: { Guaranteed: '/kubepods.slice', Burstable: '/kubepods.slice/kubepods-burstable.slice', BestEffort: '/kubepods.slice/kubepods-besteffort.slice' },
  pod: (parent, uid) => `${parent}/${(parent.split('/').at(-1) ?? '').slice(0, -SLICE.length)}-pod${uid.replaceAll('-', '_')}${SLICE}`,
  isOwn: (path) => path.endsWith(SLICE),
  uidOf: (name) => /-pod([^-]+)\.slice$/.exec(name)?.[1]?.replaceAll('_', '-'),
};

export const CGROUP_NAMES: Readonly<Record<CgroupDriver, CgroupNames>> = { cgroupfs: CGROUPFS, systemd: SYSTEMD };
