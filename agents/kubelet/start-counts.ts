// How many pods were begun and how many of those failed, for the kubelet's metrics: all, and those with users of their own.

export interface StartCounts {
  started: number;
  failed: number;
  ownUsersStarted: number;
  ownUsersFailed: number;
}

export function createStartCounts(): StartCounts {
  return { started: 0, failed: 0, ownUsersStarted: 0, ownUsersFailed: 0 };
}
