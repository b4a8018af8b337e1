// Records which versions of Debian's packages are built in: writes packages.json anew with the newest that the mirror has.
// Usage: node build/programs/record.ts
import { mkdirSync, writeFileSync } from 'node:fs';
import { CACHE, PACKAGES, RECORD, SUITE } from './list.ts';
import { newestPackages } from './debian.ts';

mkdirSync(CACHE, { recursive: true });
writeFileSync(RECORD, `${JSON.stringify(newestPackages(SUITE, PACKAGES, CACHE), undefined, 2)}\n`);
