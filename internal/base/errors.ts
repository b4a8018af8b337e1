// Operating errors: one class, told apart by `reason`, never by message text. Reasons and codes are metav1.StatusReason's.
// Programmer errors are plain assertions: they crash. Messages are the ones Kubernetes gives, as clients match on them.

/** Every reason with its HTTP status code: the one table of errors. */
export const STATUS_CODES = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServerTimeout: 500,
  NotImplemented: 501,
  ServiceUnavailable: 503,
  Timeout: 504,
} as const;

export type StatusReason = keyof typeof STATUS_CODES;

/** One cause of an Invalid or BadRequest error, as metav1.StatusCause. */
export interface StatusCause {
  reason?: string;
  message?: string;
  field?: string;
}

/** metav1.StatusDetails. `kind` is the resource or kind that the message names. */
export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

export interface StatusErrorOptions {
  details?: StatusDetails;
  cause?: unknown;
  /** Overrides the reason's usual HTTP code (webhooks may choose one). */
  code?: number;
  /** metadata.continue of the Status, for Expired list continuations. */
  continue?: string;
  /** The reason that clients are shown where somebody else chose it (a webhook); '' for none. */
  shownReason?: string;
}

export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly reason: StatusReason;
  readonly code: number;
  readonly details: StatusDetails | undefined;
  readonly continue: string | undefined;
  readonly shownReason: string;

  constructor(reason: StatusReason, message: string, options: StatusErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.code = options.code ?? STATUS_CODES[reason];
    this.details = options.details;
    this.continue = options.continue;
    this.shownReason = options.shownReason ?? reason;
  }
}

export function isReason(error: unknown, ...reasons: StatusReason[]): boolean {
  return error instanceof StatusError && reasons.includes(error.reason);
}

/** Whether the system refused with one of these codes: `ENOENT` and the like. */
export function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException).code ?? '');
}

/** What `look` gives, or undefined where the system answers with one of these codes. Other errors are thrown. */
export function unlessErrno<T>(codes: readonly string[], look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (isErrno(error, ...codes)) return undefined;
    throw error;
  }
}

/** `resource` as messages write it: `pods`, `deployments.apps`. */
export function notFound(resource: { group: string; resource: string }, name: string): StatusError {
  const { group } = resource;
  return new StatusError('NotFound', `${qualified(resource)} "${name}" not found`, { details: { name, ...(group !== '' && { group }), kind: resource.resource } });
}

export function alreadyExists(resource: { group: string; resource: string }, name: string): StatusError {
  const { group } = resource;
  return new StatusError('AlreadyExists', `${qualified(resource)} "${name}" already exists`, { details: { name, ...(group !== '' && { group }), kind: resource.resource } });
}

export function conflict(resource: { group: string; resource: string }, name: string, why = OPTIMISTIC_LOCK): StatusError {
  const { group } = resource;
  return new StatusError('Conflict', `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`, {
    details: { name, ...(group !== '' && { group }), kind: resource.resource },
  });
}

const OPTIMISTIC_LOCK = 'the object has been modified; please apply your changes to the latest version and try again';

/** The text of anything thrown, for logs and events. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function qualified({ group, resource }: { group: string; resource: string }): string {
  return group === '' ? resource : `${resource}.${group}`;
}
