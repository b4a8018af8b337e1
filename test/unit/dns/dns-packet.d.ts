// What the tests use of dns-packet, which comes without types.
declare module 'dns-packet' {
  export interface Packet {
    type?: string;
    id?: number;
    flags?: number;
    opcode?: string;
    rcode?: string;
    flag_aa?: boolean;
    flag_tc?: boolean;
    questions?: { name: string; type: string; class?: string }[];
    answers?: Record<string, unknown>[];
    authorities?: Record<string, unknown>[];
    additionals?: Record<string, unknown>[];
  }
  const dnsPacket: { encode(packet: Packet): Buffer; decode(bytes: Buffer): Packet; RECURSION_DESIRED: number };
  export default dnsPacket;
}
