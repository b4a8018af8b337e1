// What users carry through streams with upstream's kubectl, over WebSockets and over SPDY: files and folders there and back, commands with
// input, output and codes, forwarded ports; debugging a pod and a node; run -i.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import { createSuppliedCluster, KUBECTL } from '../support/cluster.ts';
import { ownNetwork } from '../support/lab.ts';

ownNetwork();
const TIMEOUT_MS = 300_000;
const BIG = 8 << 20;
const FILES = 400;

t.setTimeout(TIMEOUT_MS);
const cluster = await createSuppliedCluster('ks', '10.98.18');
t.teardown(() => cluster.remove());
const folder = mkdtempSync(join(tmpdir(), `skiff-streams-${String(process.pid)}-`));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
await cluster.start();
cluster.kubectl('run', 'box', '--image=busybox:1', '--restart=Never', '--command', '--', 'sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.2; done');
cluster.kubectl('wait', '--for=condition=Ready', 'pod/box', '--timeout=60s');

interface Ran {
  code: number;
  stdout: Buffer;
  stderr: string;
}

/** `sockets`: over WebSockets, else SPDY. */
async function run(sockets: boolean, args: readonly string[], input: Buffer = Buffer.alloc(0)): Promise<Ran> {
  const child = spawn(KUBECTL, ['--kubeconfig', cluster.kubeconfig, ...args], { env: { ...process.env, KUBECTL_REMOTE_COMMAND_WEBSOCKETS: String(sockets), KUBECTL_PORT_FORWARD_WEBSOCKETS: String(sockets) } });
  const [stdout, stderr]: Buffer[][] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => stdout?.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr?.push(chunk));
  child.stdin.on('error', () => undefined).end(input);
  const [code] = await once(child, 'close') as [number | null];
  return { code: code ?? 1, stdout: Buffer.concat(stdout ?? []), stderr: Buffer.concat(stderr ?? []).toString() };
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

for (const [name, sockets] of [['WebSockets', true], ['SPDY', false]] as const) {
  t.test(`commands over ${name}: much both ways at once, input that ends, codes, what is not there`, async (t) => {
    const big = randomBytes(BIG);
    const there = await run(sockets, ['exec', '-i', 'box', '-c', 'box', '--', 'sha256sum'], big);
    t.match([there.code, there.stdout.toString()], [0, digest(big)]);
    const back = await run(sockets, ['exec', '-i', 'box', '-c', 'box', '--', 'cat'], big);
    t.same([back.code, digest(back.stdout)], [0, digest(big)], 'both ways at once');
    const errors = await run(sockets, ['exec', 'box', '-c', 'box', '--', 'sh', '-c', 'echo out; echo bad >&2; exit 7']);
    t.same([errors.code, errors.stdout.toString(), errors.stderr], [7, 'out\n', 'bad\ncommand terminated with exit code 7\n']);
    const missing = await run(sockets, ['exec', 'box', '-c', 'box', '--', 'nothing']);
    t.equal(missing.code, 1);
    t.match(missing.stderr, /Internal error occurred: error executing command in container: failed to exec in container: .*exec: "nothing": executable file not found in \$PATH/s);
    const early = await run(sockets, ['exec', '-i', 'box', '-c', 'box', '--', 'true'], big);
    t.equal(early.code, 0, 'one that reads nothing of it');
  });

  t.test(`files over ${name}: a big one, many, links, there and back`, async (t) => {
    const from = join(folder, `${name}-from`);
    mkdirSync(join(from, 'deep/er'), { recursive: true });
    const big = randomBytes(BIG);
    writeFileSync(join(from, 'big'), big);
    writeFileSync(join(from, 'empty'), '');
    writeFileSync(join(from, 'deep/er/with a space'), 'x');
    for (let index = 0; index < FILES; index++) writeFileSync(join(from, `deep/${String(index)}`), String(index));
    symlinkSync('big', join(from, 'link'));
    const put = await run(sockets, ['cp', '-c', 'box', from, `box:/tmp/${name}`]);
    t.equal(put.code, 0, put.stderr);
    const inside = await run(sockets, ['exec', 'box', '-c', 'box', '--', 'sh', '-c', `cd /tmp/${name} && sha256sum big && readlink link && ls deep | wc -l && cat 'deep/er/with a space'`]);
    t.same(inside.stdout.toString(), `${digest(big)}  big\nbig\n${String(FILES + 1)}\nx`);
    const to = join(folder, `${name}-to`);
    const got = await run(sockets, ['cp', '-c', 'box', `box:/tmp/${name}`, to]);
    t.equal(got.code, 0, got.stderr);
    t.equal(digest(readFileSync(join(to, 'big'))), digest(big));
    t.equal(readdirSync(join(to, 'deep')).length, FILES + 1);
    t.notOk(readdirSync(to).includes('link') && readlinkSync(join(to, 'link')) !== 'big', 'kubectl leaves links out, or as they are');
    // tar ends the archive after its complaint, and kubectl, having read that end, may end before it tells the complaint: what is told is told by exec.
    await run(sockets, ['cp', '-c', 'box', 'box:/tmp/nothing', join(folder, 'none')]);
    t.notOk(existsSync(join(folder, 'none')), 'nothing is made of what is not there');
    const none = await run(sockets, ['exec', 'box', '-c', 'box', '--', 'tar', 'cf', '-', '/tmp/nothing']);
    t.match([none.code, none.stdout.length, none.stderr], [1, 1024, /No such file or directory.*exit code 1/s], 'an archive of nothing, and why');
  });

  t.test(`a pod is debugged over ${name}: beside it, a copy of it, and its node`, async (t) => {
    const word = name.toLowerCase();
    const beside = await run(sockets, ['debug', 'box', '-i', '-c', `beside-${word}`, '--image=busybox:1', '--profile=general', '--', 'sh', '-c', 'read line; echo "heard $line"'], Buffer.from('you\n'));
    t.match([beside.code, beside.stdout.toString()], [0, /heard you/], beside.stderr);
    const copy = await run(sockets, ['debug', 'box', '-i', `--copy-to=copy-${word}`, '--container=box', '--profile=general', '--', 'sh', '-c', 'read line; echo "copy heard $line"'], Buffer.from('you\n'));
    t.match([copy.code, copy.stdout.toString()], [0, /copy heard you/], copy.stderr);
    const node = await run(sockets, ['debug', 'node/n1', '-i', '--image=busybox:1', '--profile=general', '--', 'sh', '-c', 'read line; ls /host/etc/hosts; echo "node heard $line"'], Buffer.from('you\n'));
    t.match([node.code, node.stdout.toString()], [0, /\/host\/etc\/hosts\s[^]*node heard you/], node.stderr);
  });

  t.test(`attached to over ${name}: run -i, until its input ends`, async (t) => {
    const word = name.toLowerCase();
    const ran = await run(sockets, ['run', `once-${word}`, '-i', '--rm', '--restart=Never', '--image=busybox:1', '--command', '--', 'sh', '-c', 'cat | wc -c'], randomBytes(100_000));
    t.match([ran.code, ran.stdout.toString()], [0, /^100000$/m], ran.stderr);
  });

  t.test(`attached to over ${name} with piped input: with and without a terminal in the pod`, async (t) => {
    for (const tty of [true, false]) {
      const pod = `talk-${name.toLowerCase()}-${String(tty)}`;
      cluster.kubectl('run', pod, '-i', ...(tty ? ['-t'] : []), '--attach=false', '--restart=Never', '--image=busybox:1', '--command', '--', 'sh', '-c', 'read line; echo "heard $line"; read line; exit 0');
      cluster.kubectl('wait', '--for=condition=Ready', `pod/${pod}`, '--timeout=60s');
      const ran = await run(sockets, ['attach', '-i', pod], Buffer.from('you\nout\n'));
      t.match([ran.code, ran.stdout.toString()], [0, /heard you/], ran.stderr);
    }
  });
}
