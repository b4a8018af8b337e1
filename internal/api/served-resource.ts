// A resource as OpenAPI describes it.
import type { Dialect, OpenApiSchema } from './openapi-schemas.ts';

/** A served resource, as internal/kinds/generated/kinds.ts has it; custom kinds bring their schemas. */
export interface ServedResource {
  group: string;
  version: string;
  kind: string;
  resource: string;
  namespaced: boolean;
  verbs: readonly string[];
  subresources: readonly { name: string; group: string; version: string; kind: string; verbs: readonly string[] }[];
  /** Definition id in the table, or the name that a custom schema is published under; '' is not published. */
  schema: string;
  /** A custom kind's own schemas. */
  custom?: { openApi(dialect: Dialect): { object: OpenApiSchema; list: OpenApiSchema } };
}
