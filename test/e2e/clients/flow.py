# The official Python client: typed and dynamic, lists with pages, a watch, exec and logs in a pod, patches, a definition and its objects.
import time
from kubernetes import client, config, dynamic, watch
from kubernetes.stream import stream

config.load_kube_config()
core, crds, custom = client.CoreV1Api(), client.ApiextensionsV1Api(), client.CustomObjectsApi()
NS = 'python'
core.create_namespace({'metadata': {'name': NS}})

for index in range(5):
    core.create_namespaced_config_map(NS, {'metadata': {'name': f'm{index}', 'labels': {'app': 'x'}}, 'data': {'n': str(index)}})
page = core.list_namespaced_config_map(NS, limit=2, label_selector='app=x')
names = [item.metadata.name for item in page.items]
while page.metadata._continue:
    page = core.list_namespaced_config_map(NS, limit=2, label_selector='app=x', _continue=page.metadata._continue)
    names += [item.metadata.name for item in page.items]
assert names == [f'm{index}' for index in range(5)], names
assert core.patch_namespaced_config_map('m0', NS, {'data': {'p': '1'}}).data == {'n': '0', 'p': '1'}
assert core.patch_namespaced_config_map('m0', NS, [{'op': 'remove', 'path': '/data/p'}]).data == {'n': '0'}

begin = core.list_namespaced_config_map(NS).metadata.resource_version
core.delete_namespaced_config_map('m4', NS)
for event in watch.Watch().stream(core.list_namespaced_config_map, NS, resource_version=begin, timeout_seconds=20):
    assert (event['type'], event['object'].metadata.name) == ('DELETED', 'm4'), event
    break

try:
    core.read_namespaced_config_map('none', NS)
    raise AssertionError('no 404')
except client.ApiException as error:
    assert error.status == 404 and 'configmaps \\"none\\" not found' in error.body, error.body

core.create_namespaced_pod(NS, {'metadata': {'name': 'p'}, 'spec': {'terminationGracePeriodSeconds': 0, 'containers': [{'name': 'c', 'image': 'busybox:1', 'command': ['sh', '-c', 'echo hello; sleep 3600']}]}})
for event in watch.Watch().stream(core.list_namespaced_pod, NS, field_selector='metadata.name=p', timeout_seconds=60):
    if event['object'].status.phase == 'Running':
        break
out = stream(core.connect_get_namespaced_pod_exec, 'p', NS, command=['sh', '-c', 'echo out; echo err >&2'], stderr=True, stdin=False, stdout=True, tty=False)
assert sorted(out.split()) == ['err', 'out'], out
assert core.read_namespaced_pod_log('p', NS) == 'hello\n'
assert stream(core.connect_get_namespaced_pod_exec, 'p', NS, command=['cat', '/etc/hostname'], stderr=True, stdin=False, stdout=True, tty=False).strip() == 'p'

crds.create_custom_resource_definition({'apiVersion': 'apiextensions.k8s.io/v1', 'kind': 'CustomResourceDefinition', 'metadata': {'name': 'oars.python.test'}, 'spec': {'group': 'python.test', 'scope': 'Namespaced', 'names': {'plural': 'oars', 'kind': 'Oar'}, 'versions': [{'name': 'v1', 'served': True, 'storage': True, 'subresources': {'status': {}}, 'schema': {'openAPIV3Schema': {'type': 'object', 'x-kubernetes-preserve-unknown-fields': True}}}]}})
for _ in range(100):
    if any(condition.type == 'Established' and condition.status == 'True' for condition in crds.read_custom_resource_definition('oars.python.test').status.conditions or []):
        break
    time.sleep(0.1)
custom.create_namespaced_custom_object('python.test', 'v1', NS, 'oars', {'apiVersion': 'python.test/v1', 'kind': 'Oar', 'metadata': {'name': 'o'}, 'spec': {'a': 1}})
assert custom.patch_namespaced_custom_object_status('python.test', 'v1', NS, 'oars', 'o', {'status': {'wet': True}})['status'] == {'wet': True}
oars = dynamic.DynamicClient(client.ApiClient()).resources.get(api_version='python.test/v1', kind='Oar')
assert [item.metadata.name for item in oars.get(namespace=NS).items] == ['o']
applied = oars.server_side_apply(namespace=NS, field_manager='py', body={'apiVersion': 'python.test/v1', 'kind': 'Oar', 'metadata': {'name': 'o'}, 'spec': {'b': 2}})
assert applied.spec.to_dict() == {'a': 1, 'b': 2}, applied
crds.delete_custom_resource_definition('oars.python.test')
core.delete_namespace(NS)
print('python client: all good')
