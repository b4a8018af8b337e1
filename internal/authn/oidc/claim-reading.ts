// How the claims of an OIDC token become a user: by name, or by CEL expressions over `claims` and `user` (upstream: authenticator/token/oidc).
// Expressions are checked when the file is read, so that a mistake stops the start and not somebody's login.
import { messageOf } from '../../base/errors.ts';
import type { UserInfo } from '../../api/user.ts';
import { compile, DYN, toJson, type Program } from '../../cel/index.ts';
import type { ClaimMapping, JwtIssuer } from './configuration.ts';

export type Claims = Readonly<Record<string, unknown>>;

/** Throws with what is wrong with the token's claims. */
export type ReadUser = (claims: Claims) => UserInfo;

export function claimReader({ claimMappings, claimValidationRules = [], userValidationRules = [] }: JwtIssuer, path: string): ReadUser {
  const program = (expression: string, variable: 'claims' | 'user', place: string): Program => {
    try {
      return compile(expression, { variables: { [variable]: DYN } });
    } catch (error) {
      throw new Error(`${path}.${place}: ${messageOf(error)}`, { cause: error });
    }
  };
  const value = ({ claim, expression }: ClaimMapping, place: string): ((claims: Claims) => unknown) => {
    if (!expression) return (claims) => claims[claim ?? ''];
    const compiled = program(expression, 'claims', `${place}.expression`);
    return (claims) => toJson(compiled.evaluate({ claims }).value);
  };
  const rules = claimValidationRules.map((rule, index) => claimRule(rule, (expression) => program(expression, 'claims', `claimValidationRules[${String(index)}].expression`)));
  const [username, groups, uid] = (['username', 'groups', 'uid'] as const).map((name) => claimMappings[name] && value(claimMappings[name], `claimMappings.${name}`));
  const extra = (claimMappings.extra ?? []).map(({ key, valueExpression }, index) => ({ key, read: value({ expression: valueExpression }, `claimMappings.extra[${String(index)}]`) }));
  const wishes = userValidationRules.map(({ expression, message }, index) => ({ message, compiled: program(expression, 'user', `userValidationRules[${String(index)}].expression`) }));
  return (claims) => {
    for (const rule of rules) rule(claims);
    const user: UserInfo = {
      username: nameOf(username?.(claims), claimMappings.username, claims),
      groups: stringsOf(groups?.(claims), 'groups').map((group) => `${claimMappings.groups?.prefix ?? ''}${group}`),
      ...uidOf(uid?.(claims)),
      ...extraOf(extra.map(({ key, read }) => [key, stringsOf(read(claims), key)]), claims),
    };
    for (const { compiled, message = '' } of wishes) {
      if (compiled.evaluate({ user }).value !== true) throw new Error(`oidc: error evaluating user info validation rule: ${message || `validation expression '${compiled.expression}' failed`}`);
    }
    return user;
  };
}

function claimRule({ claim, requiredValue = '', expression, message }: NonNullable<JwtIssuer['claimValidationRules']>[number], program: (expression: string) => Program): (claims: Claims) => void {
  if (!expression) {
    return (claims) => {
      if (claims[claim ?? ''] !== requiredValue) throw new Error(`oidc: required claim ${claim ?? ''} value does not match. Got = ${String(claims[claim ?? ''])}, want = ${requiredValue}`);
    };
  }
  const compiled = program(expression);
  return (claims) => {
    if (compiled.evaluate({ claims }).value !== true) throw new Error(`oidc: error evaluating claim validation expression: ${message ?? `validation expression '${expression}' failed`}`);
  };
}

function nameOf(value: unknown, { claim, prefix = '' }: ClaimMapping, claims: Claims): string {
  if (typeof value !== 'string' || value === '') throw new Error(`oidc: parse username claims ${JSON.stringify(claim ?? '')}: claim not present`);
  if (claim === 'email' && claims['email_verified'] !== undefined && claims['email_verified'] !== true) throw new Error('oidc: email not verified');
  return `${prefix}${value}`;
}

function stringsOf(value: unknown, what: string): string[] {
  if (value === undefined || value === null || value === '') return [];
  const list = Array.isArray(value) ? (value as unknown[]) : [value];
  if (!list.every((each): each is string => typeof each === 'string')) throw new Error(`oidc: claim of ${what} must be a string or a list of strings`);
  return list.filter((each) => each !== '');
}

function uidOf(value: unknown): { uid?: string } {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'string') throw new Error('oidc: parse uid claim: must be a string');
  return { uid: value };
}

function extraOf(entries: readonly [string, string[]][], { jti }: Claims): { extra?: Record<string, string[]> } {
  const extra = Object.fromEntries(entries.filter(([, values]) => values.length > 0));
  if (typeof jti === 'string' && jti !== '') extra['authentication.kubernetes.io/credential-id'] = [`JTI=${jti}`];
  return Object.keys(extra).length > 0 ? { extra } : {};
}
