// What a container finds around it: variables, volumes, names, users, limits; and what is refused. See parity-node.ts.
import t from 'tap';
import { playSections } from './parity-node.ts';

await playSections(t, { sections: ['failures', 'environment', 'volumes', 'names', 'security', 'resources'], net: '10.98.13' });
