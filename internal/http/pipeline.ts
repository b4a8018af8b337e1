// The one road of every request once it is known who asks: authorized, admitted, done by the registry. HTTP comes here with what it parsed;
// loops and commands in the process come here with objects and no bytes: `as(user)` is a Transport for that user.
//
//   Authenticated ──authorize──► Authorized ──┬─ get, list, watch ──► registry
//                                             └─ admit ──► Admitted ──► create, update, patch, delete ──► registry
import { notFound, StatusError } from '../base/errors.ts';
import { copy, type KubeObject } from '../api/meta.ts';
import { dropNulls } from '../api/patch/members.ts';
import type { ApiRequest, Impersonable, Transport, WatchEvent } from '../api/request.ts';
import type { UserInfo } from '../api/user.ts';
import type { Kind } from '../kinds/kind.ts';
import type { WatchOptions } from '../registry/registry.ts';
import type { WatchSource } from '../watch/buffer.ts';
import type { Audit, AuditTrail } from './audit/trail.ts';
import { notAllowed, nothingThere, type Answer, type Call, type PipelineOptions } from './call.ts';
import { statusOf } from './respond.ts';
import type { RequestInfo } from './route.ts';
import { admitOnly, authenticated, authorize, type Authenticated, type Authorized } from './stages.ts';
import { subresourceOf } from './subresources/index.ts';
import { getMade, listMade } from './made.ts';
import { createOne, deleteMany, deleteOne, getOne, listMany, patchOne, updateOne } from './verbs.ts';

export interface Pipeline extends Impersonable {
  readonly options: PipelineOptions;
  authorize(request: Authenticated): Authorized;
  /** StatusError NotFound when nothing is served there. */
  kindOf(info: RequestInfo): Kind;
  serve(request: Authorized, body: ApiRequest['body']): Promise<Answer>;
  watch(request: Authorized, signal: AbortSignal): WatchSource<WatchEvent>;
}

export function createPipeline(options: PipelineOptions): Pipeline {
  const { registry, kinds, authorizer } = options;
  const kindOf = (info: RequestInfo): Kind => {
    const kind = kinds.byResource(info.group, info.version, info.resource);
    if (kind === undefined) throw nothingThere();
    return kind;
  };
  const pipeline: Pipeline = {
    options,
    kindOf,
    authorize: (request) => authorize(request, authorizer),
    async serve(request, body) {
      const kind = kindOf(request.info);
      request.audit?.requestObject(body ?? (request.options.delete as ApiRequest['body']));
      const answer = await (request.info.subresource === '' ? ofObject(options, { request, kind, body }) : ofSubresource(options, { request, kind, body }));
      request.audit?.responseObject(answer.body);
      return answer;
    },
    watch(request, signal) {
      const kind = kindOf(request.info);
      if (!kind.verbs.includes('watch')) throw notAllowed();
      // A custom kind that changes or goes takes its watches with it.
      const until = kind.custom === undefined ? signal : AbortSignal.any([signal, kind.custom.retired]);
      return registry.watch(kind, { ...request.options, namespace: request.info.namespace } as WatchOptions, until);
    },
    as: (user) => transportOf(pipeline, user),
  };
  return pipeline;
}

async function ofObject(options: PipelineOptions, call: Call): Promise<Answer> {
  const { request: { info: { verb } }, kind } = call;
  if (!kind.verbs.includes(verb)) throw notAllowed();
  switch (verb) {
    case 'get': return kind.made === undefined ? getOne(options, call) : getMade(call);
    case 'list': return kind.made === undefined ? listMany(options, call) : listMade(call);
    case 'create':
      if (kind.custom?.terminating === true) throw beingDeleted(call);
      return subresourceOf(kind, '') === undefined ? createOne(options, call) : review(options, call);
    case 'update': return updateOne(options, call);
    case 'patch': return patchOne(options, call);
    case 'delete': return deleteOne(options, call);
    case 'deletecollection': return deleteMany(options, call);
    default: throw notAllowed();
  }
}

/** What is asked and not stored. */
async function review(options: PipelineOptions, call: Call): Promise<Answer> {
  const { request, kind } = call;
  if (kind.resource === 'bindings') return ofSubresource(options, call); // they are the pod's subresource, admitted as such
  const object = dropNulls(copy(call.body)) as KubeObject;
  await admitOnly(request, options.admission, { kind, operation: 'CREATE', object });
  return ofSubresource(options, { ...call, body: object });
}

async function ofSubresource(options: PipelineOptions, call: Call): Promise<Answer> {
  const { request: { info }, kind } = call;
  const handler = subresourceOf(kind, info.subresource);
  const served = kind.subresources.find(({ name }) => name === info.subresource);
  if (kind.custom !== undefined && served === undefined) throw notFound(kind, info.name);
  if (handler === undefined || (info.subresource !== '' && served === undefined)) throw nothingThere();
  if (served !== undefined && !served.verbs.includes(info.verb)) throw notAllowed();
  return handler(options, call);
}

function beingDeleted({ request: { info }, kind: { group, resource } }: Call): StatusError {
  return new StatusError('Forbidden', `${resource}.${group} ${JSON.stringify(info.name)} is forbidden: create not allowed while custom resource definition is terminating`, { details: { ...(info.name !== '' && { name: info.name }), group, kind: resource } });
}

function transportOf(pipeline: Pipeline, user: UserInfo): Transport {
  const { audit } = pipeline.options;
  const enter = (request: ApiRequest, trail?: AuditTrail): Authorized =>
    pipeline.authorize(authenticated({ info: infoOf(request), options: request.options, userAgent: 'skiff', warn: () => {}, ...(trail !== undefined && { audit: trail, annotate: trail.annotate }) }, user));
  return {
    async send(request) {
      if (audit === undefined) return (await pipeline.serve(enter(request), request.body)).body;
      return audited(audit, { info: infoOf(request), user }, (trail) => pipeline.serve(enter(request, trail), request.body));
    },
    watch: (request, signal) => pipeline.watch(enter(request), signal),
  };
}

/** Requests from within are written down as those from outside are. */
async function audited(audit: Audit, { info, user }: { info: RequestInfo; user: UserInfo }, serve: (trail: AuditTrail | undefined) => Promise<Answer>): Promise<unknown> {
  const trail = audit.begin({ info, user, uri: pathOf(info), userAgent: 'skiff', sourceIPs: ['127.0.0.1'] });
  try {
    const { code, body } = await serve(trail);
    trail?.complete(code);
    return body;
  } catch (error) {
    const { code, status } = statusOf(error);
    trail?.complete(code, status);
    throw error;
  }
}

function pathOf({ group, version, namespace, resource, name, subresource }: RequestInfo): string {
  const place = namespace === '' || resource === 'namespaces' ? [] : ['namespaces', namespace];
  return ['', ...(group === '' ? ['api'] : ['apis', group]), version, ...place, resource, name, subresource].filter((part, index) => index === 0 || part !== '').join('/');
}

function infoOf({ verb, resource, namespace, name, subresource, options }: ApiRequest): RequestInfo {
  // A namespace is in itself, for authorization and for its own admission.
  const within = resource.group === '' && resource.resource === 'namespaces' && name !== '' ? name : namespace;
  return { isResource: true, verb, path: '', ...resource, namespace: within, name, subresource, rest: [], fieldSelector: options.fieldSelector ?? '' };
}
