// What the audit log says of one request: who asked for what, what became of it, and, where the policy wants it, what was sent and answered
// (audit.k8s.io/v1 Event; upstream: apiserver pkg/audit).
import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { ApiRequest, Patch } from '../../api/request.ts';
import type { UserInfo } from '../../api/user.ts';
import type { RequestInfo } from '../route.ts';
import { extentOf, LEVELS, type AuditPolicy, type Level, type Stage } from './policy.ts';

export interface AuditedRequest {
  /** Absent: a new one. */
  auditId?: string;
  info: RequestInfo;
  /** Path and query. */
  uri: string;
  /** undefined: nobody, whose credentials were wrong. */
  user: UserInfo | undefined;
  userAgent: string;
  sourceIPs: readonly string[];
}

export interface AuditTrail {
  annotate(key: string, value: string): void;
  impersonated(user: UserInfo): void;
  requestObject(body: ApiRequest['body']): void;
  responseObject(body: unknown): void;
  /** A long-running answer begins. */
  started(code: number): void;
  /** `status`: of a failure. */
  complete(code: number, status?: object): void;
}

export interface Audit {
  /** undefined: nothing is to be written of it. */
  begin(request: AuditedRequest): AuditTrail | undefined;
}

export interface AuditOptions {
  policy: AuditPolicy;
  clock: Clock;
  random: Random;
  /** Takes one event. */
  write(event: object): void;
}

export function createAudit({ policy, clock, random, write }: AuditOptions): Audit {
  return {
    begin(request) {
      const { level, omitStages, omitManagedFields } = extentOf(policy, request.info, request.user);
      if (level === 'None') return undefined;
      const atLeast = (wanted: Level): boolean => LEVELS.indexOf(level) >= LEVELS.indexOf(wanted);
      const shown = (body: unknown): unknown => (omitManagedFields ? withoutManagedFields(body) : body);
      const event: Record<string, unknown> = firstWords({ auditId: random.uuid(), ...request }, level, microTime(clock.now()));
      let annotations: Record<string, string> | undefined;
      const at = (stage: Stage, more: object = {}): void => {
        Object.assign(event, more);
        if (!omitStages.includes(stage)) write({ ...event, stage, stageTimestamp: microTime(clock.now()), ...(annotations !== undefined && { annotations: { ...annotations } }) });
      };
      at('RequestReceived');
      return {
        annotate: (key, value) => void ((annotations ??= {})[key] ??= value),
        impersonated: (user) => void (event['impersonatedUser'] = userOf(user)),
        requestObject(body) {
          if (!atLeast('Request') || body === undefined) return;
          event['requestObject'] = shown(isPatch(body) ? body.body : body);
        },
        responseObject(body) {
          nameByAnswer(event, body);
          if (atLeast('RequestResponse')) event['responseObject'] = shown(body);
        },
        started: (code) => at('ResponseStarted', { responseStatus: { metadata: {}, code } }),
        complete: (code, status) => at('ResponseComplete', { responseStatus: { metadata: {}, ...status, code } }),
      };
    },
  };
}

function firstWords({ auditId, info, uri, user, userAgent, sourceIPs }: AuditedRequest & { auditId: string }, level: Level, received: string): Record<string, unknown> {
  const { isResource, verb, resource, namespace, name, group, version, subresource } = info;
  const objectRef = {
    resource, ...(namespace !== '' && { namespace }), ...(name !== '' && { name }), ...(group !== '' && { apiGroup: group }), apiVersion: version, ...(subresource !== '' && { subresource }),
  };
  return {
    kind: 'Event', apiVersion: 'audit.k8s.io/v1', level, auditID: auditId, stage: '', requestURI: uri, verb,
    user: user === undefined ? {} : userOf(user),
    ...(sourceIPs.length > 0 && { sourceIPs }), ...(userAgent !== '' && { userAgent }), ...(isResource && { objectRef }), requestReceivedTimestamp: received,
  };
}

function userOf({ username, uid, groups, extra }: UserInfo): object {
  return { username, ...(uid !== undefined && { uid }), groups, ...(extra !== undefined && { extra }) };
}

/** What is created by a generated name, and what exists, are named by the answer. */
function nameByAnswer(event: Record<string, unknown>, body: unknown): void {
  const ref = event['objectRef'] as Record<string, unknown> | undefined;
  const metadata = (body as Partial<KubeObject> | undefined)?.metadata;
  if (ref === undefined || metadata?.name === undefined || (ref['name'] !== undefined && ref['name'] !== metadata.name)) return;
  ref['name'] = metadata.name;
  if (metadata.uid !== undefined) ref['uid'] = metadata.uid;
  if (metadata.resourceVersion !== undefined) ref['resourceVersion'] = metadata.resourceVersion;
}

function isPatch(body: object): body is Patch {
  return 'type' in body && 'body' in body && !('kind' in body);
}

function withoutManagedFields(body: unknown): unknown {
  const { metadata, items } = body as { metadata?: object; items?: unknown[] };
  if (Array.isArray(items)) return { ...(body as object), items: items.map(withoutManagedFields) };
  if (metadata === undefined || !('managedFields' in metadata)) return body;
  const { managedFields: _fields, ...rest } = metadata;
  return { ...(body as object), metadata: rest };
}

/** metav1.MicroTime. */
function microTime(now: number): string {
  return new Date(now).toISOString().replace('Z', '000Z');
}
