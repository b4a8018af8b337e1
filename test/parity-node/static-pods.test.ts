// Static pods and their mirrors. See parity-node.ts.
import t from 'tap';
import { playSections } from './parity-node.ts';

await playSections(t, { sections: ['static'], net: '10.98.14' });
