// This machine's way to the API: on a server as its administrator, on an agent as the node, with what lies in the data folder.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readFileIfThere } from '../internal/base/files.ts';
import { createClient } from '../internal/client/typed-client.ts';
import type { Client } from '../internal/client/client.ts';
import { createHttpsTransport, type HttpsTransport, type TlsCredentials } from '../internal/client/https-transport.ts';
import type { Identity } from '../internal/cluster/join/identity.ts';

export interface LocalAccess {
  client: Client;
  transport: HttpsTransport;
}

const TIMEOUT_MS = 10_000;

export function isServerFolder(dataDir: string): boolean {
  return existsSync(join(dataDir, 'server/tls/client-admin.crt'));
}

/** `url` of a server; an agent's is in its identity. */
export function openLocalAccess(dataDir: string, url: string): LocalAccess {
  const { server, credentials } = isServerFolder(dataDir) ? { server: url, credentials: adminOf(dataDir) } : nodeOf(dataDir);
  const transport = createHttpsTransport({ url: server, credentials, timeoutMs: TIMEOUT_MS, userAgent: 'skiff' });
  return { transport, client: createClient(transport) };
}

function adminOf(dataDir: string): TlsCredentials {
  const text = (file: string): string => readFileIfThere(join(dataDir, 'server/tls', file)) ?? '';
  return { ca: text('server-ca.crt'), cert: text('client-admin.crt'), key: text('client-admin.key') };
}

function nodeOf(dataDir: string): { server: string; credentials: TlsCredentials } {
  const identity = readIdentityFile(dataDir);
  if (identity === undefined) throw new Error(`${dataDir} is no server's, and no agent's that has joined`);
  return { server: identity.server, credentials: { ca: identity.serverCa, cert: identity.certificates.node, key: identity.key } };
}

export function readIdentityFile(dataDir: string): Identity | undefined {
  const text = readFileIfThere(join(dataDir, 'agent/identity.json'));
  return text === undefined || text === '' ? undefined : (JSON.parse(text) as Identity);
}
