// An agent keeps one connection open to its server, so that the server reaches its kubelet also where it could not call it (behind NAT, or
// a firewall): for logs, exec, attach, port-forward and proxy.
//
//   agent ── GET /v1-skiff/tunnel, Upgrade: skiff-tunnel, client certificate system:node:<name> ──► server
//   server ── HTTP/2 on that connection, the other way round: CONNECT kubelet ──► agent ──► 127.0.0.1:<kubelet port>
//
// The server speaks TLS with the kubelet within, as it does without a tunnel: who may do what is the kubelet's to say, as ever. Nothing but the
// kubelet's port is reached by it.
export const TUNNEL_PATH = '/v1-skiff/tunnel';
export const TUNNEL_PROTOCOL = 'skiff-tunnel';

/** What one stream may send before it is read, and all together: enough for a fast log over a slow network. */
export const STREAM_WINDOW_BYTES = 256 * 1024;
export const TUNNEL_WINDOW_BYTES = 1024 * 1024;
