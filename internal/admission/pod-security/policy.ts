// What a namespace's pod-security.kubernetes.io labels say: a level and a version each for what is refused, what is audited and what is warned of
// (upstream: pod-security-admission/api). Labels that cannot be read are told, and stand for the strictest where pods are refused.
import { invalid, type FieldError } from '../../api/field-error.ts';

const LEVELS = ['privileged', 'baseline', 'restricted'] as const;
export type Level = (typeof LEVELS)[number];

export interface LevelVersion {
  level: Level;
  /** Of Kubernetes 1.x; Infinity is the latest. */
  minor: number;
}

export interface Policy {
  enforce: LevelVersion;
  audit: LevelVersion;
  warn: LevelVersion;
}

export const PREFIX = 'pod-security.kubernetes.io/';
const LATEST = Number.POSITIVE_INFINITY;

export function formatLevelVersion({ level, minor }: LevelVersion): string {
  return `${level}:${minor === LATEST ? 'latest' : `v1.${String(minor)}`}`;
}

export function sameLevelVersion(a: LevelVersion, b: LevelVersion): boolean {
  return a.level === b.level && a.minor === b.minor;
}

/** How strict: 0 is not at all. */
export function strictness(level: Level): number {
  return LEVELS.indexOf(level);
}

export function readPolicy(labels: Readonly<Record<string, string>> = {}): { policy: Policy; errors: FieldError[] } {
  const errors: FieldError[] = [];
  const read = (mode: keyof Policy, otherwise: Level): LevelVersion => {
    const [levelKey, versionKey] = [`${PREFIX}${mode}`, `${PREFIX}${mode}-version`];
    const [level, version] = [labels[levelKey], labels[versionKey]];
    const known = level === undefined || isLevel(level);
    if (!known) errors.push(invalid(`metadata.labels[${levelKey}]`, level, `must be one of ${LEVELS.join(', ')}`));
    const minor = version === undefined ? LATEST : minorOf(version);
    if (minor === undefined) errors.push(invalid(`metadata.labels[${versionKey}]`, version, 'must be "latest" or "v1.x"'));
    return { level: known ? (level ?? 'privileged') : otherwise, minor: minor ?? LATEST };
  };
  const policy: Policy = { enforce: read('enforce', 'restricted'), audit: read('audit', 'privileged'), warn: read('warn', 'privileged') };
  // Who enforces and says nothing of warnings is warned of the same, since workloads are not refused, only their pods.
  const { enforce, warn } = policy;
  if (labels[`${PREFIX}warn`] === undefined && isLevel(labels[`${PREFIX}enforce`]) && strictness(enforce.level) > strictness(warn.level)) {
    policy.warn = { level: enforce.level, minor: labels[`${PREFIX}warn-version`] === undefined ? enforce.minor : warn.minor };
  }
  return { policy, errors };
}

function isLevel(text: string | undefined): text is Level {
  return (LEVELS as readonly (string | undefined)[]).includes(text);
}

function minorOf(version: string): number | undefined {
  if (version === 'latest') return LATEST;
  const digits = /^v1\.([0-9]|[1-9][0-9]*)$/.exec(version)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
