// One webhook is asked about one request: what it says is checked, its warnings and audit annotations are taken, its refusal is thrown in its
// own words. A call that comes to nothing is a CallFailure: the failurePolicy decides what that means.
import { messageOf, STATUS_CODES, StatusError, type StatusReason } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import type { Callout } from '../../api/callout.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { Kind } from '../../kinds/kind.ts';
import type { AdmissionRequest } from '../admission.ts';
import { internal, typed } from '../forms.ts';
import { objectKindOf } from '../matching.ts';
import type { Webhook } from './hooks.ts';
import { reviewOf, reviewVersion, UnknownReview, verdictOf, type Refusal, type Verdict } from './review.ts';

/** `failed calling webhook "x": why`. */
export class CallFailure extends Error {
  constructor(webhook: string, why: string, cause?: unknown) {
    super(`failed calling webhook ${JSON.stringify(webhook)}: ${why}`, { cause });
  }
}

export interface Calling {
  callout: Callout;
  random: Random;
}

export interface Subject {
  /** The kind by which the webhook wants it, and the objects in its form. */
  as: Kind;
  object: KubeObject | undefined;
  old: KubeObject | undefined;
}

const TIMEOUT_S = 10;

/** An allowing verdict. StatusError when the webhook refuses, CallFailure when it cannot be asked. */
export async function askWebhook({ callout, random }: Calling, webhook: Webhook, asking: { request: AdmissionRequest; subject: Subject; mutating: boolean }): Promise<Verdict> {
  const { request, subject, mutating } = asking;
  if (request.dryRun && webhook.sideEffects !== 'None' && webhook.sideEffects !== 'NoneOnDryRun') throw new StatusError('BadRequest', `admission webhook ${JSON.stringify(webhook.name)} does not support dry run`);
  const uid = random.uuid();
  const version = attempt(webhook, '', () => reviewVersion(webhook.admissionReviewVersions));
  const gvk = objectKindOf(subject.as, request.subresource);
  const shown = (object: KubeObject | undefined): KubeObject | undefined => (object === undefined ? undefined : typed(object, gvk));
  const review = reviewOf(request, { uid, version, as: subject.as, object: shown(subject.object), old: shown(subject.old) });
  const { url, service, caBundle } = webhook.clientConfig;
  const target = { ...(url !== undefined && { url }), ...(service !== undefined && { service }), ...(caBundle !== undefined && { caBundle }) };
  const answer = await callout.post(target, review, { timeoutMs: (webhook.timeoutSeconds ?? TIMEOUT_S) * 1000 }).catch((error: unknown) => {
    throw new CallFailure(webhook.name, `failed to call webhook: ${messageOf(error)}`, error);
  });
  const verdict = attempt(webhook, 'received invalid webhook response: ', () => verdictOf(answer, { uid, version, mutating }));
  for (const [key, value] of Object.entries(verdict.auditAnnotations)) request.annotate?.(`${webhook.name}/${key}`, value);
  for (const warning of verdict.warnings) request.warn(warning);
  if (!verdict.allowed) throw refusedBy(webhook.name, verdict.result);
  return verdict;
}

function attempt<T>(webhook: Webhook, prefix: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new CallFailure(webhook.name, `${error instanceof UnknownReview ? 'failed to call webhook: ' : prefix}${messageOf(error)}`, error);
  }
}

/** What a failed call comes to: nothing when failures are to be ignored, else the error to answer with. */
export function asFailure(error: unknown, { failurePolicy }: Webhook): Error | undefined {
  if (!(error instanceof CallFailure)) return error as Error;
  return failurePolicy === 'Ignore' ? undefined : internal(error.message, error);
}

function refusedBy(webhook: string, { message = '', reason = '', code = 0, details, metadata }: Refusal = {}): StatusError {
  const denied = `admission webhook ${JSON.stringify(webhook)} denied the request`;
  const text = message !== '' ? `${denied}: ${message}` : reason !== '' ? `${denied}: ${reason}` : `${denied} without explanation`;
  return new StatusError(isKnown(reason) ? reason : 'Forbidden', text, {
    code: code < 400 ? 400 : code, shownReason: reason,
    ...(details !== undefined && { details }), ...(typeof (metadata as { continue?: unknown } | undefined)?.continue === 'string' && { continue: (metadata as { continue: string }).continue }),
  });
}

function isKnown(reason: string): reason is StatusReason {
  return Object.hasOwn(STATUS_CODES, reason);
}
