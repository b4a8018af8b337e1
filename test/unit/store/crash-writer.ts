// The child of crash.test.ts: writes without end, printing each revision once it is acknowledged, until it is killed.
import { systemClock } from '../../../internal/base/clock.ts';
import { openSqliteStore } from '../../../internal/store/sqlite.ts';
import { CONFIGMAPS, configMap, LEASES } from '../../contract/store.ts';

const store = await openSqliteStore({ path: process.argv[2] ?? '', clock: systemClock });
process.stdout.write(`opened ${String(store.revision)}\n`);
const writer = async (lane: string): Promise<never> => {
  for (let at = 0; ; at++) {
    const name = `${lane}-${String(store.revision)}-${String(at)}`;
    const { metadata } = await store.create(CONFIGMAPS, configMap(name, { text: 'x'.repeat(500) }), 'durable');
    process.stdout.write(`durable ${name} ${metadata.resourceVersion}\n`);
    const lease = await store.create(LEASES, configMap(name), 'relaxed');
    process.stdout.write(`relaxed ${name} ${lease.metadata.resourceVersion}\n`);
  }
};
await Promise.all(['a', 'b', 'c', 'd'].map(writer));
