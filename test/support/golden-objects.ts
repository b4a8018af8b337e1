// Upstream's golden objects: one of each served kind with every field filled, in each of the three forms. test/parity/golden.ts takes them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

export interface Golden {
  name: string;
  json: { apiVersion?: string; kind?: string; metadata?: object };
  /** Base64, with the envelope. */
  protobuf: string;
  yaml: string;
}

export const GOLDEN_FILE = join(import.meta.dirname, '../parity/fixtures/golden.json.br');

export function loadGolden(): Golden[] {
  return JSON.parse(brotliDecompressSync(readFileSync(GOLDEN_FILE)).toString()) as Golden[];
}
