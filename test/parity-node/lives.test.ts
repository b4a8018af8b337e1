// How pods live: restarts, init containers and sidecars. See parity-node.ts.
import t from 'tap';
import { playSections } from './parity-node.ts';

await playSections(t, { sections: ['restarts', 'init'], net: '10.98.11' });
