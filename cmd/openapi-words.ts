// The words of OpenAPI: an asset of the executable; run from source, the file that build/words makes. Read and unpacked when a document is asked for.
import { hash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getRawAsset, isSea } from 'node:sea';
import { zstdDecompressSync } from 'node:zlib';
import { parseWords, type Words } from '../internal/api/openapi-words.ts';
import type { WordsSource } from '../internal/http/openapi.ts';

export const WORDS_ASSET = 'openapi-words';
/** Below the project's folder. */
export const WORDS_FILE = 'node_modules/.cache/skiff/openapi-words.zst';

/** As options of the API server. */
export function openApiWords(): { words?: WordsSource } {
  // A bundle that is no executable has neither.
  const project = import.meta.dirname as string | undefined;
  const path = isSea() ? undefined : join(project ?? '', '..', WORDS_FILE);
  if (path !== undefined && (project === undefined || !existsSync(path))) return {};
  const read = (): Uint8Array => (path === undefined ? new Uint8Array(getRawAsset(WORDS_ASSET)) : readFileSync(path));
  let held: WeakRef<Words> | undefined;
  const source: WordsSource = {
    digest: () => hash('sha256', read()),
    // Clients ask for several documents at once; what is in the way of the collector for a while costs nothing.
    load() {
      const words = held?.deref() ?? parseWords(zstdDecompressSync(read()).toString('latin1'));
      held = new WeakRef(words);
      return words;
    },
  };
  return { words: source };
}
