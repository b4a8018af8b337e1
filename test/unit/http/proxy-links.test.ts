import t from 'tap';
import { linkBelow, proxyPrefix, withLinksBelow } from '../../../internal/http/proxy-links.ts';

t.test('links on the root are set below the proxy path, others stay', (t) => {
  const prefix = '/api/v1/namespaces/a/pods/b/proxy';
  t.equal(withLinksBelow(prefix, `<a href="/x">x</a><img class=y src='/i.png'><a href="rel">r</a><a href="//cdn/y">c</a><p>/not a link</p>`), `<a href="${prefix}/x">x</a><img class=y src='${prefix}/i.png'><a href="rel">r</a><a href="//cdn/y">c</a><p>/not a link</p>`);
  t.equal(withLinksBelow(prefix, `<a href="${prefix}/x">`), `<a href="${prefix}/x">`, 'once only');
  const target = { host: '10.0.0.1', port: 80 };
  t.equal(linkBelow(prefix, 'http://10.0.0.1:80/there', target), `${prefix}/there`);
  t.equal(linkBelow(prefix, 'http://elsewhere/there', target), 'http://elsewhere/there');
  t.end();
});

t.test('the prefix is the path without what is asked of the target', (t) => {
  const info = (path: string, rest: string[]) => ({ path, rest }) as unknown as Parameters<typeof proxyPrefix>[0];
  t.equal(proxyPrefix(info('/api/v1/namespaces/a/pods/b/proxy/', [])), '/api/v1/namespaces/a/pods/b/proxy');
  t.equal(proxyPrefix(info('/api/v1/namespaces/a/pods/b/proxy/x/y', ['x', 'y'])), '/api/v1/namespaces/a/pods/b/proxy');
  t.end();
});
