// The cluster's keys and certificates, in <data-dir>/server/tls. Made at first start; leaves are made anew whenever they are missing, near
// their end, signed by another CA, or lack a name the server has now, so that a change of address or clock heals at the next look.
//
//   server-ca ──► kube-apiserver (serving), kubelet (serving)
//   client-ca ──► admin, kube-apiserver-kubelet, node:<name>, and whoever joins
//   request-header-ca ──► front-proxy (aggregated API servers)
//   service.key: signs service account tokens
import { hash, createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { readFileIfThere, writeFileAtomically } from '../base/files.ts';
import type { Random } from '../base/random.ts';
import { createAuthority, generateKey, issueKeyPair, type CertificateRequest, type KeyPair } from './certificate.ts';

const DAY_MS = 86_400_000;
const CA_LIFETIME_MS = 20 * 365 * DAY_MS;
const LEAF_LIFETIME_MS = 365 * DAY_MS;
/** When this was written: no clock that shows less is right. */
const CLOCK_FLOOR_MS = Date.UTC(2026, 0, 1);

export type AuthorityName = 'serverCa' | 'clientCa' | 'requestHeaderCa';
export type LeafRequest = Pick<CertificateRequest, 'subject' | 'names' | 'usages'>;

export interface AuthorityOptions {
  clock: Clock;
  random: Random;
  /** Default a year. */
  leafLifetimeMs?: number;
}

export interface Authority {
  serverCa: KeyPair;
  clientCa: KeyPair;
  requestHeaderCa: KeyPair;
  /** PEM private key that signs service account tokens. */
  serviceAccountKey: string;
  /** The leaf of this file name, from disk when it still serves, else issued and written. */
  leaf(file: string, ca: AuthorityName, request: LeafRequest): KeyPair;
  /** How long leaves last. They are made anew when a quarter of it is left. */
  readonly leafLifetimeMs: number;
  /** sha256 of the server CA's PEM in hex: what a join token pins. */
  readonly pin: string;
}

export function openAuthority(directory: string, { clock, random, leafLifetimeMs = LEAF_LIFETIME_MS }: AuthorityOptions): Authority {
  const ca = (file: string, commonName: string): KeyPair => readPair(directory, file) ?? writePair(directory, file, createAuthority(commonName, lasting(CA_LIFETIME_MS, clock), random));
  const authorities = {
    serverCa: ca('server-ca', 'skiff-server-ca'),
    clientCa: ca('client-ca', 'skiff-client-ca'),
    requestHeaderCa: ca('request-header-ca', 'skiff-request-header-ca'),
  };
  return {
    ...authorities,
    serviceAccountKey: serviceAccountKey(directory),
    pin: caPin(authorities.serverCa.certificate),
    leafLifetimeMs,
    leaf(file, ca, request) {
      const held = readPair(directory, file);
      if (held !== undefined && serves(held, { ca: authorities[ca], names: request.names ?? [], now: clock.now(), lifetimeMs: leafLifetimeMs })) return held;
      return writePair(directory, file, issueKeyPair(authorities[ca], { ...request, ...lasting(leafLifetimeMs, clock) }, random));
    },
  };
}

export function caPin(certificate: string): string {
  return hash('sha256', certificate);
}

/** From the beginning of time, since boards without a clock battery start anywhere in the past, and so far from now. */
export function lasting(lifetimeMs: number, clock: Pick<Clock, 'now'>): { notBefore: number; notAfter: number } {
  return { notBefore: 0, notAfter: Math.max(clock.now(), CLOCK_FLOOR_MS) + lifetimeMs };
}

/** When a certificate is to be replaced: with a quarter of its life left; never when its CA ends with it, as another would not last longer. */
export function renewAt(certificate: string, ca: string, lifetimeMs: number): number {
  const [end, caEnd] = [certificate, ca].map((pem) => Date.parse(new X509Certificate(pem).validTo));
  return end === undefined || caEnd === undefined || end >= caEnd ? Number.POSITIVE_INFINITY : end - lifetimeMs / 4;
}

/** The certificate is good for every one of these host names and addresses. */
export function isFor(certificate: string, names: readonly string[]): boolean {
  const held = new X509Certificate(certificate);
  const listed = new Set(held.subjectAltName?.split(', '));
  return names.every((name) => (isIP(name) === 0 ? listed.has(`DNS:${name}`) : held.checkIP(name) !== undefined));
}

interface Wanted {
  ca: KeyPair;
  names: readonly string[];
  now: number;
  lifetimeMs: number;
}

function serves(pair: KeyPair, { ca, names, now, lifetimeMs }: Wanted): boolean {
  const certificate = new X509Certificate(pair.certificate);
  return (
    certificate.verify(createPublicKey(ca.certificate)) &&
    certificate.checkPrivateKey(createPrivateKey(pair.key)) &&
    Date.parse(certificate.validFrom) <= Math.max(now, Date.parse(new X509Certificate(ca.certificate).validFrom)) &&
    renewAt(pair.certificate, ca.certificate, lifetimeMs) > now &&
    isFor(pair.certificate, names)
  );
}

function serviceAccountKey(directory: string): string {
  const path = join(directory, 'service.key');
  const held = readFileIfThere(path);
  if (held !== undefined && held !== '') return held;
  const key = generateKey();
  writeFileAtomically(path, key, { mode: 0o600 });
  return key;
}

// A pair cut off by a power failure (empty file) counts as missing.
function readPair(directory: string, file: string): KeyPair | undefined {
  const certificate = readFileIfThere(join(directory, `${file}.crt`));
  const key = readFileIfThere(join(directory, `${file}.key`));
  return certificate === undefined || key === undefined || certificate === '' || key === '' ? undefined : { certificate, key };
}

function writePair(directory: string, file: string, pair: KeyPair): KeyPair {
  writeFileAtomically(join(directory, `${file}.key`), pair.key, { mode: 0o600 });
  writeFileAtomically(join(directory, `${file}.crt`), pair.certificate);
  return pair;
}
