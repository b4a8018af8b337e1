// Pushes images of many layers to a registry that only this process's network reaches: node test/support/push-to.ts URL NAME…
// Each has random files of its own, and `/sums` to tell whether all of them are whole.
import { hash, randomBytes } from 'node:crypto';
import { fixtureImages, packTree, pushImages, type FixtureImage } from './images.ts';

const [LAYERS, FILES, FILE_BYTES] = [5, 8, 512 << 10];
const CHECK = 'cd / && sha256sum -c /sums >/tmp/checked && echo whole || { grep -v OK /tmp/checked; echo broken; }; sleep 1000000';

const [url = '', ...names] = process.argv.slice(2);
await pushImages(url, names.map(layered));

function layered(name: string): FixtureImage {
  const base = fixtureImages().find((image) => image.name === 'busybox:1')?.layers ?? [];
  const sums: string[] = [];
  const layers = Array.from({ length: LAYERS }, (_, layer) => ({ tar: packTree(Object.fromEntries(Array.from({ length: FILES }, (_, file) => {
    const [path, text] = [`data/${String(layer)}/${String(file)}`, randomBytes(FILE_BYTES)];
    sums.push(`${hash('sha256', text)}  ${path}\n`);
    return [path, { text }];
  }))) }));
  return { name, layers: [...base, ...layers, { tar: packTree({ sums: { text: sums.join('') } }) }], config: { Cmd: ['sh', '-c', CHECK], Env: ['PATH=/bin:/sbin:/usr/bin:/usr/sbin'] } };
}
