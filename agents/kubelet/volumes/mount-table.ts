// The kernel's mount table, for mount points below a directory.
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Deepest first, so that they can be unmounted in this order. `directory` itself counts. */
export function mountPointsUnder(directory: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => unescapeMountPath(line.split(' ')[4] ?? ''))
    .filter((point) => point === directory || point.startsWith(`${directory}/`))
    .sort((a, b) => b.length - a.length);
}

/** The kernel's table knows no links: the kubelet's folder may be one. */
export function isMounted(path: string): boolean {
  if (!existsSync(dirname(path))) return false;
  const real = join(realpathSync(dirname(path)), basename(path));
  return mountPointsUnder(real).includes(real);
}

/** The kernel writes blanks as `\040`. */
export function unescapeMountPath(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}
