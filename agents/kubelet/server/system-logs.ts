// GET /logs/…: what is below /var/log, folders as lists of links, files as they are. Nothing outside of it, whatever a link in it says: pods may
// write links there.
import { createReadStream, readdirSync, realpathSync, statSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { answer } from './answers.ts';

const ROOT = '/var/log';

export async function serveSystemLogs(response: ServerResponse, { path, isFolder, roots = [ROOT] }: { path: readonly string[]; isFolder: boolean; roots?: readonly string[] }): Promise<void> {
  const real = resolve(join(roots[0] ?? ROOT, ...path));
  const status = real === undefined ? undefined : statSync(real, { throwIfNoEntry: false });
  if (real === undefined || status === undefined || path.includes('..') || !roots.map(resolve).some((root) => root !== undefined && (real === root || real.startsWith(`${root}/`)))) return answer(response, { code: 404, text: '404 page not found\n' });
  if (status.isDirectory()) {
    if (!isFolder) return void response.writeHead(301, { location: `${encodeURIComponent(path.at(-1) ?? 'logs')}/` }).end();
    return void response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(listOf(real));
  }
  if (!status.isFile()) return answer(response, { code: 404, text: '404 page not found\n' });
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'content-length': status.size });
  await pipeline(createReadStream(real, { end: Math.max(0, status.size - 1) }), response); // a log that grows is sent as long as it was
}

function resolve(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined; // not there, or a loop of links
  }
}

function listOf(folder: string): string {
  const names = readdirSync(folder, { withFileTypes: true }).map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort();
  return `<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${names.map((name) => `<a href="${encodeURIComponent(name).replaceAll('%2F', '/')}">${escaped(name)}</a>\n`).join('')}</pre>\n`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&#34;').replaceAll('\'', '&#39;');
}
