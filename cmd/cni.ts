// `skiff cni --socket PATH`: Skiff's CNI plugin, called by a container runtime with CNI's variables and the configuration on stdin. It knows nothing
// itself: the node that listens on the socket does.
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { messageOf } from '../internal/base/errors.ts';
import { CNI_VERSION, cniError, SUPPORTED_VERSIONS, type CniAnswer, type CniCall } from '../agents/network/cni/protocol.ts';

const TRY_AGAIN_LATER = 11;

export async function runCni([, socketPath = '']: readonly string[]): Promise<number> {
  const { CNI_COMMAND: command = '', CNI_CONTAINERID: containerId = '', CNI_NETNS: netns = '', CNI_ARGS: args = '' } = process.env;
  const input = await text(process.stdin);
  if (command === 'VERSION') return print({ code: 0, output: { cniVersion: CNI_VERSION, supportedVersions: SUPPORTED_VERSIONS } });
  return print(await ask(socketPath, { command, containerId, netns, args, config: JSON.parse(input === '' ? '{}' : input) as CniCall['config'] }));
}

async function ask(socketPath: string, call: CniCall): Promise<CniAnswer> {
  try {
    const socket = connect({ path: socketPath, allowHalfOpen: true });
    socket.end(JSON.stringify(call));
    return JSON.parse(await text(socket)) as CniAnswer;
  } catch (error) {
    return cniError(TRY_AGAIN_LATER, `the Skiff node does not answer (is it running?): ${messageOf(error)}`);
  }
}

function print({ code, output }: CniAnswer): number {
  if (output !== undefined) process.stdout.write(`${JSON.stringify(output)}\n`);
  return code === 0 ? 0 : 1;
}
