import t from 'tap';
import { createMemoryStore } from '../../../internal/store/memory.ts';
import { storeContract } from '../../contract/store.ts';

await storeContract(t, (options) => Promise.resolve(createMemoryStore(options)));
