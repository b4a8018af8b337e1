// The server's side of joining (protocol.ts): who shows the token, or the password of a node that is known, gets certificates for its key.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import { StatusError } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import { sameText } from '../../base/secret-text.ts';
import type { Client } from '../../client/client.ts';
import { lasting, type Authority } from '../authority.ts';
import { issueCertificate, type CertificateRequest, type KeyPair } from '../certificate.ts';
import { isBootstrapToken } from './bootstrap-token.ts';
import { claimNodeName, taken } from './node-password.ts';
import { CA_PATH, JOIN_PATH, type ClusterSettings, type JoinAnswer, type JoinRequest } from './protocol.ts';

export interface JoinServerOptions {
  authority: Authority;
  /** May read Nodes, and read and write Secrets of kube-system. */
  client: Client;
  /** Passwords with which nodes may join, as of now. */
  passwords(): readonly string[];
  cluster: ClusterSettings;
  /** Names and addresses that are the server's: no node gets a certificate for one. */
  reserved(): readonly string[];
  clock: Clock;
  random: Random;
}

/** As the API server's extra paths are (http/non-resources.ts). */
export interface JoinPath {
  path: string;
  serve(asking: { method: string; headers: { authorization?: string | undefined }; body: Buffer }): Promise<{ code: number; contentType: string; bytes: Buffer }>;
}

const NODES_GROUP = 'system:nodes';
const ADDRESSES_MAX = 32;
const NODE_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

export function createJoinPaths(options: JoinServerOptions): JoinPath[] {
  return [
    {
      path: CA_PATH,
      serve: ({ method }) => {
        if (method !== 'GET') throw notAllowed();
        return Promise.resolve({ code: 200, contentType: 'application/x-pem-file', bytes: Buffer.from(options.authority.serverCa.certificate) });
      },
    },
    {
      path: JOIN_PATH,
      async serve({ method, headers, body }) {
        if (method !== 'POST') throw notAllowed();
        const answer = await join(options, headers.authorization, parseRequest(body));
        return { code: 200, contentType: 'application/json', bytes: Buffer.from(`${JSON.stringify(answer)}\n`) };
      },
    },
  ];
}

async function join(options: JoinServerOptions, authorization: string | undefined, request: JoinRequest): Promise<JoinAnswer> {
  const { authority, client, cluster, random } = options;
  const reserved = options.reserved();
  const { nodeName, nodeIps, nodePassword } = request;
  const publicKey = publicKeyOf(request.publicKey);
  if (reserved.includes(nodeName)) throw taken(nodeName);
  const own = nodeIps.find((address) => reserved.includes(address));
  if (own !== undefined) throw new StatusError('Forbidden', `node address ${own} is the server's: give the node's own with --node-ip`);
  await claimNodeName(client, { nodeName, password: nodePassword, mayTake: () => checkToken(options, authorization, nodeName) }, random);
  const user = { commonName: `system:node:${nodeName}`, organizations: [NODES_GROUP] };
  const issue = (ca: KeyPair, certificate: Pick<CertificateRequest, 'subject' | 'names' | 'usages'>): string => issueLeaf(options, { ca, certificate, publicKey });
  return {
    certificates: {
      node: issue(authority.clientCa, { subject: user, usages: ['client'] }),
      proxy: issue(authority.clientCa, { subject: { commonName: 'system:kube-proxy', organizations: ['system:node-proxier'] }, usages: ['client'] }),
      kubelet: issue(authority.serverCa, { subject: user, names: [nodeName, '127.0.0.1', ...nodeIps], usages: ['server'] }),
    },
    lifetimeMs: authority.leafLifetimeMs,
    serverCa: authority.serverCa.certificate,
    clientCa: authority.clientCa.certificate,
    cluster,
  };
}

/** StatusError unless the node shows a token that it may join with. */
async function checkToken({ client, passwords, clock }: JoinServerOptions, authorization: string | undefined, nodeName: string): Promise<void> {
  if (authorization === undefined) throw new StatusError('Unauthorized', `the cluster does not know node "${nodeName}" by this password: join again with --token`);
  const shown = passwordOf(authorization);
  if (passwords().some((password) => sameText(password, shown)) || (await isBootstrapToken(client, shown, clock.now()))) return;
  throw new StatusError('Unauthorized', 'the token is not that of this cluster, or has ended: see <data-dir>/server/node-token on the server');
}

function issueLeaf({ authority, clock, random }: JoinServerOptions, { ca, certificate, publicKey }: { ca: KeyPair; certificate: Pick<CertificateRequest, 'subject' | 'names' | 'usages'>; publicKey: KeyObject }): string {
  return issueCertificate(ca, { ...certificate, ...lasting(authority.leafLifetimeMs, clock) }, publicKey, random);
}

/** Every problem at once. */
function parseRequest(body: Buffer): JoinRequest {
  let request: Partial<JoinRequest> | null;
  try {
    request = JSON.parse(body.toString()) as Partial<JoinRequest> | null;
  } catch (error) {
    throw new StatusError('BadRequest', 'the body of a join is not JSON', { cause: error });
  }
  const { nodeName, nodeIps, nodePassword, publicKey } = request ?? {};
  const problems: string[] = [];
  if (typeof nodeName !== 'string' || nodeName.length > 253 || !NODE_NAME.test(nodeName)) problems.push(`nodeName ${JSON.stringify(nodeName)} must be a lower case DNS name`);
  if (!Array.isArray(nodeIps) || nodeIps.length === 0 || nodeIps.length > ADDRESSES_MAX || !nodeIps.every((one) => isIP(String(one)) !== 0)) problems.push(`nodeIps ${JSON.stringify(nodeIps)} must be 1 to ${String(ADDRESSES_MAX)} addresses`);
  if (typeof nodePassword !== 'string' || nodePassword.length < 16 || nodePassword.length > 128) problems.push('nodePassword must have 16 to 128 characters');
  if (typeof publicKey !== 'string') problems.push('publicKey must be PEM');
  if (problems.length > 0) throw new StatusError('BadRequest', problems.join('; '));
  return request as JoinRequest;
}

function publicKeyOf(pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: pem, format: 'pem', type: 'spki' });
  } catch (error) {
    throw new StatusError('BadRequest', 'publicKey is not a public key in PEM', { cause: error });
  }
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new StatusError('BadRequest', 'publicKey must be on the curve P-256');
  return key;
}

/** Of `Basic base64(user:password)`. */
function passwordOf(authorization: string): string {
  const text = Buffer.from(/^Basic +(\S+)$/i.exec(authorization)?.[1] ?? '', 'base64').toString();
  return text.slice(text.indexOf(':') + 1);
}

function notAllowed(): StatusError {
  return new StatusError('MethodNotAllowed', 'the server does not allow this method on the requested resource');
}
