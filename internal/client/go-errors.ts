// What failed on the way, in the words of Go's net, crypto/tls and client-go: users and tests know these.

interface NodeError {
  code?: string;
  message?: string;
  address?: string;
  port?: number;
  hostname?: string;
}

const CONNECT: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'connect: connection timed out',
};
const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'CERT_SIGNATURE_FAILURE',
]);
const VERIFY = 'tls: failed to verify certificate: x509: ';

/** `dial tcp 10.0.0.1:443: connect: connection refused`, `tls: failed to verify certificate: x509: …`, `EOF`. */
export function goProblem(error: unknown): string {
  const inner = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const { code = '', message = String(inner), address = '', port = 0, hostname = '' } = inner as NodeError;
  const connect = CONNECT[code];
  if (connect !== undefined) return `dial tcp ${address.includes(':') ? `[${address}]` : address}:${String(port)}: ${connect}`;
  if (UNKNOWN_AUTHORITY.has(code)) return `${VERIFY}certificate signed by unknown authority`;
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return `${VERIFY}certificate has expired or is not yet valid`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `dial tcp: lookup ${hostname}: no such host`;
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') return 'http: server gave HTTP response to HTTPS client';
  if (code === 'ECONNRESET' && message === 'socket hang up') return 'EOF';
  if (code === 'ECONNRESET') return 'read: connection reset by peer';
  return message;
}

const ANSWERS: Readonly<Record<number, string>> = {
  400: 'the server rejected our request for an unknown reason',
  401: 'the server has asked for the client to provide credentials',
  404: 'the server could not find the requested resource',
  405: 'the server does not allow this method on the requested resource',
  409: 'the server reported a conflict',
  422: 'the server rejected our request due to an error in our request',
  429: 'the server has received too many requests and has asked us to try again later',
  503: 'the server is currently unable to handle the request',
  504: 'the server was unable to return a response in the time allotted, but may still be processing the request',
};
const SHOWN_MAX = 2048;

/** What client-go makes of an answer that is no success: its Status, or words for its code. */
export function answerProblem(code: number, body: string, contentType = ''): string {
  const status = statusOf(body);
  if (status !== undefined) return status;
  const said = contentType.startsWith('text/') ? body.slice(0, SHOWN_MAX).trim() : 'unknown';
  if (code === 403 || code === 406 || code === 415) return said;
  return ANSWERS[code] ?? (code >= 500 ? `an error on the server (${JSON.stringify(said)}) has prevented the request from succeeding` : `the server responded with the status code ${String(code)} but did not return more information`);
}

function statusOf(body: string): string | undefined {
  try {
    const value = JSON.parse(body) as { kind?: string; message?: string } | null;
    return value?.kind === 'Status' ? value.message : undefined;
  } catch {
    return undefined; // no Status: the code says what there is to say
  }
}
