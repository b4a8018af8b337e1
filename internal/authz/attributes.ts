// What is asked of an authorizer, and what it answers.
import type { UserInfo } from '../api/user.ts';

export interface Attributes {
  user: UserInfo;
  verb: string;
  isResource: boolean;
  path: string;
  group: string;
  version: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
  fieldSelector: string;
}

export interface Decision {
  allowed: boolean;
  reason: string;
}
