// What the executable carries beside its code: programs, their libraries and the terminal addon, each a compressed asset. Written by the build, read
// at run time: this is the contract of both.

export interface Manifest {
  /** Of all that follows: names the folder they are unpacked in. */
  digest: string;
  files: CarriedFile[];
  links: { path: string; to: string }[];
  /** Which packages they come from, and in which versions. */
  packages: Record<string, string>;
}

export interface CarriedFile {
  /** Below the folder; the asset is `programs/<path>`. */
  path: string;
  mode: number;
  /** Bytes, and hex digest of them, as they are in the asset (unpacked). */
  size: number;
  sha256: string;
  /** Where the file names the folder of its libraries: LIBRARIES_PLACE there is replaced by the real one. */
  librariesAt?: number;
}

export const MANIFEST_ASSET = 'programs.json';
export const assetOf = (path: string): string => `programs/${path}`;

/** Stands for the path of the folder `lib` until it is known: long enough for any sensible data folder. The rest is filled with zeros. */
export const LIBRARIES_PLACE = `/@skiff-libraries@/${'_'.repeat(200)}`;

/** Oldest C library with which all of it runs. */
export const GLIBC_MIN = '2.34';
