// NetworkPolicy: defaults, validation and row (upstream: pkg/apis/networking).
import { objectAge } from '../../api/age.ts';
import { forbidden, invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { portNameProblems, portNumberProblems } from '../../api/names.ts';
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../generated/api-types.ts';
import { cidrProblems, isStrictSubset } from './ip-address.ts';
import type { KindRules } from '../kind.ts';
import { formatLabelSelector, validateLabelSelector } from '../label-selector.ts';

const TYPES = ['Ingress', 'Egress'];
const PROTOCOLS = ['TCP', 'UDP', 'SCTP'];

export const networkPolicy: KindRules<NetworkPolicy> = {
  applyDefaults: (draft) => {
    const spec = (draft.spec ??= {});
    if ((spec.policyTypes ?? []).length === 0) spec.policyTypes = (spec.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
    for (const { ports = [] } of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) for (const port of ports) port.protocol ??= 'TCP';
  },
  validate,
  cells: (object, now) => [object.metadata.name, formatLabelSelector(object.spec?.podSelector), objectAge(object, now)],
};

function validate({ spec = {} }: Partial<NetworkPolicy>): FieldError[] {
  const errors = validateLabelSelector(spec.podSelector, 'spec.podSelector');
  const rules = [...(spec.ingress ?? []).map(({ ports, from }, index) => ({ ports, peers: from, at: `spec.ingress[${String(index)}]`, side: 'from' })), ...(spec.egress ?? []).map(({ ports, to }, index) => ({ ports, peers: to, at: `spec.egress[${String(index)}]`, side: 'to' }))];
  for (const { ports = [], peers = [], at, side } of rules) {
    ports.forEach((port, index) => errors.push(...validatePort(port, `${at}.ports[${String(index)}]`)));
    peers.forEach((peer, index) => errors.push(...validatePeer(peer, `${at}.${side}[${String(index)}]`)));
  }
  const types = spec.policyTypes ?? [];
  if (types.length > TYPES.length) return [...errors, invalid('spec.policyTypes', types, 'may not specify more than two policyTypes')];
  return [...errors, ...types.flatMap((type, index) => (TYPES.includes(type) ? [] : [notSupported(`spec.policyTypes[${String(index)}]`, type, TYPES)]))];
}

function validatePort({ protocol, port, endPort }: NetworkPolicyPort, path: string): FieldError[] {
  const errors = protocol === undefined || PROTOCOLS.includes(protocol) ? [] : [notSupported(`${path}.protocol`, protocol, PROTOCOLS)];
  if (typeof port === 'number') {
    errors.push(...portNumberProblems(port).map((problem) => invalid(`${path}.port`, port, problem)));
    if (endPort === undefined) return errors;
    if (endPort < port) errors.push(invalid(`${path}.endPort`, port, 'must be greater than or equal to `port`'));
    return [...errors, ...portNumberProblems(endPort).map((problem) => invalid(`${path}.endPort`, endPort, problem))];
  }
  if (endPort !== undefined) errors.push(invalid(`${path}.endPort`, endPort, `may not be specified when \`port\` is ${port === undefined ? 'not specified' : 'non-numeric'}`));
  return port === undefined ? errors : [...errors, ...portNameProblems(port).map((problem) => invalid(`${path}.port`, port, problem))];
}

function validatePeer({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer, path: string): FieldError[] {
  const errors = [...validateLabelSelector(podSelector, `${path}.podSelector`), ...validateLabelSelector(namespaceSelector, `${path}.namespaceSelector`), ...(ipBlock === undefined ? [] : validateBlock(ipBlock, `${path}.ipBlock`))];
  const selected = podSelector !== undefined || namespaceSelector !== undefined;
  if (!selected && ipBlock === undefined) errors.push(required(path, 'must specify a peer'));
  else if (selected && ipBlock !== undefined) errors.push(forbidden(path, 'may not specify both ipBlock and another peer'));
  return errors;
}

function validateBlock({ cidr = '', except = [] }: Partial<IPBlock>, path: string): FieldError[] {
  if (cidr === '') return [required(`${path}.cidr`)];
  const problems = cidrProblems(cidr);
  if (problems.length > 0) return problems.map((problem) => invalid(`${path}.cidr`, cidr, problem));
  return except.flatMap((network, index) => {
    const at = `${path}.except[${String(index)}]`;
    const wrong = cidrProblems(network);
    if (wrong.length > 0) return wrong.map((problem) => invalid(at, network, problem));
    return isStrictSubset(cidr, network) ? [] : [invalid(at, network, 'must be a strict subset of `cidr`')];
  });
}
