// Records which versions of Debian's packages are built in: writes packages.json anew with the newest that the mirror has.
// Usage: node build/programs/record.ts
import { mkdirSync } from 'node:fs';
import { recordPackages } from './debian.ts';
import { CACHE, PACKAGES, RECORD, SUITE } from './list.ts';

mkdirSync(CACHE, { recursive: true });
recordPackages(RECORD, SUITE, PACKAGES, CACHE);
