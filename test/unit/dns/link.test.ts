// The DNS address becomes one of the node's own, in a network namespace that lives as long as this test.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import { ensureDnsLink, removeDnsLink } from '../../../agents/dns/index.ts';

const IN_NAMESPACE = 'SKIFF_TEST_OWN_NETWORK';

if (process.env[IN_NAMESPACE] === undefined) {
  // /sys shows the namespace of its mount, so it is mounted anew.
  const child = spawn('unshare', ['--net', '--mount', 'sh', '-c', 'mount -t sysfs sysfs /sys && exec "$@"', 'sh', process.execPath, import.meta.filename], { stdio: 'inherit', env: { ...process.env, [IN_NAMESPACE]: '1' } });
  const [code] = (await once(child, 'exit')) as [number | null];
  process.exitCode = code ?? 1;
} else {
  t.test('the link is made once, kept, and taken away', async (t) => {
    // Of the kernel: Node lists a link only when its carrier has been noticed.
    const addresses = (): string[] => [...spawnSync('ip', ['-o', 'address', 'show', 'dev', 'skiff-dns'], { encoding: 'utf8' }).stdout.matchAll(/ inet (\S+)/g)].map(([, cidr = '']) => cidr);
    await ensureDnsLink(['10.43.0.10']);
    t.ok(addresses().includes('10.43.0.10/32'));
    await ensureDnsLink(['10.43.0.10']);
    await ensureDnsLink(['10.43.0.10', '10.43.0.11']);
    t.ok(addresses().includes('10.43.0.10/32') && addresses().includes('10.43.0.11/32'), 'another address joins it');
    await removeDnsLink();
    await removeDnsLink();
    t.strictSame(addresses(), []);
  });
}
