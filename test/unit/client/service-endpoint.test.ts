// From a service to the pod that is dialled: ready endpoints of the port, first family first, and upstream's words where there is none.
import t from 'tap';
import { systemRandom } from '../../../internal/base/random.ts';
import { serviceEndpoint, type ObjectSource } from '../../../internal/client/service-endpoint.ts';

const slice = (addressType: string, endpoints: object[], ports: object[] = [{ name: 'web', port: 8443 }], service = 'hook'): object => ({ metadata: { labels: { 'kubernetes.io/service-name': service } }, addressType, endpoints, ports });
const ready = (address: string): object => ({ addresses: [address], conditions: { ready: true } });
const source = (spec: object | undefined, ...slices: object[]): ObjectSource => ({
  get: () => (spec === undefined ? undefined : { spec }) as never,
  list: (_resource, { visit }) => { for (const one of slices) visit(one as never); },
});
const ports = [{ name: 'web', port: 443 }, { name: 'other', port: 80 }];

const rows: [name: string, from: ObjectSource, expected: object | RegExp][] = [
  ['no service', source(undefined), /^service "hook" not found$/],
  ['no such port', source({ ports: [{ port: 80 }] }), /^no service port 443 found for service "hook"$/],
  ['no slice', source({ ports }), /^no endpoints available for service "hook"$/],
  ['none ready', source({ ports }, slice('IPv4', [{ addresses: ['10.0.0.1'], conditions: { ready: false } }])), /^no endpoints available for service "hook"$/],
  ['another service', source({ ports }, slice('IPv4', [ready('10.0.0.1')], [{ name: 'web', port: 1 }], 'else')), /^no endpoints available/],
  ['another port', source({ ports }, slice('IPv4', [ready('10.0.0.1')], [{ name: 'other', port: 8080 }])), /^no endpoints available/],
  ['ready', source({ ports }, slice('IPv4', [{ addresses: ['10.0.0.9'], conditions: { ready: false } }, ready('10.0.0.1')])), { host: '10.0.0.1', port: 8443 }],
  ['nothing said of being ready', source({ ports }, slice('IPv4', [{ addresses: ['10.0.0.1'] }])), { host: '10.0.0.1', port: 8443 }],
  ['the first family', source({ ports, ipFamilies: ['IPv6', 'IPv4'] }, slice('IPv4', [ready('10.0.0.1')]), slice('IPv6', [ready('fd00::1')])), { host: 'fd00::1', port: 8443 }],
  ['only the other family', source({ ports, ipFamilies: ['IPv6', 'IPv4'] }, slice('IPv4', [ready('10.0.0.1')])), { host: '10.0.0.1', port: 8443 }],
  ['a name elsewhere', source({ type: 'ExternalName', externalName: 'hook.example.com' }), { host: 'hook.example.com', port: 443 }],
];

for (const [name, from, expected] of rows) {
  t.test(name, (t) => {
    const find = (): object => serviceEndpoint(from, { namespace: 'n', name: 'hook', port: 443 }, systemRandom);
    if (expected instanceof RegExp) t.throws(find, { message: expected });
    else t.strictSame(find(), expected);
    t.end();
  });
}
