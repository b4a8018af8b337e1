// Where a store's writes become permanent. The engine (engine.ts) hands it batches, one at a time, each all or nothing; SQLite is one
// journal (sqlite-journal.ts), none at all is the memory store.

export interface Row {
  /** `group/resource`, '/pods' for the core group. */
  resource: string;
  /** `namespace/name`, '/name' when cluster-scoped. */
  key: string;
  /** The object as JSON; undefined removes the row. */
  value: string | undefined;
}

export interface Batch {
  rows: Row[];
  /** No revision above this is in use; to be remembered with the rows. Absent: as before. */
  ceiling?: number;
}

export interface Journal {
  /** Resolves when the batch would survive a power cut. A StatusError means that nothing of it was written. */
  write(batch: Batch): Promise<void>;
  close(): Promise<void>;
}

/** What a journal knew when it was opened. */
export interface Recovered {
  ceiling: number;
  rows: { resource: string; key: string; value: string }[];
}
