// A Status that a server answers with, as the StatusError it stands for.
import { STATUS_CODES, StatusError, type StatusDetails, type StatusErrorOptions, type StatusReason } from '../base/errors.ts';

interface Status {
  kind?: string;
  reason?: string;
  message?: string;
  code?: number;
  details?: StatusDetails;
  metadata?: { continue?: string };
}

/** From an answer's HTTP code and body; whatever they are, a StatusError comes out. */
export function statusErrorOf(code: number, body: string): StatusError {
  return statusErrorFrom(parse(body) ?? { code, message: body.trim().slice(0, 1000) || `the server answered ${String(code)} with no message` }, code);
}

/** From a Status object, as in an ERROR watch event. */
export function statusErrorFrom(status: unknown, code = 500): StatusError {
  const { reason, message = '', details, metadata, code: own } = status as Status;
  const options: StatusErrorOptions = { code: own ?? code, ...(details !== undefined && { details }), ...(metadata?.continue !== undefined && { continue: metadata.continue }) };
  return new StatusError(isKnown(reason) ? reason : reasonOf(own ?? code), message, options);
}

function parse(body: string): Status | undefined {
  try {
    const value = JSON.parse(body) as Status | null;
    return value?.kind === 'Status' ? value : undefined;
  } catch {
    return undefined; // a proxy's page, or text: the caller shows it as it is
  }
}

function isKnown(reason: string | undefined): reason is StatusReason {
  return reason !== undefined && Object.hasOwn(STATUS_CODES, reason);
}

function reasonOf(code: number): StatusReason {
  const reasons = Object.keys(STATUS_CODES) as StatusReason[];
  return reasons.find((reason) => STATUS_CODES[reason] === code) ?? 'InternalError';
}
