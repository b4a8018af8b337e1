// Create: a draft becomes an object. Names that the server makes up are tried again when they are taken.
import { isReason, StatusError } from '../base/errors.ts';
import { copy, formatGroupResource, type KubeObject } from '../api/meta.ts';
import type { Kind } from '../kinds/kind.ts';
import { durabilityOf } from './durability.ts';
import type { Engine } from './engine.ts';
import { withHeld } from './hooks.ts';
import { dropDoubleOwners } from './owner-references.ts';
import { placeOf } from './place.ts';
import { applyAllDefaults, applyDefaultsAgain, fillSystemFields, prepareForCreate, setType, validateForCreate } from './preparation.ts';
import type { WriteContext } from './registry.ts';
import { thaw } from './thaw.ts';

const NAME_ATTEMPTS = 8;

export async function createObject(engine: Engine, kind: Kind, draft: KubeObject, context: WriteContext): Promise<KubeObject> {
  if (draft.metadata.name || !draft.metadata.generateName) return createOnce(engine, kind, thaw(draft), context);
  for (let attempt = 1; ; attempt++) {
    try {
      return await createOnce(engine, kind, copy(draft), context);
    } catch (error) {
      if (attempt < NAME_ATTEMPTS || !isReason(error, 'AlreadyExists')) {
        if (isReason(error, 'AlreadyExists')) continue;
        throw error;
      }
      const { details } = error as StatusError;
      throw new StatusError('AlreadyExists', `${formatGroupResource(kind)} ${JSON.stringify(details?.name ?? '')} already exists, the server was not able to generate a unique name for the object`, {
        details: { ...details, retryAfterSeconds: 1 },
      });
    }
  }
}

async function createOnce(engine: Engine, kind: Kind, draft: KubeObject, context: WriteContext): Promise<KubeObject> {
  applyAllDefaults(engine, kind, draft, { isNew: true });
  setType(kind, draft);
  dropDoubleOwners(draft, { warn: context.warn, changed: false });
  const { resourceVersion } = draft.metadata;
  context.track?.(draft, undefined);
  if (context.mutate !== undefined) {
    await context.mutate(draft, undefined);
    applyDefaultsAgain(engine, kind, draft, { isNew: true });
    dropDoubleOwners(draft, { warn: context.warn, changed: true });
  }
  fillSystemFields(engine, kind, draft);
  prepareForCreate(engine, kind, draft, context);
  return withHeld(engine.hookOf(kind)?.before(draft, undefined), context.dryRun, async () => {
    validateForCreate(engine, kind, draft, context);
    await context.validate?.(draft, undefined);
    if (!context.dryRun && Number(resourceVersion) > 0) throw new StatusError('InternalError', 'resourceVersion should not be set on objects to be created');
    return store(engine, kind, draft, context);
  });
}

async function store(engine: Engine, kind: Kind, draft: KubeObject, { dryRun }: WriteContext): Promise<KubeObject> {
  const { resource, encode, decode, ready } = placeOf(kind);
  const { namespace = '', name } = draft.metadata;
  const there = engine.store.newest(resource, { namespace, name });
  if (there !== undefined) throw taken(kind, there);
  if (dryRun) return draft;
  const created = await engine.store.create(resource, await encode(draft), durabilityOf(kind, draft, undefined));
  await ready([created]);
  return decode(created);
}

function taken(kind: Kind, { metadata: { name, deletionTimestamp } }: KubeObject): StatusError {
  const exists = `${formatGroupResource(kind)} ${JSON.stringify(name)} already exists`;
  const { group, resource } = kind;
  return new StatusError('AlreadyExists', deletionTimestamp === undefined ? exists : `object is being deleted: ${exists}`, { details: { name, ...(group !== '' && { group }), kind: resource } });
}
