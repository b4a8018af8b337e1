// `skiff token`: what machines join with. The server's own token has no end and is a file; those that are created end, each a Secret of the cluster
// that can be deleted again. On a server; it must run but for `rotate`.
import { join } from 'node:path';
import { systemClock } from '../internal/base/clock.ts';
import { isReason } from '../internal/base/errors.ts';
import { readFileIfThere } from '../internal/base/files.ts';
import { systemRandom } from '../internal/base/random.ts';
import { formatDuration, parseDuration } from '../internal/api/duration.ts';
import type { Client } from '../internal/client/client.ts';
import { caPin } from '../internal/cluster/authority.ts';
import { openJoinToken, parseJoinToken } from '../internal/cluster/join-token.ts';
import { createToken, deleteToken, listTokens, makeToken, TOKEN_SHAPE } from '../internal/cluster/join/token-secrets.ts';
import { isRunning } from './instance.ts';
import { isServerFolder, openLocalAccess } from './local-access.ts';
import { findSite, type Site } from './ownership/site.ts';
import { needRoot } from './ownership/taking-down.ts';
import { gaveHelp, PLACE_FLAGS, placeIn, readWords, type Words } from './ownership/words.ts';
import { givenToken, UsageError } from './settings.ts';

const HELP = `Usage: skiff token create [TOKEN] [--ttl 24h] [--description TEXT]
       skiff token list [-o json]
       skiff token delete ID...
       skiff token rotate [--new-token SECRET]

Tokens with which machines join this server's cluster: skiff agent --server https://THIS-MACHINE:6443 --token TOKEN

  create              a token that ends after --ttl (0: never); prints it
  list                those that were created, and when they end
  delete              ends them now; machines that have joined stay
  rotate              gives the server another token of its own; prints it. The one before ends at once
`;

const FLAGS = ['ttl=', 'description=', 'new-token=', 'o=', 'output=', ...PLACE_FLAGS];
const DAY_TEXT = '24h';

export async function runToken(argv: readonly string[]): Promise<number> {
  const words = readWords('token', argv, FLAGS);
  const [what, ...rest] = words.rest;
  if (gaveHelp(words.flags, HELP)) return 0;
  if (what === undefined) {
    process.stdout.write(HELP);
    return 2;
  }
  const run = SUBVERBS[what];
  if (run === undefined) throw new UsageError(`unknown command ${JSON.stringify(`token ${what}`)}; see skiff token --help`);
  needRoot();
  const site = findSite(placeIn(words.flags), process.env);
  if (!isServerFolder(site.dataDir)) throw new Error(`this machine is no server (nothing in ${site.dataDir}/server): tokens are made on one`);
  return run(site, { flags: words.flags, rest });
}

const SUBVERBS: Record<string, (site: Site, words: Words) => Promise<number>> = { create, list, delete: remove, rotate };

async function create(site: Site, { flags, rest }: Words): Promise<number> {
  if (rest.length > 1) throw new UsageError(`unexpected argument ${JSON.stringify(rest[1])}`);
  const token = rest[0] ?? makeToken(systemRandom);
  if (!TOKEN_SHAPE.test(token)) throw new UsageError(`${JSON.stringify(token)} must be six and sixteen small letters or digits with a dot between, such as abcdef.0123456789abcdef`);
  const ttlMs = ttlOf(flags['ttl'] ?? DAY_TEXT);
  await withClient(site, (client) => createToken(client, { token, ...(ttlMs > 0 && { endsAt: systemClock.now() + ttlMs }), ...(flags['description'] !== undefined && { description: flags['description'] }) }).catch((error: unknown) => {
    throw isReason(error, 'AlreadyExists') ? new Error(`a token with the id ${token.split('.')[0] ?? ''} is there already: skiff token delete ${token.split('.')[0] ?? ''}`, { cause: error }) : error;
  }));
  process.stdout.write(`K10${pinOf(site)}::${token}\n`);
  return 0;
}

function ttlOf(text: string): number {
  try {
    const ttlMs = parseDuration(text);
    if (ttlMs >= 0) return ttlMs;
  } catch {
    // told below
  }
  throw new UsageError(`--ttl: ${JSON.stringify(text)} must be a time such as 90m or 24h, or 0 for one that does not end`);
}

async function list(site: Site, { flags }: Words): Promise<number> {
  const output = flags['o'] ?? flags['output'] ?? '';
  if (output !== '' && output !== 'json') throw new UsageError(`-o: ${JSON.stringify(output)} must be json`);
  const tokens = await withClient(site, listTokens);
  if (output === 'json') {
    process.stdout.write(`${JSON.stringify(tokens, undefined, 2)}\n`);
    return 0;
  }
  const rows = tokens.map(({ id, expiration, usages, description }) => [id, leftOf(expiration), expiration ?? 'never', usages.join(',') || '<none>', description || '<none>']);
  // The server's own is not shown: whoever may read its file may see it there.
  const own = ['(server)', '<forever>', 'never', 'joining', `in ${join(site.dataDir, 'server/node-token')}`];
  process.stdout.write(table([['ID', 'LEFT', 'EXPIRES', 'USAGES', 'DESCRIPTION'], ...rows, own]));
  return 0;
}

function leftOf(expiration: string | undefined): string {
  if (expiration === undefined) return '<forever>';
  const leftMs = Date.parse(expiration) - systemClock.now();
  return leftMs > 0 ? formatDuration(Math.floor(leftMs / 1000) * 1000) : '<ended>';
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_cell, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)) + 3);
  return rows.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('').trimEnd()}\n`).join('');
}

async function remove(site: Site, { rest }: Words): Promise<number> {
  if (rest.length === 0) throw new UsageError('skiff token delete: needs the id of a token; see skiff token list');
  await withClient(site, async (client) => {
    for (const token of rest.map((word) => word.replace(/^K10[0-9a-f]{64}::/, ''))) {
      const id = token.split('.')[0] ?? '';
      await deleteToken(client, id).catch((error: unknown) => {
        throw isReason(error, 'NotFound') ? new Error(`there is no token ${JSON.stringify(id)}; see skiff token list`, { cause: error }) : error;
      });
      process.stdout.write(`token ${id} deleted\n`);
    }
  });
  return 0;
}

/** A running server reads the file anew with each machine that joins. */
function rotate(site: Site, { flags, rest }: Words): Promise<number> {
  if (rest.length > 0) throw new UsageError(`unexpected argument ${JSON.stringify(rest[0])}`);
  if (isGiven(site)) throw new Error('the token is given by a setting (--token, --token-file, SKIFF_TOKEN, or the configuration): change it there and restart the server, or take the setting out first');
  const given = flags['new-token'];
  if (given !== undefined && parseJoinToken(given).password.length < 8) throw new UsageError('--new-token: must have 8 characters or more');
  const serverDir = join(site.dataDir, 'server');
  const { password } = openJoinToken(serverDir, given ?? systemRandom.bytes(16).toString('hex'), pinOf(site), systemRandom);
  if (password === '') throw new Error('the token could not be written');
  process.stdout.write(readFileIfThere(join(serverDir, 'node-token')) ?? '');
  return Promise.resolve(0);
}

function isGiven({ instance, settings }: Site): boolean {
  if (instance !== undefined && isRunning(instance)) return instance.tokenGiven;
  return settings !== undefined && givenToken(settings) !== undefined;
}

function pinOf({ dataDir }: Site): string {
  return caPin(readFileIfThere(join(dataDir, 'server/tls/server-ca.crt')) ?? '');
}

async function withClient<T>({ dataDir, instance, settings }: Site, work: (client: Client) => Promise<T>): Promise<T> {
  const { client, transport } = openLocalAccess(dataDir, instance?.url ?? `https://127.0.0.1:${String(settings?.['https-listen-port'] ?? 6443)}`);
  try {
    return await work(client);
  } finally {
    transport.close();
  }
}
