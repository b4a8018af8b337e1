// What is written on sandboxes and containers, so that after a restart of Skiff the runtime's list alone tells what belongs to whom.
// The `io.kubernetes.*` labels are the ones that every node tool looks for.

export const LABEL = {
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  podUid: 'io.kubernetes.pod.uid',
  containerName: 'io.kubernetes.container.name',
} as const;

export const ANNOTATION = {
  /** What status shows as imageID. */
  imageRef: 'io.kubernetes.container.imageRef',
  /** What status shows as image: the name by which the node has it. */
  imageShown: 'io.skiff.container.image',
  restartCount: 'io.kubernetes.container.restartCount',
  terminationMessagePath: 'io.kubernetes.container.terminationMessagePath',
  terminationMessagePolicy: 'io.kubernetes.container.terminationMessagePolicy',
  /** Host file that is bound at the termination message path. */
  terminationMessageFile: 'io.kubernetes.container.terminationMessageFile',
  /** JSON of the requests and limits that the container runs with. */
  resources: 'io.skiff.container.resources',
  /** Seconds that a stop gives, for a pod that the API no longer knows. */
  gracePeriod: 'io.kubernetes.pod.terminationGracePeriod',
  /** The pod's priority: when all are ended, the critical ones are last. */
  priority: 'io.skiff.pod.priority',
  /** JSON of the container's preStop hook and ports, where it has a hook. */
  preStop: 'io.skiff.container.preStop',
  /** `true`: ends after the containers beside it. */
  sidecar: 'io.skiff.container.sidecar',
} as const;
