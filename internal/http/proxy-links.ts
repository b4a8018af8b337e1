// Pages that come through a proxy path: links that stand on the server's root are set below the path, so that a browser stays within the
// proxy (upstream: apimachinery/pkg/util/proxy/transport.go, whose list of attributes this is).
import type { IncomingMessage } from 'node:http';
import type { RequestInfo } from './route.ts';

const ATTRIBUTES = ['action', 'archive', 'background', 'cite', 'classid', 'codebase', 'data', 'formaction', 'href', 'icon', 'longdesc', 'manifest', 'poster', 'profile', 'src', 'usemap'];
const LINK = new RegExp(`(<[a-z][^>]*?\\s(?:${ATTRIBUTES.join('|')})\\s*=\\s*["']?)(/(?!/)[^"'\\s>]*)`, 'gi');
/** Larger pages pass as they are. */
const PAGE_MAX_BYTES = 4 * 1024 * 1024;

/** `/api/v1/namespaces/x/pods/y/proxy`: the path without what is asked of the target. */
export function proxyPrefix({ path, rest }: RequestInfo): string {
  const whole = path.endsWith('/') ? path.slice(0, -1) : path;
  return rest.length === 0 ? whole : whole.split('/').slice(0, -rest.length).join('/');
}

export function isPage({ headers }: IncomingMessage): boolean {
  const length = Number(headers['content-length'] ?? 0);
  return (headers['content-type'] ?? '').startsWith('text/html') && headers['content-encoding'] === undefined && length <= PAGE_MAX_BYTES;
}

export function withLinksBelow(prefix: string, page: string): string {
  return page.replace(LINK, (_all, before: string, link: string) => before + linkBelow(prefix, link));
}

/** A link on the target's root, or an address of the target itself, as the proxy's; others stay. */
export function linkBelow(prefix: string, link: string, target?: { host: string; port: number }): string {
  const own = target === undefined ? undefined : new RegExp(`^https?://${target.host.replaceAll('.', '\\.')}(?::${String(target.port)})?(/.*|)$`).exec(link);
  const path = own?.[1] ?? link;
  return path.startsWith('/') && !path.startsWith('//') && !path.startsWith(prefix) ? prefix + path : path;
}
