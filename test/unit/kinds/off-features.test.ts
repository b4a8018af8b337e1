// Fields of features that upstream 1.36 has off by default: dropped from pods and their templates without a word.
import t from 'tap';
import { podSpecDefaults } from '../../../internal/kinds/pod-spec/defaults.ts';
import type { PodSpec } from '../../../internal/kinds/generated/api-types.ts';

t.test('trust bundles and certificates of pods are no sources of projected volumes', (t) => {
  const spec = { containers: [], volumes: [{ name: 'v', projected: { sources: [{ clusterTrustBundle: { name: 'a', path: 'x' } }, { podCertificate: { signerName: 's.io/x', keyType: 'ED25519' } }, { secret: { name: 's' } }] } }] } as unknown as PodSpec;
  podSpecDefaults(spec);
  t.same(spec.volumes, [{ name: 'v', projected: { sources: [{}, {}, { secret: { name: 's' } }], defaultMode: 0o644 } }]);
  t.end();
});
