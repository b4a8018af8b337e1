// What pods are told and asked by the node, and how they end: hooks, probes, deletions. See parity-node.ts.
import t from 'tap';
import { playSections } from './parity-node.ts';

await playSections(t, { sections: ['hooks', 'probes', 'deletion'], net: '10.98.12' });
