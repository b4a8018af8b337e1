// Versions in the order in which clients prefer them: v2, v1, v2beta1, v1beta1, v1alpha1, then any other name by letters.
// Upstream: apimachinery, pkg/version/helpers.go.

const LEVELS: Readonly<Record<string, number>> = { '': 2, beta: 1, alpha: 0 };

/** Negative when `a` comes first. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parse(a), parse(b)];
  if (left === undefined || right === undefined) return left !== undefined ? -1 : right !== undefined ? 1 : a < b ? -1 : a > b ? 1 : 0;
  return right.level - left.level || right.major - left.major || right.minor - left.minor;
}

function parse(version: string): { major: number; level: number; minor: number } | undefined {
  const match = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/.exec(version);
  if (match === null) return undefined;
  return { major: Number(match[1]), level: LEVELS[match[2] ?? ''] ?? 0, minor: Number(match[3] ?? 0) };
}
