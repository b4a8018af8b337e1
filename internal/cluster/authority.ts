// The cluster's keys and certificates, in <data-dir>/server/tls. Made at first start; leaves are made anew whenever they are missing, near
// their end, signed by another CA, or lack a name the server has now, so that a change of address or clock heals at the next look.
//
//   server-ca ──► kube-apiserver (serving), kubelet (serving)
//   client-ca ──► admin, kube-apiserver-kubelet, node:<name>, and whoever joins
//   request-header-ca ──► front-proxy (aggregated API servers)
//   service.key: signs service account tokens
import { createHash, createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { readFileIfThere, writeFileAtomically } from '../base/files.ts';
import type { Random } from '../base/random.ts';
import { createAuthority, generateKey, issueKeyPair, type CertificateRequest, type KeyPair } from './certificate.ts';

const DAY_MS = 86_400_000;
const CA_LIFETIME_MS = 20 * 365 * DAY_MS;
const LEAF_LIFETIME_MS = 365 * DAY_MS;
const RENEW_BEFORE_MS = 90 * DAY_MS;
// Boards without a clock battery start in the past: certificates reach back a day.
const BACKDATE_MS = DAY_MS;

export interface Authority {
  serverCa: KeyPair;
  clientCa: KeyPair;
  requestHeaderCa: KeyPair;
  /** PEM private key that signs service account tokens. */
  serviceAccountKey: string;
  /** The leaf of this file name, from disk when it still serves, else issued and written. */
  leaf(file: string, ca: 'serverCa' | 'clientCa' | 'requestHeaderCa', request: Pick<CertificateRequest, 'subject' | 'names' | 'usages'>): KeyPair;
  /** sha256 of the server CA's PEM in hex: what a join token pins. */
  readonly pin: string;
}

export function openAuthority(directory: string, { clock, random }: { clock: Clock; random: Random }): Authority {
  const ca = (file: string, commonName: string): KeyPair => readPair(directory, file) ?? writePair(directory, file, createAuthority(commonName, clock.now() - BACKDATE_MS, clock.now() + CA_LIFETIME_MS, random));
  const authorities = {
    serverCa: ca('server-ca', 'skiff-server-ca'),
    clientCa: ca('client-ca', 'skiff-client-ca'),
    requestHeaderCa: ca('request-header-ca', 'skiff-request-header-ca'),
  };
  return {
    ...authorities,
    serviceAccountKey: serviceAccountKey(directory),
    pin: caPin(authorities.serverCa.certificate),
    leaf(file, ca, request) {
      const held = readPair(directory, file);
      if (held !== undefined && serves(held, authorities[ca], request.names ?? [], clock.now())) return held;
      const times = { notBefore: clock.now() - BACKDATE_MS, notAfter: clock.now() + LEAF_LIFETIME_MS };
      return writePair(directory, file, issueKeyPair(authorities[ca], { ...request, ...times }, random));
    },
  };
}

export function caPin(certificate: string): string {
  return createHash('sha256').update(certificate).digest('hex');
}

function serves(pair: KeyPair, ca: KeyPair, names: readonly string[], now: number): boolean {
  const certificate = new X509Certificate(pair.certificate);
  const held = certificate.subjectAltName ?? '';
  return (
    certificate.verify(createPublicKey(ca.certificate)) &&
    certificate.checkPrivateKey(createPrivateKey(pair.key)) &&
    Date.parse(certificate.validFrom) <= now &&
    Date.parse(certificate.validTo) - RENEW_BEFORE_MS > now &&
    names.every((name) => held.split(', ').some((entry) => entry === `DNS:${name}` || entry === `IP Address:${name}`))
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
