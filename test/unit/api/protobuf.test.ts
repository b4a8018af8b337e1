import protobuf from 'protobufjs';
import t from 'tap';
import { decodeProtobuf, encodeProtobuf } from '../../../internal/api/protobuf.ts';
import { loadSchemas } from '../../../internal/api/schema.ts';

const schemas = loadSchemas();

// The oracle: the same wire numbers, declared by hand for protobufjs, as core/v1 has them.
const root = protobuf.parse(`syntax = "proto2";
  message Unknown { optional TypeMeta typeMeta = 1; optional bytes raw = 2; }
  message TypeMeta { optional string apiVersion = 1; optional string kind = 2; }
  message ObjectMeta { optional string name = 1; optional string namespace = 3; optional Time creationTimestamp = 8; map<string, string> labels = 11; }
  message Time { optional int64 seconds = 1; optional int32 nanos = 2; }
  message Pod { optional ObjectMeta metadata = 1; optional PodSpec spec = 2; }
  message PodSpec { repeated Volume volumes = 1; repeated Container containers = 2; optional int64 terminationGracePeriodSeconds = 4; optional bool hostNetwork = 11; }
  message Volume { optional string name = 1; optional VolumeSource volumeSource = 2; }
  message VolumeSource { optional HostPath hostPath = 1; }
  message HostPath { optional string path = 1; }
  message Container { optional string name = 1; optional string image = 2; optional Resources resources = 8; optional Probe livenessProbe = 10; }
  message Resources { map<string, Quantity> limits = 1; }
  message Quantity { optional string string = 1; }
  message Probe { optional Handler handler = 1; optional int32 periodSeconds = 4; }
  message Handler { optional HttpGet httpGet = 2; }
  message HttpGet { optional string path = 1; optional IntOrString port = 2; }
  message IntOrString { optional int64 type = 1; optional int32 intVal = 2; optional string strVal = 3; }`).root;

const wire = {
  metadata: { name: 'web', namespace: 'default', labels: { app: 'web' }, creationTimestamp: { seconds: 1_700_000_000, nanos: 0 } },
  spec: {
    terminationGracePeriodSeconds: 0, hostNetwork: false,
    volumes: [{ name: 'data', volumeSource: { hostPath: { path: '/data' } } }],
    containers: [{ name: 'c', image: 'busybox', resources: { limits: { cpu: { string: '100m' } } }, livenessProbe: { periodSeconds: 5, handler: { httpGet: { path: '/', port: { type: 1, intVal: 0, strVal: 'http' } } } } }],
  },
};
const json = {
  apiVersion: 'v1', kind: 'Pod',
  metadata: { name: 'web', namespace: 'default', labels: { app: 'web' }, creationTimestamp: '2023-11-14T22:13:20Z' },
  spec: {
    terminationGracePeriodSeconds: 0,
    volumes: [{ name: 'data', hostPath: { path: '/data' } }],
    containers: [{ name: 'c', image: 'busybox', resources: { limits: { cpu: '100m' } }, livenessProbe: { periodSeconds: 5, httpGet: { path: '/', port: 'http' } } }],
  },
};

t.test('decodes what protobufjs wrote: embeds inlined, times, quantities and ports in their JSON form, pointers kept at zero', async (t) => {
  const raw = root.lookupType('Pod').encode(root.lookupType('Pod').fromObject(wire)).finish();
  const envelope = root.lookupType('Unknown').encode({ typeMeta: { apiVersion: 'v1', kind: 'Pod' }, raw }).finish();
  t.strictSame(decodeProtobuf(Buffer.concat([Buffer.from('k8s\0'), envelope]), schemas), json);
});

t.test('protobufjs decodes what the encoder wrote', async (t) => {
  const bytes = encodeProtobuf(json, schemas);
  const { raw } = root.lookupType('Unknown').decode(bytes.subarray(4)) as unknown as { raw: Uint8Array };
  const pod = root.lookupType('Pod').toObject(root.lookupType('Pod').decode(raw), { longs: Number }) as typeof wire;
  t.equal(pod.spec.volumes[0]?.volumeSource.hostPath.path, '/data');
  t.equal(pod.spec.containers[0]?.livenessProbe.handler.httpGet.port.strVal, 'http');
  t.equal(pod.metadata.creationTimestamp.seconds, 1_700_000_000);
});

t.test('every kind of the table survives encode and decode', async (t) => {
  for (const id of schemas.ids()) {
    const kind = schemas.get(id)?.kind;
    if (kind === undefined) continue;
    const object = { apiVersion: kind.group === '' ? kind.version : `${kind.group}/${kind.version}`, kind: kind.kind, metadata: {} };
    t.match(decodeProtobuf(encodeProtobuf(object, schemas), schemas), { apiVersion: object.apiVersion, kind: object.kind }, id);
  }
});

t.test('what is no number cannot be written where one stands: it must not be tried for ever', async (t) => {
  for (const replicas of [Number.NaN, Number.POSITIVE_INFINITY, 'x']) {
    t.throws(() => encodeProtobuf({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' }, spec: { replicas } }, schemas), TypeError, String(replicas));
  }
});

t.test('truncated input is a BadRequest', async (t) => {
  const bytes = encodeProtobuf(json, schemas);
  t.throws(() => decodeProtobuf(bytes.subarray(0, 40), schemas), { name: 'StatusError' });
  t.throws(() => decodeProtobuf(Buffer.from('{}'), schemas), { name: 'StatusError' });
});
