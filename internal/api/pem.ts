// PEM (RFC 7468): blocks of base64 between BEGIN and END lines, with what stands around them passed over.

export interface PemBlock {
  type: string;
  /** It has `Name: value` lines before its data. */
  headers: boolean;
  bytes: Buffer;
}

const BEGIN = /-----BEGIN ([^\n-]*)-----[ \t]*\r?\n/g;

/** Every whole block, up to the first that does not end. */
export function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  for (let from = 0; ; ) {
    BEGIN.lastIndex = from;
    const begin = BEGIN.exec(text);
    const end = begin === null ? -1 : text.indexOf(`-----END ${begin[1] ?? ''}-----`, BEGIN.lastIndex);
    if (begin === null || end < 0) return blocks;
    const lines = text.slice(begin.index + begin[0].length, end).split(/\r?\n/);
    const data = lines.filter((line) => !line.includes(':'));
    blocks.push({ type: begin[1] ?? '', headers: data.length < lines.length, bytes: Buffer.from(data.join(''), 'base64') });
    from = end;
  }
}

export function formatPem(type: string, bytes: Uint8Array): string {
  return `-----BEGIN ${type}-----\n${Buffer.from(bytes).toString('base64').replace(/.{1,64}/g, '$&\n')}-----END ${type}-----\n`;
}
