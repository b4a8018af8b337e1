// The joining node's side (protocol.ts): first the CA is made sure of, then the token is said, over TLS that this CA vouches for.
import { createPublicKey } from 'node:crypto';
import { get } from 'node:https';
import { messageOf, StatusError } from '../../base/errors.ts';
import { createHttpsTransport } from '../../client/https-transport.ts';
import { caPin } from '../authority.ts';
import { parseJoinToken } from '../join-token.ts';
import { CA_PATH, JOIN_PATH, type JoinAnswer, type JoinRequest } from './protocol.ts';

export interface JoinOptions {
  /** https://host:port */
  server: string;
  /** Absent: the node is known already, by its password. */
  token?: string;
  /** The CA of an earlier join: trusted rather than asked for. */
  knownCa?: string;
  node: Pick<JoinRequest, 'nodeName' | 'nodeIps' | 'nodePassword'>;
  /** PEM private key. */
  key: string;
}

const TIMEOUT_MS = 15_000;

/** StatusError ServiceUnavailable when the server cannot be reached: try again. Unauthorized, Forbidden, …: no use. */
export async function joinCluster({ server, token, knownCa, node, key }: JoinOptions): Promise<JoinAnswer> {
  const parsed = token === undefined ? undefined : parseJoinToken(token);
  const ca = knownCa ?? (await trustedCa(server, parsed?.caPin));
  const transport = createHttpsTransport({ url: server, credentials: { ca }, timeoutMs: TIMEOUT_MS });
  try {
    const request: JoinRequest = { ...node, publicKey: createPublicKey(key).export({ type: 'spki', format: 'pem' }) as string };
    const text = await transport.raw({
      method: 'POST', path: JOIN_PATH, contentType: 'application/json', body: JSON.stringify(request),
      ...(parsed !== undefined && { headers: { authorization: `Basic ${Buffer.from(`node:${parsed.password}`).toString('base64')}` } }),
    });
    return JSON.parse(text) as JoinAnswer;
  } finally {
    transport.close();
  }
}

/** The server's CA: the one that the token pins, or, with a short token, the one that the server shows now (trusted on first use). */
async function trustedCa(server: string, pin: string | undefined): Promise<string> {
  const ca = await fetchCa(server);
  if (pin === undefined || caPin(ca) === pin) return ca;
  throw new StatusError('Unauthorized', `the server at ${server} is not the one that the token is from: its CA has the hash ${caPin(ca)}, the token says ${pin}; the token was not sent`);
}

function fetchCa(server: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(new StatusError('ServiceUnavailable', `cannot reach the API server at ${server}: ${messageOf(error)}`, { cause: error }));
    // Nothing is sent and nothing is believed yet, so the certificate does not matter here.
    const request = get(new URL(CA_PATH, server), { agent: false, rejectUnauthorized: false, timeout: TIMEOUT_MS }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => void (Buffer.concat(chunks).length < 65_536 && chunks.push(chunk)));
      response.on('error', fail);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode === 200 && text.includes('BEGIN CERTIFICATE')) resolve(text);
        else fail(new Error(`it answers ${CA_PATH} with ${String(response.statusCode)}: is it a Skiff server?`));
      });
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${String(TIMEOUT_MS)} ms`)));
    request.on('error', fail);
  });
}
