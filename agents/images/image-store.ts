// Images on the node: pulled from registries (registries.yaml: mirrors, rewrites, auth, tls), kept as verified, unpacked layers.

/** What runs need of an image's config (OCI image spec). */
export interface ImageConfig {
  entrypoint: string[];
  cmd: string[];
  env: string[];
  workingDir: string;
  /** `user[:group]`, names or numbers. */
  user: string;
  stopSignal?: string;
  volumes: string[];
  labels: Record<string, string>;
}

export interface Image {
  /** `sha256:…` of the config. */
  id: string;
  /** `docker.io/library/nginx:1`: normalised names that point here. */
  tags: string[];
  /** `docker.io/library/nginx@sha256:…` */
  digests: string[];
  /** Unpacked size in bytes. */
  sizeBytes: number;
  config: ImageConfig;
  pinned: boolean;
}

/** `reason` is what the container's waiting state shows: ErrImagePull, InvalidImageName, ErrImageNeverPull, RegistryUnavailable, ImageInspectError. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly reason: 'ErrImagePull' | 'InvalidImageName' | 'ErrImageNeverPull' | 'RegistryUnavailable' | 'ImageInspectError';
  constructor(reason: ImageError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

export interface RegistryAuth {
  username: string;
  password: string;
}

/** Of the compressed layers that are not here yet. */
export interface PullProgress {
  doneBytes: number;
  totalBytes: number;
}

export interface PulledImage extends Image {
  /** Which of the given credentials it came with; none when the registry took the node's own or asked for none. */
  auth?: RegistryAuth;
}

export interface ImageStore {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** By name, digest or id; undefined when it is not here whole. */
  find(image: string): Image | undefined;
  list(): Image[];
  /** Pulls what is missing; concurrent pulls of one image share the work. `auth` is tried in order, then registries.yaml's, then none.
   * `progress`: called with every piece that comes. */
  pull(image: string, auth: RegistryAuth[], signal?: AbortSignal, progress?: (progress: PullProgress) => void): Promise<PulledImage>;
  /** Layer directories, lowest first, for an overlay's lowerdir. The image stays until `release`. */
  layers(id: string): string[];
  /** Undoes one `layers`. An image removed meanwhile goes from the disk when its last user has released it. */
  release(id: string): void;
  remove(image: string): Promise<void>;
  /** Removes what is kept of pulls that broke off; gives the bytes it freed. */
  dropPartial?(): number;
}
