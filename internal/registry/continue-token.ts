// The continue token of a paged list: where the last page ended and at which revision the pages are read. Opaque to clients, and in the
// same form as upstream's (base64url JSON). Revision -1 asks for the rest as of now: what an expired token is answered with.
import { StatusError } from '../base/errors.ts';
import type { ObjectKey } from '../api/meta.ts';

export interface ContinueToken {
  /** The key that the last page ended with. */
  after: ObjectKey;
  /** undefined: whatever is newest. */
  revision: number | undefined;
}

const VERSION = 'meta.k8s.io/v1';

export function formatContinue({ after, revision }: ContinueToken): string {
  const start = `${after.namespace === '' ? '' : `${after.namespace}/`}${after.name}\u0000`;
  return Buffer.from(JSON.stringify({ v: VERSION, rv: revision ?? -1, start })).toString('base64url');
}

/** StatusError BadRequest when it is none. */
export function parseContinue(text: string): ContinueToken {
  const { v, rv, start } = decode(text);
  if (v !== VERSION) throw invalid(`server does not recognize this encoded version ${typeof v === 'string' ? v : ''}`);
  if (typeof rv !== 'number' || rv === 0) throw invalid('incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  if (typeof start !== 'string' || start === '') throw invalid('encoded start key empty (version meta.k8s.io/v1)');
  const key = start.endsWith('\u0000') ? start.slice(0, -1) : start;
  const slash = key.indexOf('/');
  return { after: { namespace: key.slice(0, Math.max(0, slash)), name: key.slice(slash + 1) }, revision: rv < 0 ? undefined : rv };
}

function decode(text: string): { v?: unknown; rv?: unknown; start?: unknown } {
  // Four letters at a time: what is left over and no whole byte is wrong from where it begins.
  const found = text.search(/[^A-Za-z0-9_-]/);
  const strange = found < 0 && text.length % 4 === 1 ? text.length - 1 : found;
  if (strange >= 0) throw invalid(`illegal base64 data at input byte ${String(strange)}`);
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (typeof value === 'object' && value !== null) return value;
  } catch (error) {
    throw invalid(undefined, error);
  }
  throw invalid();
}

function invalid(why?: string, cause?: unknown): StatusError {
  return new StatusError('BadRequest', `invalid continue token: continue key is not valid${why === undefined ? '' : `: ${why}`}`, { cause });
}
