// Which version this is.

export interface VersionInfo {
  gitVersion: string;
  platform: string;
  /** Which build of ours. */
  build?: string;
}
