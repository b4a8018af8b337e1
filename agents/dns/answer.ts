// One question's way: refused, answered from the zone, or passed on upstream. An ExternalName's target is followed, within the cluster and
// outside, as clients' resolvers expect of the server they ask.
import type { Log } from '../../internal/base/log.ts';
import type { Random } from '../../internal/base/random.ts';
import { isIPv4 } from 'node:net';
import type { Answer } from './listener.ts';
import { encodeReply, RCODE, readName, recordsOf, truncated, type Query, type Reply } from './message.ts';
import type { Upstream } from './upstream.ts';
import type { Found } from './found.ts';
import { CLASS_IN, questionOf, TYPE, type ResourceRecord } from './record.ts';
import type { Zone } from './zone.ts';

/** CNAMEs followed at most: they may go in a circle. */
const ALIASES_MAX = 8;

export function createAnswer({ zone, upstream, random, log }: { zone: Zone; upstream: Upstream; random: Random; log: Log }): Answer {
  let synced = false;
  void zone.synced.then(() => (synced = true));

  const answer = (query: Query, limit: number): Buffer | Promise<Buffer> => {
    const refusal = refusalOf(query);
    const { question } = query;
    if (refusal !== undefined || question === undefined) return encodeReply(query, { code: refusal ?? RCODE.FORMERR }, limit);
    // What is not known yet must not be denied.
    if (!synced && (zone.isWithin(question.labels) || question.type === TYPE.PTR)) return encodeReply(query, { code: RCODE.SERVFAIL }, limit);
    const found = zone.find(question.labels, question.type);
    if (found === undefined) return pass(query, limit);
    const alias = found.answers[0]?.data;
    if (alias?.type === TYPE.CNAME && question.type !== TYPE.CNAME) {
      return follow(query, found.answers, alias.target).then((answers) => encodeReply(query, { code: RCODE.NOERROR, authoritative: true, answers }, limit));
    }
    return encodeReply(query, replyOf(found, zone), limit);
  };

  const pass = async (query: Query, limit: number): Promise<Buffer> => {
    const message = query.recursionDesired ? await upstream.ask(query) : undefined;
    if (message === undefined) return encodeReply(query, { code: query.recursionDesired ? RCODE.SERVFAIL : RCODE.REFUSED }, limit);
    return message.length <= limit ? message : truncated(message, query.question?.bytes.length ?? 0);
  };

  const follow = async (query: Query, aliases: readonly ResourceRecord[], target: string): Promise<ResourceRecord[]> => {
    const type = query.question?.type ?? 0;
    const answers = [...aliases];
    let name: string | undefined = target;
    while (name !== undefined && answers.length < ALIASES_MAX) {
      const owner: string = name;
      const labels = owner.toLowerCase().split('.');
      const found = zone.find(labels, type);
      if (found === undefined) return [...answers, ...await addressesElsewhere(query, labels, type)];
      answers.push(...found.answers.map((record) => ({ ...record, name: record.name ?? owner })));
      const alias = found.answers[0]?.data;
      name = alias?.type === TYPE.CNAME ? alias.target : undefined;
    }
    return answers;
  };

  /** Only of addresses: other records may hold names that are compressed within their message. */
  const addressesElsewhere = async (query: Query, labels: string[], type: number): Promise<ResourceRecord[]> => {
    if ((type !== TYPE.A && type !== TYPE.AAAA) || labels.some((label) => label === '' || label.length > 63)) return [];
    const bytes = questionOf(labels, type);
    const { edns: _, ...plain } = query;
    const message = await upstream.ask({ ...plain, question: { labels, type, class: CLASS_IN, bytes } });
    return message === undefined ? [] : addressRecords(message);
  };

  return (query, limit) => {
    const failed = (error: unknown): Buffer => {
      log.warn('could not answer', { name: query.question?.labels.join('.'), error });
      return encodeReply(query, { code: RCODE.SERVFAIL }, limit);
    };
    try {
      const reply = answer(query, limit);
      return reply instanceof Promise ? reply.catch(failed) : reply;
    } catch (error) {
      return failed(error);
    }
  };

  function replyOf(found: Found, { soa }: Zone): Reply {
    const code = found.exists ? RCODE.NOERROR : RCODE.NXDOMAIN;
    if (found.answers.length === 0) return { code, authoritative: true, authority: [soa()] };
    return { code, authoritative: true, answers: rotated(found.answers, random), ...(found.additional !== undefined && { additional: found.additional }) };
  }
}

function refusalOf({ opcode, question, edns }: Query): number | undefined {
  if (opcode !== 0) return RCODE.NOTIMP;
  // More than one question has no meaning (RFC 9619).
  if (question === undefined) return RCODE.FORMERR;
  if (edns !== undefined && edns.version > 0) return RCODE.BADVERS;
  if (question.class !== CLASS_IN || question.type === TYPE.AXFR || question.type === TYPE.IXFR) return RCODE.REFUSED;
  return undefined;
}

/** Another first one each time, for clients that take the first. */
function rotated(records: readonly ResourceRecord[], random: Random): ResourceRecord[] {
  const start = records.length < 2 ? 0 : Math.floor(random.fraction() * records.length);
  return [...records.slice(start), ...records.slice(0, start)];
}

function addressRecords(message: Buffer): ResourceRecord[] {
  const found: ResourceRecord[] = [];
  for (const { labels, type, ttl, dataOffset, dataBytes, section } of recordsOf(message)) {
    if (section !== 'answer') continue;
    const name = labels.join('.');
    if (type === TYPE.CNAME) found.push({ name, ttl, data: { type, target: readName(message, dataOffset).labels.join('.') } });
    if (type !== TYPE.A && type !== TYPE.AAAA) continue;
    found.push({ name, ttl, data: { type, address: addressText(message.subarray(dataOffset, dataOffset + dataBytes)) } });
  }
  return found;
}

function addressText(bytes: Buffer): string {
  const text = bytes.length === 4 ? [...bytes].join('.') : (bytes.toString('hex').match(/.{4}/g) ?? []).join(':');
  return isIPv4(text) || bytes.length === 16 ? text : '::';
}
