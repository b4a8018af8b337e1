// What CRI messages say of users: those of a pod's own, and the host's.
import t from 'tap';
import { decode, encode } from '../../../agents/runtime/cri/messages.ts';
import { containerMessage, sandboxMessage } from '../../../agents/runtime/cri/requests.ts';
import type { Mount, SandboxConfig } from '../../../agents/runtime/runtime.ts';
import { containerConfig } from '../../contract/runtime.ts';

const [POD, NODE] = [0, 2];
const SANDBOX: SandboxConfig = {
  namespace: 'default', name: 'pod', uid: 'uid', attempt: 0, hostname: 'pod', labels: {}, annotations: {}, cgroupParent: '/p', hostNetwork: false, hostPid: false, hostIpc: false,
  shareProcessNamespace: false, sysctls: {}, portMappings: [], logDirectory: '/logs', dns: { servers: [], searches: [], options: [] },
};
const MOUNT: Mount = { containerPath: '/a', hostPath: '/b', readOnly: true, propagation: 'None' };
const config = containerConfig({ imageId: 'sha256:1' } as never, { mounts: [MOUNT] });

t.test('a pod with users of its own: in the sandbox, in each container and on each mount', (t) => {
  const own = { ...SANDBOX, userNamespace: { hostId: 131072, length: 65536 } };
  const mapping = [{ hostId: 131072, containerId: 0, length: 65536 }];
  const sandbox = decode('SandboxConfig', encode('SandboxConfig', sandboxMessage(own)));
  t.match(sandbox.linux?.security?.namespaces?.users, { mode: POD, uids: mapping, gids: mapping });
  t.match(JSON.parse(sandbox.annotations['io.skiff.config'] ?? '{}'), { userNamespace: { hostId: 131072, length: 65536 } }, 'known again after a restart');
  const container = decode('ContainerConfig', encode('ContainerConfig', containerMessage(config, own)));
  t.match(container.linux?.security?.namespaces?.users, { mode: POD, uids: mapping, gids: mapping });
  t.match(container.mounts[0], { containerPath: '/a', uidMappings: mapping, gidMappings: mapping });
  t.end();
});

t.test("another pod has the node's", (t) => {
  const container = decode('ContainerConfig', encode('ContainerConfig', containerMessage(config, SANDBOX)));
  t.match(container.linux?.security?.namespaces?.users, { mode: NODE, uids: [], gids: [] });
  t.same(container.mounts[0]?.uidMappings, []);
  t.match(decode('SandboxConfig', encode('SandboxConfig', sandboxMessage(SANDBOX))).linux?.security?.namespaces?.users, { mode: NODE, uids: [] });
  t.end();
});

t.test('what a runtime says its handlers can, and whom a container runs as', (t) => {
  const { handlers } = decode('StatusResponse', encode('StatusResponse', { handlers: [{ name: 'runc', features: { userNamespaces: true } }, { name: 'kata' }] }));
  t.match(handlers, [{ name: 'runc', features: { userNamespaces: true, recursiveReadOnlyMounts: false } }, { name: 'kata', features: undefined }]);
  t.match(decode('ContainerStatus', encode('ContainerStatus', { user: { linux: { uid: 1, gid: 2, supplementalGroups: [2, 3] } } })).user?.linux, { uid: 1, gid: 2, supplementalGroups: [2, 3] });
  t.end();
});
