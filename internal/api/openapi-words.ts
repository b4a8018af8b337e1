// What OpenAPI says in prose: descriptions of definitions, of their fields, of parameters. They come from outside (cmd gives them, as the
// executable carries them compressed), are loaded when a document is made, and kept by nobody.

export interface Words {
  /** Of a definition, or of one of its fields. */
  of(id: string, field?: string): string | undefined;
  /** Of a parameter; `use` where the same name means something else: `container` of `exec`. */
  parameter(name: string, use?: string): string | undefined;
}

/** Documents without prose. */
export const NO_WORDS: Words = { of: () => undefined, parameter: () => undefined };

/** One tab-separated line each: `D id text`, `F id field text`, `P name use text`; text as JSON. */
export function parseWords(table: string): Words {
  const texts = new Map<string, string>();
  for (const line of table.split('\n')) {
    const at = line.lastIndexOf('\t');
    if (at > 0) texts.set(line.slice(0, at), line.slice(at + 1));
  }
  const read = (key: string): string | undefined => {
    const text = texts.get(key);
    return text === undefined ? undefined : (JSON.parse(text) as string);
  };
  return {
    of: (id, field) => read(field === undefined ? `D\t${id}` : `F\t${id}\t${field}`),
    parameter: (name, use = '') => read(`P\t${name}\t${use}`),
  };
}

export function described<T extends object>(schema: T, description: string | undefined): T & { description?: string } {
  return description === undefined || description === '' ? schema : { description, ...schema };
}
