// TokenReview (whose token is this) and SelfSubjectReview (who am I), answered and not stored.
import { StatusError } from '../../base/errors.ts';
import { formatTime, type KubeObject } from '../../api/meta.ts';
import type { UserInfo } from '../../api/user.ts';
import type { Answer, Call, PipelineOptions } from '../call.ts';

type TokenReview = KubeObject & { spec?: { token?: string; audiences?: string[] } };

export async function tokenReview({ identify, tokens }: PipelineOptions, { body }: Call): Promise<Answer> {
  const { spec = {} } = body as TokenReview;
  const { token = '', audiences } = spec;
  if (token === '') throw new StatusError('BadRequest', 'token is required for TokenReview in authentication');
  const own = tokens === undefined ? [] : [tokens.issuer];
  const asked = audiences === undefined || audiences.length === 0 ? own : audiences;
  const account = tokens?.verify(token, asked);
  // Tokens that are for nobody in particular are for this server.
  const user = account ?? (asked.some((one) => own.includes(one)) || own.length === 0 ? await identify?.(token) : undefined);
  const shown = account === undefined ? asked.filter((one) => own.includes(one)) : asked.filter((one) => tokens?.verify(token, [one]) !== undefined);
  const problem = tokens?.problemWith(token, asked);
  const error = problem === undefined ? 'invalid bearer token' : `[invalid bearer token, ${problem}]`;
  const status = user === undefined ? { user: {}, error } : { authenticated: true, user: shownUser(user), audiences: shown };
  return { code: 201, body: { kind: 'TokenReview', apiVersion: 'authentication.k8s.io/v1', metadata: {}, spec, status } };
}

export function selfSubjectReview({ clock }: PipelineOptions, { request: { user } }: Call): Promise<Answer> {
  const metadata = { creationTimestamp: formatTime(clock.now()) };
  return Promise.resolve({ code: 201, body: { kind: 'SelfSubjectReview', apiVersion: 'authentication.k8s.io/v1', metadata, status: { userInfo: shownUser(user) } } });
}

function shownUser({ username, uid, groups, extra }: UserInfo): object {
  return { username, ...(uid !== undefined && { uid }), groups, ...(extra !== undefined && { extra }) };
}
