// The AuthenticationConfiguration file (apiserver.config.k8s.io/v1): OIDC issuers whose tokens are believed, how their claims become users, and what
// anonymous requests may reach. Every problem is told at once, by its place in the file.
import { parseYaml } from '../../api/yaml.ts';
import { pemBlocks } from '../../api/pem.ts';

export interface ClaimMapping {
  claim?: string;
  prefix?: string;
  expression?: string;
}

export interface JwtIssuer {
  issuer: { url: string; discoveryURL?: string; certificateAuthority?: string; audiences: string[] };
  claimMappings: { username: ClaimMapping; groups?: ClaimMapping; uid?: ClaimMapping; extra?: { key: string; valueExpression: string }[] };
  claimValidationRules?: { claim?: string; requiredValue?: string; expression?: string; message?: string }[];
  userValidationRules?: { expression: string; message?: string }[];
}

export interface AuthenticationConfiguration {
  jwt: JwtIssuer[];
  anonymous: { enabled: boolean; conditions?: { path: string }[] };
}

const GROUP = 'apiserver.config.k8s.io';
const VERSIONS = ['v1', 'v1beta1'];

/** `ownIssuer`: that of the cluster's service accounts, which no other may claim to be. */
export function parseAuthenticationConfiguration(text: string, file: string, ownIssuer: string): AuthenticationConfiguration {
  const given = parseYaml(text) as (Partial<AuthenticationConfiguration> & { apiVersion?: string; kind?: string }) | null;
  const problems: string[] = [];
  const [group, version = ''] = String(given?.apiVersion ?? '').split('/');
  if (given?.kind !== 'AuthenticationConfiguration' || group !== GROUP || !VERSIONS.includes(version)) problems.push(`must be an AuthenticationConfiguration of ${GROUP}/v1`);
  const jwt = given?.jwt ?? [];
  if (!Array.isArray(jwt)) problems.push('jwt: must be a list');
  else jwt.forEach((issuer, index) => problems.push(...issuerProblems(issuer, { path: `jwt[${String(index)}]`, ownIssuer, others: jwt.slice(0, index) })));
  const anonymous = given?.anonymous ?? { enabled: true };
  if (typeof anonymous.enabled !== 'boolean') problems.push('anonymous.enabled: must be true or false');
  if (!anonymous.enabled && (anonymous.conditions ?? []).length > 0) problems.push('anonymous.conditions: enabled should be set to true when conditions are defined');
  if (problems.length > 0) throw new Error(`${file}: ${problems.join('; ')}`);
  return { jwt, anonymous };
}

interface Place {
  path: string;
  ownIssuer: string;
  others: readonly JwtIssuer[];
}

function issuerProblems({ issuer, claimMappings, claimValidationRules = [] }: Partial<JwtIssuer>, { path, ownIssuer, others }: Place): string[] {
  const problems: string[] = [];
  const url = issuer?.url ?? '';
  if (!isHttps(url)) problems.push(`${path}.issuer.url: ${JSON.stringify(url)} must be an https URL without query and user`);
  if (url === ownIssuer) problems.push(`${path}.issuer.url: URL must not overlap with disallowed issuers: [${ownIssuer}]`);
  if (others.some((other) => other.issuer?.url === url)) problems.push(`${path}.issuer.url: Duplicate value: ${JSON.stringify(url)}`);
  if (issuer?.discoveryURL !== undefined && !isHttps(issuer.discoveryURL)) problems.push(`${path}.issuer.discoveryURL: must be an https URL without query and user`);
  if (issuer?.certificateAuthority && pemBlocks(issuer.certificateAuthority).length === 0) problems.push(`${path}.issuer.certificateAuthority: must be certificates in PEM`);
  if (!Array.isArray(issuer?.audiences) || issuer.audiences.length === 0) problems.push(`${path}.issuer.audiences: at least one jwt[*].issuer.audiences is required`);
  const { username, groups, uid } = claimMappings ?? {};
  if (!username?.claim === !username?.expression) problems.push(`${path}.claimMappings.username: exactly one of claim and expression is required`);
  for (const [name, mapping] of [['username', username], ['groups', groups]] as const) if (mapping?.claim && mapping.prefix === undefined) problems.push(`${path}.claimMappings.${name}.prefix: prefix is required when claim is set. It can be set to an empty string to disable prefixing`);
  for (const [name, mapping] of [['groups', groups], ['uid', uid]] as const) if (mapping?.claim && mapping.expression) problems.push(`${path}.claimMappings.${name}: only one of claim and expression can be set`);
  claimValidationRules.forEach(({ claim, expression }, index) => !claim === !expression && problems.push(`${path}.claimValidationRules[${String(index)}]: exactly one of claim and expression is required`));
  return problems;
}

function isHttps(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.protocol === 'https:' && url.username === '' && url.search === '' && url.hash === '';
}
