// The certificate by which the server shows aggregated API servers that it is the front proxy, so that they believe whom it speaks for; they read
// its CA and name in the ConfigMap extension-apiserver-authentication. The same CA lets a proxy of the user's speak for others here.
import type { HeldRequest } from './leaves.ts';

const NAME = 'front-proxy-client';
/** Common names of proxies that are believed. */
export const FRONT_PROXY_NAMES: readonly string[] = [NAME];

/** For `leaves.hold`, which renews it. */
export const FRONT_PROXY_LEAF = { file: 'client-front-proxy', ca: 'requestHeaderCa', subject: { commonName: NAME }, usages: ['client'] } satisfies HeldRequest;
